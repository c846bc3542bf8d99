"""Private folders and files."""

import os
from pathlib import Path

from deploy.local.errors import StackError


def make_folder(folder: Path) -> None:
    """Make a folder that others may pass through but not list, or say in one sentence why that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)
    except OSError as error:
        raise StackError(f"Cannot make the folder {folder} ({error.strerror}): set CLEARTIDE_HOME elsewhere.") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StackError(f"The folder {folder} is not writable: change its owner or set CLEARTIDE_HOME elsewhere.")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, all of it or nothing."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
