"""The embedded PostgreSQL with TimescaleDB in it, out of Debian's packages: `make timescale`.

The packages come from the mirror that this machine's own apt is set to, checked by apt, into folders of our own:
nothing of the machine is changed, and no right is needed. The extension is built against a newer C library than many
machines have; so that one comes along, and the server of this copy runs with it.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deploy.local.errors import StackError
from deploy.local.identity import copy_programs
from deploy.local.postgres import MAJOR, wheel_programs

ROOT: Final = Path(__file__).parents[2]
HOME: Final = ROOT / ".timescale"
COMMAND: Final = "make timescale"
SUITE: Final = "sid"
PACKAGE: Final = f"postgresql-{MAJOR}-timescaledb"
VERSION: Final = "2.31.0+dfsg-1"
"""What the tests were written with; once the suite has a newer one only, that is taken."""
LIBRARIES: Final = ("libc6", "libssl3t64", "libzstd1", "zlib1g")
SERVER: Final = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
lib=$here/../lib/debian
case $1 in -D) set -- "$@" -c shared_preload_libraries=timescaledb -c timescaledb.telemetry_level=off \\
    -c max_worker_processes=32;; esac
exec "$lib"/ld-linux-*.so.? --library-path "$lib:$here/../lib" --preload "$lib/libssl.so.3" \\
    --argv0 "$here/postgres" "$here/postgres.without" "$@"
"""


def programs() -> Path | None:
    """The folder of the programs, for CLEARTIDE_PG_BIN; None where nobody has made them."""
    found = sorted(HOME.glob(f"made/*/pginstall{MAJOR}/bin"))
    return found[0] if found else None


def main() -> int:
    """Make it where it is not there yet. A failure is one sentence and exit code 1."""
    if programs() is not None:
        return 0
    try:
        with tempfile.TemporaryDirectory(prefix="draft-", dir=_home()) as draft:
            _make(Path(draft))
    except (StackError, OSError) as error:
        print(f"cleartide: no TimescaleDB for the tests: {error}", file=sys.stderr)
        return 1
    print(f"TimescaleDB is in {programs()}: the tests use it; CLEARTIDE_PG_BIN of that folder makes `make up` do so")
    return 0


def _home() -> Path:
    HOME.mkdir(exist_ok=True)
    return HOME


def _make(draft: Path) -> None:
    unpacked, made = draft / "unpacked", draft / "made"
    for package in _download(draft):
        _run(["dpkg", "-x", str(package), str(unpacked)], draft)
    bin_folder = copy_programs(wheel_programs(), made)
    install = bin_folder.parent
    libraries = install / "lib" / "debian"
    libraries.mkdir()
    for found in unpacked.glob("usr/lib/*-linux-*/*.so*"):
        shutil.copy2(found, libraries, follow_symlinks=True)
    for found in unpacked.glob(f"usr/lib/postgresql/{MAJOR}/lib/*.so"):
        shutil.copy2(found, install / "lib" / "postgresql")
    for found in unpacked.glob(f"usr/share/postgresql/{MAJOR}/extension/*"):
        shutil.copy2(found, install / "share" / "postgresql" / "extension")
    server = bin_folder / "postgres"
    server.rename(server.with_name("postgres.without"))
    server.write_text(SERVER)
    server.chmod(0o755)
    _run([str(server), "--version"], draft)
    for folder in (made, *(path for path in made.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    made.rename(HOME / "made")


def _download(draft: Path) -> list[Path]:
    """The packages' files, each with a signature that apt has followed to its hash."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (draft / folder).mkdir(parents=True)
    state = ["-o", f"Dir::State::lists={draft}/lists", "-o", f"Dir::Cache={draft}/cache"]
    ours = ["-o", f"Dir::Etc::sourcelist={draft}/sources", "-o", "Dir::Etc::sourceparts=/dev/null"]
    apt = ["apt-get", "-q", *state, "-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none"]
    (draft / "sources").write_text(f"deb {_mirror(_run([*apt, 'update', '--print-uris'], draft))} {SUITE} main\n")
    _run([*apt, *ours, "update"], draft)
    try:
        _run([*apt, *ours, "download", f"{PACKAGE}={VERSION}"], draft)
    except StackError:
        print(f"{SUITE} has no {PACKAGE} {VERSION} any more: taking the one it has", file=sys.stderr)
        _run([*apt, *ours, "download", PACKAGE], draft)
    _run([*apt, *ours, "download", *LIBRARIES], draft)
    return sorted(draft.glob("*.deb"))


def _mirror(listed: str) -> str:
    """The first mirror of the whole distribution among those that apt would ask."""
    for address in re.findall(r"'(\S+?)/dists/", listed):
        if "security" not in address:
            return str(address)
    raise StackError("apt is set to no mirror here")


def _run(argv: Sequence[str], folder: Path) -> str:
    """What a program said; what it complained of last is the error."""
    try:
        done = subprocess.run(
            argv, cwd=folder, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise StackError(f"there is no {argv[0]} here") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise StackError(f"{argv[0]} said: {said[-1]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
