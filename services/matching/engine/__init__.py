"""The matching engine: compiled where there is a build of exactly these sources, else interpreted, the same either way.

`CLEARTIDE_ENGINE=interpreted` asks for the interpreted form.
"""

import os
from typing import Final

from services.matching.engine import build


def _use_build() -> bool:
    """Let the compiled modules be found before the sources; False when there are none that load here."""
    if os.environ.get("CLEARTIDE_ENGINE") == "interpreted" or not build.load():
        return False
    __path__.insert(0, str(build.package()))
    return True


COMPILED: Final = _use_build()
