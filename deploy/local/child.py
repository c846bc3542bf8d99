"""What runs between fork and exec of every child: `python -I -S child.py PARENT SIGNAL IDENTITY program arguments`.

It asks the kernel for a signal at the parent's death, so that nothing outlives a killed supervisor, and, for
PostgreSQL, which refuses to run as root, changes who the process is. IDENTITY is one of
  same              stay who we are
  map:UID:GID       enter a user namespace in which we are that user; files stay ours outside
  drop:UID:GID      become that user for good (needs root)
A wrapper and not a function called after fork: that is unsafe once the parent has threads. Standard library only.
"""

import ctypes
import os
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_CANNOT_EXECUTE = 126


def become(identity: str) -> None:
    """Change user as IDENTITY says. Raises OSError where the system forbids it."""
    kind, *numbers = identity.split(":")
    if kind == "same":
        return
    uid, gid = (int(number) for number in numbers)
    if kind == "drop":
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        return
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "user namespaces are not available")
    own = Path("/proc/self")
    (own / "setgroups").write_text("deny")
    (own / "uid_map").write_text(f"{uid} {outer_uid} 1")
    (own / "gid_map").write_text(f"{gid} {outer_gid} 1")


def die_with(parent: int, signal_number: int) -> None:
    """Have the kernel send us a signal when the parent dies; leave at once if it is dead already."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:  # Linux; elsewhere the next start cleans up by the state file
        prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(_CANNOT_EXECUTE)


def main(arguments: list[str]) -> None:
    """Prepare this process and become the program."""
    parent, signal_number, identity, *argv = arguments
    try:
        become(identity)
        # After the change of user, which clears it.
        die_with(int(parent), int(signal_number))
        os.execvp(argv[0], argv)
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
        sys.exit(_CANNOT_EXECUTE)


if __name__ == "__main__":
    main(sys.argv[1:])
