"""The public benchmark's report stream as our engine makes it, and its SHA-256."""

import hashlib
from collections.abc import Iterator

from benchmarks.engine.flows import ADD, CANCEL, TAKE, Flow
from benchmarks.engine.subjects.ours import frames, new_engine
from services.matching.engine import records as r


def report_hash(flow: Flow) -> str:
    """Of one line per report, in sequence and within it by kind, joined by newlines."""
    digest, between = hashlib.sha256(), ""
    numbers: dict[int, int] = {}
    for seq, (row, events) in enumerate(zip(flow.commands(), _answers(flow), strict=True)):
        text = "\n".join(_reports(seq, row, events, numbers))
        digest.update(f"{between}{text}".encode())
        between = "\n"
    return digest.hexdigest()


def _answers(flow: Flow) -> Iterator[list[tuple[int, ...]]]:
    """The events of each command: an answer begins the next one, and a close does that was asked for."""
    engine = new_engine()
    for frame in frames(flow, 1):
        words = engine.apply_packed(frame).tolist()
        yield [tuple(words[at : at + r.WORDS]) for at in range(0, len(words), r.WORDS)]


def _reports(seq: int, row: tuple[int, ...], events: list[tuple[int, ...]], numbers: dict[int, int]) -> Iterator[str]:
    """Kinds: 0 accepted, 1 traded, 2 cancelled, 3 modified, 4 and 5 neither."""
    what, number, side, price, lots = row
    if what in (ADD, TAKE):
        numbers[events[0][1]] = number
        yield f"0,{seq},{side},{number},{price},{lots}"
    for event in events:
        if event[0] == r.TRADE:
            yield f"1,{seq},{event[3]},{event[4]},{numbers[event[2]]},{number}"
    if events[-1][0] == r.CLOSED:
        yield f"2,{seq},{side},{number},{events[-1][4]}"
    elif events[0][0] == r.REPLACED:
        yield f"3,{seq},{side},{number},{price},{lots}"
    elif events[0][0] == r.REJECTED:
        yield f"{4 if what == CANCEL else 5},{seq},{number}"
