"""Objects in a folder, and behind the S3 API of a real server: rclone's."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from cleartide.store.objects import FolderStore, ObjectStore, ObjectStoreError, S3Store, authorization, open_store

from deploy.local import ports

KEY, SECRET = "archivist", "archivist-secret"


@pytest.fixture
async def bucket(tmp_path: Path) -> AsyncIterator[str]:
    """A server that speaks S3 and checks signatures, with one bucket; gone at the end of the test."""
    (tmp_path / "served" / "history").mkdir(parents=True)
    port = ports.free_port()
    program = shutil.which("rclone", path=str(Path(sys.executable).parent))
    assert program is not None
    server = await asyncio.create_subprocess_exec(
        program,
        *("serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", f"{KEY},{SECRET}", str(tmp_path / "served")),
        env={"RCLONE_CONFIG": str(tmp_path / "none"), "HOME": str(tmp_path)},
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


async def check(store: ObjectStore, folder: Path) -> None:
    """What every store must do."""
    content = bytes(range(256)) * 4_096
    source, target = folder / "source", folder / "target"
    source.write_bytes(content)
    assert await store.keys("") == []
    for day in ("2026-11-20", "2026-11-21"):
        await store.put(f"trades/day={day}/part-0.parquet", source)
    source.write_bytes(content[:1_000])
    await store.put("trades/day=2026-11-20/part-0.parquet", source)
    await store.put("candles/day=2026-11-20/part-0.parquet", source)
    assert await store.keys("trades/") == [f"trades/day=2026-11-{day}/part-0.parquet" for day in (20, 21)]
    await store.get("trades/day=2026-11-21/part-0.parquet", target)
    assert target.read_bytes() == content
    await store.get("trades/day=2026-11-20/part-0.parquet", target)
    assert target.read_bytes() == content[:1_000]
    with pytest.raises(ObjectStoreError):
        await store.get("trades/day=2026-11-22/part-0.parquet", target)


async def test_a_folder_keeps_objects(tmp_path: Path) -> None:
    """ANA-ARCHIVE-001: whole, replaced at once, listed in order; what is not there is said to be missing."""
    store = open_store(str(tmp_path / "objects"))
    assert isinstance(store, FolderStore)
    await check(store, tmp_path)


async def test_a_bucket_keeps_objects(bucket: str, tmp_path: Path) -> None:
    """ANA-ARCHIVE-001: the same behind the S3 API."""
    store = open_store(bucket, KEY, SECRET)
    assert isinstance(store, S3Store)
    await check(store, tmp_path)


async def test_a_wrong_secret_is_refused(bucket: str, tmp_path: Path) -> None:
    """ANA-ARCHIVE-002: so the server does check what we sign."""
    source = tmp_path / "source"
    source.write_bytes(b"x")
    with pytest.raises(ObjectStoreError, match="403"):
        await open_store(bucket, KEY, "another").put("a", source)


async def test_what_is_signed_may_not_change(bucket: str, tmp_path: Path) -> None:
    """ANA-ARCHIVE-002: without a signature nothing is given."""
    source = tmp_path / "source"
    source.write_bytes(b"x")
    await open_store(bucket, KEY, SECRET).put("a", source)
    address = bucket.partition("endpoint=")[2]
    async with aiohttp.ClientSession() as http, http.get(f"{address}/history/analytics/a") as response:
        assert response.status in (400, 403)


def test_the_signature_is_that_of_the_published_example() -> None:
    """ANA-ARCHIVE-003: Amazon's own example of a signed GET of an object with a range."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    headers = {
        "host": "examplebucket.s3.amazonaws.com",
        "range": "bytes=0-9",
        "x-amz-content-sha256": empty,
        "x-amz-date": "20130524T000000Z",
    }
    key, secret = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    signed = authorization("GET", "/test.txt", {}, headers, empty, "us-east-1", key, secret)
    assert signed.endswith("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
