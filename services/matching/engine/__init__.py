"""The matching engine: compiled where there is a build of these very sources, else interpreted, the same either way."""

from pathlib import Path
from typing import Final

from cleartide.compiled import Engine

ENGINE: Final = Engine(Path(__file__).parent)
INTERPRETED_BECAUSE: Final = ENGINE.use(__path__)
"""Why it runs interpreted; empty when it runs compiled."""
COMPILED: Final = not INTERPRETED_BECAUSE
FORM: Final = ENGINE.form if COMPILED else "interpreted"
