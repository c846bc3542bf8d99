"""Driving the engine and its model side by side, frames, and what must hold of a book's rings and indexes."""

import array
from collections.abc import Iterable, Sequence

from services.matching.engine import book as b
from services.matching.engine import records as r
from services.matching.engine.core import Engine
from services.matching.engine.tests.model import Event, Model

Command = tuple[int, ...]
"""(kind, account, flags or order number, price, lots, trigger), as in a frame but for the order's number."""


def frame(commands: Iterable[Sequence[int]]) -> bytes:
    """Commands of up to eight words as one frame."""
    words = array.array("q")
    for command in commands:
        words.extend((*command, *(0,) * (r.WORDS - len(command))))
    return words.tobytes()


def unpacked(events: memoryview) -> list[Event]:
    """Events of a frame's answer, one tuple each."""
    words = events.tolist()
    return [tuple(words[at : at + r.WORDS]) for at in range(0, len(words), r.WORDS)]


class Pair:
    """An engine and its model, given the same commands; orders are named by the order of their acceptance."""

    def __init__(self, accounts: int = 4, *, span: int = 32, fees: tuple[int, int] = (450_000, 150_000)) -> None:
        self.engine = Engine(accounts, span=span, taker_fee_ppb=fees[0], maker_fee_ppb=fees[1])
        self.model = Model(accounts, *fees)
        self.ids: list[int] = [0]
        self.numbers: dict[int, int] = {}

    def give(self, command: Command, *, packed: bool = False) -> list[Event]:
        """One command to both; returns what both said, after checking that it is the same."""
        kind, account, third, price, lots, trigger = command
        if kind == r.PLACE:
            self.model.place(account, third, price, lots, trigger, 7)
        elif kind == r.CANCEL:
            self.model.cancel(account, third, 7)
        else:
            self.model.replace(account, third, price, lots, 7)
        if kind != r.PLACE:
            third = self.ids[third] if 0 <= third < len(self.ids) else third
        said = self._packed(command, third) if packed else self._called(command, third)
        expected, self.model.events = self.model.events, []
        found = [self._numbered(event) for event in said]
        assert found == expected, f"{command}: {found} instead of {expected}"
        return found

    def _called(self, command: Command, third: int) -> list[Event]:
        kind, account, _, price, lots, trigger = command
        if kind == r.PLACE:
            self.engine.place(account, third, price, lots, trigger, 7)
        elif kind == r.CANCEL:
            self.engine.cancel(account, third, 7)
        else:
            self.engine.replace(account, third, price, lots, 7)
        return list(self.engine.drain())

    def _packed(self, command: Command, third: int) -> list[Event]:
        kind, account, _, *rest = command
        return unpacked(self.engine.apply_packed(frame([(kind, account, third, *rest, 7)])))

    def _numbered(self, event: Event) -> Event:
        """An event with the engine's ids as numbers; ids are new when they are given out."""
        if event[0] == r.ACCEPTED:
            assert event[1] not in self.numbers, "an id came twice"
            self.numbers[event[1]] = len(self.ids)
            self.ids.append(event[1])
        places = (1, 2) if event[0] in (r.TRADE, r.PREVENTED) else (1,)
        return tuple(self.numbers.get(word, word) if place in places else word for place, word in enumerate(event))

    def check(self) -> None:
        """The engine's book and positions are the model's, and the book's rings and indexes are sound."""
        check_book(self.engine.book)
        for half, side in ((b.BIDS, 1), (b.ASKS, -1)):
            expected = sorted(
                (order for order in self.model.resting if order.side == side),
                key=lambda order: (-order.price * order.side, order.queued),
            )
            assert [(row[b.ID], row[b.PRICE], row[b.LOTS]) for row in orders(self.engine.book, half)] == [
                (self.ids[order.number], order.price, order.left) for order in expected
            ]
        words = self.engine.positions.words
        for account, position in self.model.positions.items():
            kept = (position.lots, position.cost, position.realized, position.fees)
            assert tuple(words[account * 4 + word] for word in range(4)) == kept


def orders(book: b.Book, half: int) -> list[list[int]]:
    """The rows of a half's orders in priority."""
    rows, found, row = book.rows, [], book.best(half)
    while row != b.NIL:
        found.append([rows[row + word] for word in range(b.ROW)])
        row = book.after(row)
    return found


def check_book(book: b.Book) -> None:
    """Rings closed both ways, levels summed, each in the right index and in no other, the best known to the head."""
    rows, seen = book.rows, b.HALVES
    for half in range(b.HALVES):
        head, span = half * b.ROW, book.span
        window = {tick: row for tick in range(span) if (row := book.window[half * span + tick]) != b.NIL}
        far = list(zip(book.far_keys[half], book.far_rows[half], strict=True))
        assert far == sorted(far) and all(not 0 <= key - book.base[half] < span for key, _ in far)
        levels = sorted([*far, *((book.base[half] + tick, row) for tick, row in window.items())])
        for key, level in levels:
            lots, row, older = 0, rows[level + b.NEXT], level
            assert (rows[level + b.KEY], rows[level + b.HALF]) == (key, half)
            while row != level:
                assert rows[row + b.PREV] == older and rows[row + b.LEVEL] == level and rows[row + b.LOTS] > 0
                assert book.find(rows[row + b.ID]) == row
                lots, older, row, seen = lots + rows[row + b.LOTS], row, rows[row + b.NEXT], seen + 1
            assert rows[level + b.PREV] == older != level and rows[level + b.LOTS] == lots
            seen += 1
        assert rows[head + b.BEST] == (levels[0][1] if levels else head)
        assert book.depth(half) == [(key, rows[level + b.LOTS]) for key, level in levels]
        _check_bitmap(book, half, [*window])
    free, row = 0, book.free
    while row != b.NIL:
        free, row = free + 1, rows[row + b.NEXT]
    assert (seen + free) * b.ROW == book.used, "rows are lost or used twice"
    bid, ask = rows[rows[b.BIDS * b.ROW + b.BEST] + b.KEY], rows[rows[b.ASKS * b.ROW + b.BEST] + b.KEY]
    assert bid == b.NEVER or ask == b.NEVER or -bid < ask, "crossed"


def _check_bitmap(book: b.Book, half: int, ticks: list[int]) -> None:
    start = half * book.layer[b.LAYERS]
    for layer in range(b.LAYERS):
        expected: dict[int, int] = {}
        for tick in ticks:
            expected[tick >> 5] = expected.get(tick >> 5, 0) | 1 << (tick & 31)
        words = range(book.layer[layer], book.layer[layer + 1])
        found = {word - words.start: book.bits[start + word] for word in words if book.bits[start + word]}
        assert found == expected
        ticks = sorted(expected)
