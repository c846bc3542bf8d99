"""Which fold a process runs: two processes with one fingerprint make the same state of the same input.

A standby of another release, or with other settings, could fold the same messages to another state than the rows that
the active process has written. It must not carry its state on; it loads the rows instead.
"""

import hashlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from cleartide.settings import ServiceSettings

LIBRARY: Final = Path(__file__).resolve().parents[1]
LIBRARY_PARTS: Final = ("bus", "contracts", "rules", "fold.py", "money.py")
OF_THE_PROCESS: Final = ("_PORT", "_URL", "_URLS", "_DSN", "_USER", "_PASSWORD", "_FILE", "_HOME", "_AT")
"""Ends of the names of settings that say where a process is, not what it folds."""


def fingerprint(service: Path, environment: Mapping[str, str]) -> str:
    """Of the service's folder, the library's pure parts, the interpreter, and every setting that may reach the fold."""
    sha = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    roots = [(service, service), *((LIBRARY, LIBRARY / part) for part in LIBRARY_PARTS)]
    for base, root in roots:
        for path in _sources(root):
            sha.update(f"\0{path.relative_to(base)}\0".encode() + path.read_bytes())
    for name, value in sorted(environment.items()):
        if _reaches_the_fold(name):
            sha.update(f"\0{name}={value}".encode())
    return sha.hexdigest()


def _sources(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    yield from (path for path in sorted(root.rglob("*.py")) if "tests" not in path.relative_to(root).parts)


def _reaches_the_fold(name: str) -> bool:
    if not name.startswith("CLEARTIDE_") or name.endswith(OF_THE_PROCESS):
        return False
    return name.removeprefix("CLEARTIDE_").lower() not in ServiceSettings.model_fields
