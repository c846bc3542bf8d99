"""Objects in a folder, and behind the S3 API of a real server: rclone's."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from cleartide.store.objects import FolderStore, ObjectStore, ObjectStoreError, S3Store, authorization, open_store

from deploy.local import ports
from tests.support.bucket import KEY, SECRET, serving_bucket


@pytest.fixture
async def bucket(tmp_path: Path) -> AsyncIterator[str]:
    """A server that speaks S3 and checks signatures, with one bucket; gone at the end of the test."""
    async with serving_bucket(tmp_path) as address:
        yield address


async def check(store: ObjectStore, folder: Path) -> None:
    """What every store must do."""
    content = bytes(range(256)) * 4_096
    source = folder / "source"
    source.write_bytes(content)
    assert await store.keys("") == []
    for day in ("2026-11-20", "2026-11-21"):
        await store.put(f"trades/day={day}/part-0.parquet", source)
    source.write_bytes(content[:1_000])
    await store.put("trades/day=2026-11-20/part-0.parquet", source)
    await store.put("candles/day=2026-11-20/part-0.parquet", source)
    assert await store.keys("trades/") == [f"trades/day=2026-11-{day}/part-0.parquet" for day in (20, 21)]
    assert list((await store.sizes("trades/")).values()) == [1_000, len(content)]
    async with store.reading() as read:
        assert await read("trades/day=2026-11-21/part-0.parquet", 0, len(content)) == content
        assert await read("trades/day=2026-11-21/part-0.parquet", 300, 7) == content[300:307]
        assert await read("trades/day=2026-11-20/part-0.parquet", 0, 1_000) == content[:1_000]
        with pytest.raises(ObjectStoreError):
            await read("trades/day=2026-11-22/part-0.parquet", 0, 1)
        with pytest.raises(ObjectStoreError):
            await read("trades/day=2026-11-20/part-0.parquet", 990, 20)


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


async def test_a_store_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    """ANA-ARCHIVE-002: in the words of the store's own error, whatever was asked."""
    store = open_store(f"s3://history?endpoint=http://127.0.0.1:{ports.free_port()}", KEY, SECRET)
    with pytest.raises(ObjectStoreError, match=r"refused|[Cc]onnect"):
        await store.keys("")
    async with store.reading() as read:
        with pytest.raises(ObjectStoreError, match=r"refused|[Cc]onnect"):
            await read("a", 0, 1)


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
