"""The engine compiled and interpreted, side by side over the same random commands: what they say must be equal.

    python -m services.matching.engine.tests.forms [COMMANDS] [SEED]

Ends with 1 where they differ, with 2 where the engine cannot be compiled.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.matching.engine import ENGINE

ROOT: Final = Path(__file__).parents[4]
FORMS: Final = ("compiled", "interpreted")
DIGEST: Final = "services.matching.engine.tests.digest"
COMMANDS: Final = "1000000"


def compare(module: str, *arguments: str, forms: Sequence[str] = FORMS) -> list[str]:
    """What processes with either form print, after the name of the form that they found. Raises RuntimeError."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=os.environ | {"CLEARTIDE_ENGINE": form},
            stdout=subprocess.PIPE,
            text=True,
        )
        for form in forms
    ]
    told = [process.communicate()[0].split(maxsplit=1) for process in running]
    if any(process.returncode for process in running) or [form for form, _ in told] != list(forms):
        raise RuntimeError(f"{module} {' '.join(arguments)}: {told}")
    return [said for _, said in told]


def main() -> int:
    """Compare, and tell."""
    commands, *seed = sys.argv[1:] or [COMMANDS]
    if failure := ENGINE.build():
        print(f"the engine cannot be compiled here: {failure}")
        return 2
    compiled, interpreted = compare(DIGEST, commands, *seed)
    print(f"compiled    {compiled}interpreted {interpreted}", end="")
    print(f"{commands} commands: {'equal' if compiled == interpreted else 'DIFFERENT'}")
    return int(compiled != interpreted)


if __name__ == "__main__":
    sys.exit(main())
