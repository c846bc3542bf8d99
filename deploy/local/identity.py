"""As whom PostgreSQL runs: it refuses root and a user without a passwd entry, so we find a way that works here.

Decided by trying, never by guessing: what a container or a kernel allows cannot be read off a version number.
"""

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

from deploy.local.errors import StackError
from deploy.local.process import wrapped

_TRIAL_SECONDS = 20.0


@dataclass(frozen=True)
class Runner:
    """programs: folder of the PostgreSQL programs; identity: for child.py; owner: uid and gid of the data, or None
    if the files are to stay ours."""

    programs: Path
    identity: str
    owner: tuple[int, int] | None = None

    def own(self, path: Path) -> None:
        """Give a file or a whole folder to the user PostgreSQL runs as, where that is not us."""
        uid, gid = self.owner or (os.geteuid(), os.getegid())
        if not path.exists() or path.stat().st_uid == uid or os.geteuid() != 0:
            return
        os.chown(path, uid, gid)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                os.chown(Path(folder) / name, uid, gid, follow_symlinks=False)


def find_runner(programs: Path, home: Path) -> Runner:
    """The first way to run PostgreSQL that works for this user on this machine.

    home: a folder of ours, for a copy of the programs if they are where the other user cannot read them.
    Raises StackError with the remedy if there is no way.
    """
    if os.geteuid() != 0 and _has_name():
        return Runner(programs, "same")
    other = _unprivileged()
    mapped = Runner(programs, f"map:{other.pw_uid}:{other.pw_gid}")
    if _runs(mapped):
        return mapped
    if os.geteuid() != 0:
        raise StackError(
            "PostgreSQL needs a user with a name, and this system allows no user namespaces: "
            "add a passwd entry for your uid, or set CLEARTIDE_POSTGRES_DSN to a server you have."
        )
    return drop_to(other, programs, home)


def drop_to(other: pwd.struct_passwd, programs: Path, home: Path) -> Runner:
    """Run as another user for good (we are root), from a readable copy of the programs if need be."""
    identity, owner = f"drop:{other.pw_uid}:{other.pw_gid}", (other.pw_uid, other.pw_gid)
    home.mkdir(parents=True, exist_ok=True)
    closed = _closed_to_others(home)
    if closed is not None:
        raise StackError(
            f"PostgreSQL runs as {other.pw_name} here, who may not enter {closed}: "
            "set CLEARTIDE_HOME to a folder that everybody can enter, such as one under /var/tmp."
        )
    direct = Runner(programs, identity, owner)
    if _runs(direct):
        return direct
    copied = Runner(copy_programs(programs, home / "programs"), identity, owner)
    if _runs(copied):
        return copied
    raise StackError(
        f"PostgreSQL refuses root and could not be run as {other.pw_name}: "
        "run this as a normal user, or set CLEARTIDE_POSTGRES_DSN to a server you have."
    )


def _has_name() -> bool:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True


def _unprivileged() -> pwd.struct_passwd:
    """Somebody who is not root and has a name."""
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        pass
    for entry in pwd.getpwall():
        if entry.pw_uid != 0:
            return entry
    raise StackError("PostgreSQL refuses root and this system has no other user: add one, for example `nobody`.")


def _runs(runner: Runner) -> bool:
    argv = wrapped([str(runner.programs / "postgres"), "--version"], SIGKILL, runner.identity)
    try:
        return subprocess.run(argv, capture_output=True, timeout=_TRIAL_SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _closed_to_others(folder: Path) -> Path | None:
    """The first folder on the way that a stranger may not enter."""
    for place in (*reversed(folder.absolute().parents), folder.absolute()):
        if not place.stat().st_mode & stat.S_IXOTH:
            return place
    return None


def copy_programs(programs: Path, target: Path) -> Path:
    """Copy the installation, and the libraries a wheel keeps beside it, in the same relative places.

    A wheel lays out `package/pginstall18/bin` and `package.libs`; the programs find the latter by relative path.
    """
    install = programs.parent
    package = install.parent
    libraries = package.with_name(package.name + ".libs")
    copy = target / package.name / install.name
    if not copy.exists():
        draft = target / package.name / f".{install.name}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(install, draft, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
        if libraries.is_dir():
            shutil.copytree(libraries, target / libraries.name, symlinks=True, dirs_exist_ok=True)
        draft.rename(copy)
    return copy / programs.name
