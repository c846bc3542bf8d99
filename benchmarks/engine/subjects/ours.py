"""Our engine: 65,536 accounts, fees, self-trade prevention. Buyers and sellers differ, so that flows trade in full."""

from array import array
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from benchmarks.engine.flows import ADD, CANCEL, TAKE, Flow
from benchmarks.engine.worker import Call
from services.matching.engine import records
from services.matching.engine.book import LOTS, SIZE
from services.matching.engine.core import Engine as Core

ACCOUNTS: Final = 1 << 16
SPAN: Final = 1 << 17
PER_FRAME: Final = 1000
EMPTY: Final = b""
RECORD_BYTES: Final = 8 * records.WORDS


def new_engine() -> Core:
    """As it is measured."""
    return Core(ACCOUNTS, span=SPAN, taker_fee_ppb=450_000, maker_fee_ppb=150_000)


def commands(flow: Flow) -> Iterator[tuple[int, ...]]:
    """The flow as records: kind and four numbers."""
    if flow.prepared is None:
        yield from _learned(flow)
        return
    for frame in frames(flow, PER_FRAME):
        words = iter(memoryview(frame).cast("q"))
        yield from (record[:5] for record in zip(*[words] * records.WORDS, strict=True))


def prepare(flow: Flow, path: Path) -> None:
    """Write the records down, for the processes that are to send them."""
    with path.open("wb") as file:
        file.writelines(frames(flow, PER_FRAME))


def _learned(flow: Flow) -> Iterator[tuple[int, ...]]:
    """Ids come from an engine that runs ahead, as a gateway learns them from answers."""
    ahead, ids, owners = new_engine(), {}, {}
    for what, number, side, price, lots in flow.commands():
        if what in (ADD, TAKE):
            account = number * 40_503 % (ACCOUNTS >> 1) * 2 + side
            flags = side | (records.IOC if what == TAKE else 0)
            ids[number], owners[number] = ahead.place(account, flags, price, lots), account
            yield (records.PLACE, account, flags, price, lots)
        elif what == CANCEL:
            ahead.cancel(owners[number], ids[number])
            yield (records.CANCEL, owners[number], ids[number], 0, 0)
        else:
            rows, row = ahead.book.rows, ahead.book.find(ids[number])
            total = lots + (rows[row + SIZE] - rows[row + LOTS] if row else 0)
            ahead.replace(owners[number], ids[number], price, total)
            yield (records.REPLACE, owners[number], ids[number], price, total)
        ahead.apply_packed(EMPTY)


class Engine:
    """Called command by command; events are taken after every 64th."""

    per_call = 1

    def __init__(self) -> None:
        self.core = new_engine()
        self.flow = Flow("")

    def calls(self, flow: Flow) -> Iterator[list[Call]]:
        """One call per command."""
        self.flow = flow
        place, cancel, replace, take = self.core.place, self.core.cancel, self.core.replace, self.core.apply_packed
        for number, (kind, *arguments) in enumerate(commands(flow)):
            call: Call = (place, tuple(arguments))
            if kind == records.CANCEL:
                call = (cancel, tuple(arguments[:2]))
            elif kind == records.REPLACE:
                call = (replace, tuple(arguments))
            yield [call, (take, (EMPTY,))] if number % 64 == 0 else [call]

    def trades(self) -> "array[int] | None":
        """Of the same commands in frames, by another engine."""
        return framed_trades(self.flow)


def frames(flow: Flow, size: int) -> Iterator[bytes]:
    """The flow's commands in frames of so many."""
    if flow.prepared is not None:
        with flow.prepared.open("rb") as file:
            yield from iter(lambda: file.read(size * RECORD_BYTES), EMPTY)
        return
    found = commands(flow)
    while part := list(islice(found, size)):
        words = array("q")
        for command in part:
            words.extend((*command, 0, 0, 0))
        yield words.tobytes()


def framed_trades(flow: Flow) -> "array[int]":
    """(number of the resting order, price, lots) of every trade."""
    engine, numbers, trades, accepted = new_engine(), {}, array("q"), 0
    orders = [number for what, number, *_ in flow.commands() if what in (ADD, TAKE)]
    for frame in frames(flow, PER_FRAME):
        words = engine.apply_packed(frame).tolist()
        for at in range(0, len(words), records.WORDS):
            if words[at] == records.ACCEPTED:
                numbers[words[at + 1]] = orders[accepted]
                accepted += 1
            elif words[at] == records.TRADE:
                trades.extend((numbers[words[at + 2]], words[at + 3], words[at + 4]))
    return trades
