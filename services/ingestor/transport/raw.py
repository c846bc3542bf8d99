"""Raw frames as they came, with their receive time: optional, so that every row can be made again and a mended parser
can be given the past.

A file `<venue>/<YYYY-MM-DD>/<HHMMSS>-<process>.frames.zst` holds records of receive time (microseconds UTC), length and
bytes. What was written is pushed out once a second: of a killed process at most the last second is lost, and what came
before it can be read.
"""

import importlib
import os
import struct
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

import structlog

log = structlog.get_logger()
RECORD: Final = struct.Struct("<qI")
LEVEL: Final = 3
PUSH_SECONDS: Final = 1.0
SUFFIX: Final = ".frames.zst"
_CHUNK: Final = 1 << 20
_LONGEST: Final = 64 * 2**20


class RawLog:
    """One venue's frames, a file a day. A disk that is full costs the raw frames and not the feed."""

    def __init__(self, folder: Path, venue: str) -> None:
        """Raises ImportError where `zstandard` is not installed."""
        self._folder, self._venue = folder, venue
        self._zstd: Any = importlib.import_module("zstandard")
        self._day = -1
        self._file: IO[bytes] | None = None
        self._writer: Any = None
        self._push_at = 0.0
        self.lost = 0

    def keep(self, data: bytes | str, at: int) -> None:
        """One frame, received at `at`."""
        try:
            self._keep(data.encode() if isinstance(data, str) else data, at)
        except OSError as error:
            if not self.lost:
                log.error("raw_frames_lost", venue=self._venue, error=str(error))
            self.lost += 1

    def _keep(self, data: bytes, at: int) -> None:
        if (day := at // 86_400_000_000) != self._day:
            self.close()
            self._open(at)
            self._day = day
        self._writer.write(RECORD.pack(at, len(data)) + data)
        if (now := time.monotonic()) >= self._push_at:
            self._writer.flush(self._zstd.FLUSH_BLOCK)
            self._push_at = now + PUSH_SECONDS

    def close(self) -> None:
        """End the file."""
        writer, self._writer, file, self._file = self._writer, None, self._file, None
        if writer is not None and file is not None:
            try:
                writer.flush(self._zstd.FLUSH_FRAME)
            finally:
                file.close()
        self._day = -1

    def _open(self, at: int) -> None:
        moment = datetime.fromtimestamp(at / 1e6, UTC)
        folder = self._folder / self._venue / f"{moment:%Y-%m-%d}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{moment:%H%M%S}-{os.getpid()}{SUFFIX}"
        self._file = path.open("ab", buffering=0)
        self._writer = self._zstd.ZstdCompressor(level=LEVEL).stream_writer(self._file, closefd=False)


def frames(path: Path) -> Iterator[tuple[int, bytes]]:
    """(receive time, frame) of a file, in order; one that a kill cut off ends where it was cut."""
    zstd: Any = importlib.import_module("zstandard")
    buffer, place = b"", 0
    with path.open("rb") as file, zstd.ZstdDecompressor().stream_reader(file, read_across_frames=True) as reader:
        while chunk := reader.read(_CHUNK):
            buffer, place = buffer[place:] + chunk, 0
            while len(buffer) - place >= RECORD.size:
                at, length = RECORD.unpack_from(buffer, place)
                if length > _LONGEST:
                    raise ValueError(f"{path}: a frame of {length} bytes")
                if len(buffer) - place < RECORD.size + length:
                    break
                place += RECORD.size
                yield at, buffer[place : place + length]
                place += length
