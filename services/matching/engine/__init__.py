"""The matching engine: compiled where there is a build of exactly these sources, else interpreted, the same either way.

`CLEARTIDE_ENGINE=interpreted` asks for the interpreted form.
"""

import os
from typing import Final

from services.matching.engine import build


def _use_build() -> str:
    """Let the compiled modules be found before the sources; returns what is in the way, empty when nothing is."""
    if os.environ.get("CLEARTIDE_ENGINE") == "interpreted":
        return "CLEARTIDE_ENGINE asks for it"
    if not build.load():
        return build.failure() or "there is no build of these sources that loads here"
    __path__.insert(0, str(build.package()))
    return ""


INTERPRETED_BECAUSE: Final = _use_build()
"""Why the engine runs interpreted; empty when it runs compiled."""
COMPILED: Final = not INTERPRETED_BECAUSE
