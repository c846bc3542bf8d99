"""Make the passwords of an installation: `python -m deploy.compose.secrets --file deploy/.env`.

Without --file they are printed. A file that exists is left alone: its passwords are in the volumes already.
"""

import argparse
import sys
from pathlib import Path

from deploy.compose.passwords import generate
from deploy.local.files import write_private


def env_text() -> str:
    """New passwords as lines of an environment file."""
    return "".join(f"{name}={value}\n" for name, value in generate().items())


def main(arguments: list[str]) -> int:
    """Print or write; 1 when the file exists."""
    parser = argparse.ArgumentParser(prog="python -m deploy.compose.secrets", description=__doc__)
    parser.add_argument("--file", type=Path, help="write here, readable by you alone, instead of printing")
    path: Path | None = parser.parse_args(arguments).file
    if path is None:
        sys.stdout.write(env_text())
        return 0
    if path.exists():
        sys.stderr.write(f"{path} exists and was left alone: its passwords are in the volumes already\n")
        return 1
    write_private(path, env_text())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
