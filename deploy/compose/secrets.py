"""Make the passwords of an installation: `python -m deploy.compose.secrets --file deploy/.env`.

Without --file they are printed. A file that exists is left alone: its passwords are in the volumes already; with
--add it gets those that it lacks. --risk-pools 2 shares risk's accounts by two processes, as long as the data lives.
"""

import argparse
import sys
from pathlib import Path

from deploy.compose.passwords import MOST_POOLS, generate
from deploy.local.files import write_private


def env_text(pools: int = 1) -> str:
    """New passwords as lines of an environment file; and, of more than one pool, that they are to start."""
    lines = generate() | ({"CLEARTIDE_RISK_POOLS": str(pools), "COMPOSE_PROFILES": "pools"} if pools > 1 else {})
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def with_missing(text: str) -> str:
    """An environment file with new passwords for whatever it has none for."""
    known = {line.split("=", 1)[0] for line in text.splitlines()}
    more = [line for line in env_text().splitlines() if line.split("=", 1)[0] not in known]
    return "".join(f"{line}\n" for line in [*text.splitlines(), *more])


def main(arguments: list[str]) -> int:
    """Print or write; 1 when the file exists and nothing is to be added."""
    parser = argparse.ArgumentParser(prog="python -m deploy.compose.secrets", description=__doc__)
    parser.add_argument("--file", type=Path, help="write here, readable by you alone, instead of printing")
    parser.add_argument("--add", action="store_true", help="to a file that exists, add the passwords that it lacks")
    parser.add_argument("--risk-pools", type=int, choices=range(1, MOST_POOLS + 1), default=1, help="default: 1")
    parsed = parser.parse_args(arguments)
    path: Path | None = parsed.file
    if path is None:
        sys.stdout.write(env_text(parsed.risk_pools))
        return 0
    if path.exists() and not parsed.add:
        sys.stderr.write(f"{path} exists and was left alone: its passwords are in the volumes already\n")
        return 1
    write_private(path, with_missing(path.read_text()) if path.exists() else env_text(parsed.risk_pools))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
