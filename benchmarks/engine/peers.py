"""The environments of peers: packages of a lock file of their own, apart from ours, made when they are wanted."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
LOCK: Final = ROOT / "requirements-peers.lock"
HOME: Final = ROOT / ".cleartide"


def peers_python(lock: Path = LOCK) -> str | None:
    """The interpreter that has the peers of `lock`; None, after a line, where they cannot be installed."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    python = HOME / f"peers-{digest}" / "bin" / "python"
    if python.exists():
        return str(python)
    uv = str(Path(sys.executable).parent / "uv")
    environment = python.parents[1]
    try:
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment))
        _run(uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(lock))
    except subprocess.CalledProcessError as error:
        _run("rm", "-rf", str(environment))
        print(f"without the peers, which cannot be installed: {error.stderr.strip().splitlines()[-1]}", flush=True)
        return None
    return str(python)


def _run(*command: str) -> None:
    subprocess.run(command, capture_output=True, text=True, check=True)
