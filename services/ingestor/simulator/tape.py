"""Frames of a venue as somebody captured them, whichever recorder wrote the file, byte for byte.

Known by how its lines begin: "<receipt ns> <frame>", "<receipt s>: <frame>" (what was sent and asked for stands between
with its address and is left out), {"captured_at": ..., "data": <frame>}, and frames alone, which are dated by their own
`ts` in milliseconds. A file that is one JSON document holds a list of frames in `messages`, which have no times. Files
may be gzipped; `.frames.zst` are those that the feed keeps itself (`CLEARTIDE_INGESTOR_RAW_FOLDER`).
"""

import gzip
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from services.ingestor.simulator.twin import Topic, Twin, message
from services.ingestor.transport import raw

PAUSE_NS: Final = 100_000_000
"""Between frames of which nobody noted the times."""
_NANOS: Final = re.compile(rb"(\d{16,19}) (\{.*)")
_SECONDS: Final = re.compile(rb"(\d+)\.(\d{1,9}): (\{.*)")
_SNAPSHOT: Final = b'{"lastUpdateId"'


class _Noted(msgspec.Struct):
    captured_at: datetime
    data: msgspec.Raw


class _Dated(msgspec.Struct):
    ts: int


class _Document(msgspec.Struct):
    messages: list[msgspec.Raw]


class Frame(NamedTuple):
    """One frame, and when it came, in nanoseconds of a clock that is the file's."""

    at: int
    raw: bytes


@dataclass(frozen=True)
class Captured:
    """What of a venue's files is played. `snapshot`: the book that was asked for beside the stream, if one was."""

    frames: Sequence[tuple[Frame, Topic]]
    snapshot: Frame | None

    @classmethod
    def of(cls, twin: Twin, paths: Sequence[Path]) -> "Captured":
        """Everything in the files that is of the twin's symbols, by time. Raises ValueError where there is nothing."""
        found = sorted((each for path in paths for each in frames_of(path)), key=lambda each: each.at)
        named = [(each, twin.topic_of(message(each.raw.decode()))) for each in found]
        frames = [(each, topic) for each, topic in named if topic is not None]
        if not frames:
            raise ValueError(f"{', '.join(path.name for path in paths)}: no frame is of {', '.join(twin.symbols)}")
        return cls(frames, next((each for each in found if each.raw.startswith(_SNAPSHOT)), None))


def frames_of(path: Path) -> Iterator[Frame]:
    """Every frame of a file. Raises ValueError for a line that is none of the forms."""
    if path.name.endswith(raw.SUFFIX):
        yield from (Frame(at * 1_000, data) for at, data in raw.frames(path))
        return
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        whole = file.read()
    if whole.lstrip().startswith(b"{\n"):
        for count, each in enumerate(msgspec.json.decode(whole, type=_Document).messages):
            yield Frame(count * PAUSE_NS, bytes(each))
        return
    for number, line in enumerate(whole.splitlines()):
        if not line or line.startswith((b"wss://", b"https://", b"configuration: ")):
            continue
        yield _read(path, number, line)


def _read(path: Path, number: int, line: bytes) -> Frame:
    try:
        return next(frame for form in _FORMS if (frame := form(line)) is not None)
    except (StopIteration, msgspec.MsgspecError) as error:
        raise ValueError(f"{path.name}, line {number + 1}: no frame that this simulator knows") from error


def _by_nanos(line: bytes) -> Frame | None:
    found = _NANOS.fullmatch(line)
    return Frame(int(found[1]), found[2]) if found else None


def _by_seconds(line: bytes) -> Frame | None:
    found = _SECONDS.fullmatch(line)
    return Frame(int(found[1]) * 10**9 + int(found[2].ljust(9, b"0")), found[3]) if found else None


def _by_note(line: bytes) -> Frame | None:
    if not line.startswith(b'{"captured_at"'):
        return None
    noted = msgspec.json.decode(line, type=_Noted)
    moment = noted.captured_at
    seconds = int(moment.replace(microsecond=0).timestamp())
    return Frame(seconds * 10**9 + moment.microsecond * 1_000, bytes(noted.data))


def _by_itself(line: bytes) -> Frame | None:
    return Frame(msgspec.json.decode(line, type=_Dated).ts * 1_000_000, line)


_FORMS: Final[Sequence[Callable[[bytes], Frame | None]]] = (_by_nanos, _by_seconds, _by_note, _by_itself)
