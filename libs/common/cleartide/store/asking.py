"""SQL over archived days where they lie: DuckDB opens a folder's files, and of a bucket's it reads what it needs.

That is each file's footer, and the columns a question names of those row groups that can hold an answer, by ranges,
with our own S3 client: DuckDB's `httpfs` would be downloaded by whoever asks first.
"""

import asyncio
import io
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from cleartide.store.objects import ObjectStore, ObjectStoreError, ReadRange

MOST_FILES: Final = 4_000
PROTOCOL: Final = "archive"
SECONDS: Final = 120.0
"""For one range."""
INTERRUPT_SECONDS: Final = 0.05
_WRITTEN: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""An object is never changed, so when it was written says nothing."""


class ArchiveQueryError(Exception):
    """DuckDB refuses the SQL; the text is its."""


class Answer(NamedTuple):
    """Rows with their columns; and what they cost: ranges and bytes that a bucket gave (a folder none), of how many."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    ranges: int
    fetched: int
    stored: int


async def ask(store: ObjectStore, sql: str, views: Mapping[str, tuple[date, date]]) -> Answer:
    """What SQL gives; each dataset is a view of its days from first to last, with their folders' column `day`.

    Raises ObjectStoreError where the store fails or has nothing of these days, ArchiveQueryError where SQL does.
    """
    import duckdb  # as in cleartide.store.parquet

    files = {name: await _files(store, name, *days) for name, days in views.items()}
    sizes = {key: size for found in files.values() for key, size in found.items()}
    places = {name: [str(store.local(key) or f"{PROTOCOL}://{key}") for key in found] for name, found in files.items()}
    async with store.reading() as read:
        ranges = Ranges(sizes, read)
        with duckdb.connect(config={"autoinstall_known_extensions": False}) as duck:
            work = asyncio.create_task(asyncio.to_thread(_run, duck, sql, places, ranges))
            try:
                columns, rows = await asyncio.shield(work)
            except asyncio.CancelledError:
                # An interrupt before DuckDB has begun is lost, so one is not enough.
                while not work.done():
                    duck.interrupt()
                    await asyncio.wait((work,), timeout=INTERRUPT_SECONDS)
                raise
            except duckdb.Error as error:
                if ranges.failure is not None:
                    raise ranges.failure from None
                raise ArchiveQueryError(str(error)) from None
    return Answer(columns, rows, ranges.count, ranges.fetched, sum(sizes.values()))


async def _files(store: ObjectStore, dataset: str, first: date, last: date) -> dict[str, int]:
    stored = await store.sizes(f"{dataset}/")
    wanted = {key: size for key, size in stored.items() if first <= _day_of(key) <= last}
    if not wanted:
        raise ObjectStoreError(f"{dataset} has no day from {first} to {last}")
    if len(wanted) > MOST_FILES:
        raise ObjectStoreError(f"{dataset} has {len(wanted)} files from {first} to {last}: ask for fewer days")
    return wanted


def _day_of(key: str) -> date:
    return date.fromisoformat(key.split("/")[1].removeprefix("day="))


def _run(
    duck: Any, sql: str, places: Mapping[str, list[str]], ranges: "Ranges"
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    duck.register_filesystem(_filesystem(ranges))
    # Footers are read once, not when a view is made and again when it is asked.
    duck.execute("SET TimeZone = 'UTC'; SET parquet_metadata_cache = true")
    for name, paths in places.items():
        quoted = ", ".join(f"'{path}'" for path in paths)
        read = f"read_parquet([{quoted}], hive_partitioning = true, union_by_name = true)"
        duck.execute(f"CREATE VIEW {name} AS SELECT * FROM {read}")  # noqa: S608
    found = duck.execute(sql)
    return tuple(column[0] for column in found.description), found.fetchall()


class Ranges:
    """Parts of objects for DuckDB's threads, read on the event loop that made it; counts them, and keeps a failure."""

    def __init__(self, sizes: Mapping[str, int], read: ReadRange) -> None:
        self.sizes = sizes
        self.count = self.fetched = 0
        self.failure: ObjectStoreError | None = None
        self._read = read
        self._loop = asyncio.get_running_loop()

    def read(self, key: str, start: int, length: int) -> bytes:
        """Bytes of an object. Raises ObjectStoreError."""
        try:
            waiting = asyncio.run_coroutine_threadsafe(self._counted(key, start, length), self._loop)
            return waiting.result(SECONDS)
        except ObjectStoreError as error:
            self.failure = error
            raise
        except TimeoutError:
            self.failure = ObjectStoreError(f"{key}: no answer in {SECONDS:.0f} s")
            raise self.failure from None

    async def _counted(self, key: str, start: int, length: int) -> bytes:
        found = await self._read(key, start, length)
        self.count += 1
        self.fetched += len(found)
        return found


class RangedFile(io.RawIOBase):
    """An object as a file that can be read anywhere."""

    def __init__(self, ranges: Ranges, key: str) -> None:
        super().__init__()
        self._ranges, self._key, self._size, self._at = ranges, key, ranges.sizes[key], 0

    def readable(self) -> bool:
        """It is for reading alone."""
        return True

    def seekable(self) -> bool:
        """Anywhere."""
        return True

    def tell(self) -> int:
        """Where the next byte is."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go there."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        """So many bytes from here, fewer only at the end."""
        left = max(self._size - self._at, 0)
        length = left if size < 0 else min(size, left)
        found = self._ranges.read(self._key, self._at, length) if length else b""
        self._at += len(found)
        return found


def _filesystem(ranges: Ranges) -> Any:
    from fsspec import AbstractFileSystem  # with duckdb, and as late

    class Archive(AbstractFileSystem):  # type: ignore[misc]
        protocol = PROTOCOL
        cachable = False

        def glob(self, path: str, **_: Any) -> list[str]:
            return [self._strip_protocol(path)]

        def info(self, path: str, **_: Any) -> dict[str, Any]:
            key = self._strip_protocol(path)
            return {"name": key, "size": ranges.sizes[key], "type": "file"}

        def modified(self, _: str) -> datetime:
            return _WRITTEN

        def open(self, path: str, *_: Any, **__: Any) -> RangedFile:
            return RangedFile(ranges, self._strip_protocol(path))

    return Archive()
