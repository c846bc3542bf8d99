"""Finding ports, and saying who sits on one."""

import itertools
import random
import socket
from pathlib import Path

from deploy.local.errors import PortTakenError, StackError

LOOPBACK = "127.0.0.1"
# Below the range the kernel hands to outgoing connections (32768 on Linux): a server that is killed and started again
# must find its port still free, and a client that reconnects to a dead port must not be connected to itself.
_FIRST, _LAST = 20_000, 32_000
_ATTEMPTS = 200
# One after the other, from anywhere: whoever is to listen on a port may come to it long after the look, and must not
# find there whoever was given one meanwhile.
_places = itertools.count(random.SystemRandom().randrange(_LAST - _FIRST + 1))


def begin_at(part: int, parts: int) -> None:
    """From here on look for ports from one of so many equally distant places on, where others begin at the other ones.

    Of two processes that go through the same ports close behind each other, one may be given the port of a server of
    the other that was killed and is about to start again; whoever waits for that server then finds a stranger's.
    """
    global _places
    _places = itertools.count((_LAST - _FIRST + 1) * part // parts)


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(avoid: frozenset[int] = frozenset()) -> int:
    """A loopback port nobody listens on and that is not in `avoid`; a process gets none twice until it had them all."""
    for place in itertools.islice(_places, _ATTEMPTS):
        port = _FIRST + place % (_LAST - _FIRST + 1)
        if port not in avoid and is_free(port):
            return port
    raise StackError(f"No free loopback port was found between {_FIRST} and {_LAST}; stop some servers and try again.")


def choose(preferred: int, *, pinned: bool, variable: str, avoid: frozenset[int] = frozenset()) -> int:
    """The preferred port; if it is taken, another one, unless the user pinned it.

    Raises PortTakenError for a pinned port that is taken; `variable` is the setting the message names.
    """
    if preferred not in avoid and is_free(preferred):
        return preferred
    if pinned:
        raise taken(preferred, variable)
    return free_port(avoid)


def taken(port: int, variable: str) -> PortTakenError:
    """The sentence for a port in use: who has it, and which setting changes it."""
    owner = _owner(port)
    by = f" by {owner}" if owner else ""
    return PortTakenError(f"Port {port} is in use{by}: stop that program, or set {variable} to another port.")


def _owner(port: int) -> str | None:
    """Name and pid of the process that listens on a port, where the system lets us see it (Linux)."""
    inodes = _listening_inodes(port)
    if not inodes:
        return None
    for folder in Path("/proc").glob("[0-9]*"):
        if any(_target(entry) in inodes for entry in _entries(folder / "fd")):
            return f"{(folder / 'comm').read_text().strip()} (pid {folder.name})"
    return None


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # of another user, or gone
        return []


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # closed meanwhile
        return ""


def _listening_inodes(port: int) -> set[str]:
    """Socket names, as /proc/<pid>/fd shows them, that listen on a port."""
    found: set[str] = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        try:
            rows = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found
