"""A server that speaks S3 and checks signatures: rclone's, from its wheel."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from deploy.local import ports

KEY: Final = "archivist"
SECRET: Final = "archivist-secret"


@asynccontextmanager
async def serving_bucket(folder: Path) -> AsyncIterator[str]:
    """The address of an empty bucket, whose objects are files below the folder; gone at the end."""
    (folder / "served" / "history").mkdir(parents=True)
    port = ports.free_port()
    program = shutil.which("rclone", path=str(Path(sys.executable).parent))
    assert program is not None
    server = await asyncio.create_subprocess_exec(
        program,
        *("serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", f"{KEY},{SECRET}", str(folder / "served")),
        env={"RCLONE_CONFIG": str(folder / "none"), "HOME": str(folder)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await _listening(port)
        yield f"s3://history/analytics?endpoint=http://127.0.0.1:{port}"
    finally:
        server.terminate()
        await server.wait()


async def _listening(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
