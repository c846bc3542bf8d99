"""The simulated venue's own market: the book at the replay's position, which answers depth requests truly.

Not captured, and derived by the simulator because the recording has no such stream: the mark price. It is the middle of
the replayed best bid and ask, said once a second as mark and as index, with a funding rate of 0.0001, one of 0.00005
that some venues predict for the next interval, and the venue's true funding times (00:00, 08:00 and 16:00 UTC).

Prices may be laid `offset` beside the recording's, on demand (`control`): the book is then told as it would have been
there, without the levels whose price would not be positive.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import msgspec

from services.ingestor.simulator.moves import plus
from services.ingestor.simulator.recording import Body, Level, Recording, Shift

FUNDING_MILLIS: Final = 8 * 3_600_000
DERIVED_RATE: Final = "0.00010000"
PREDICTED_RATE: Final = "0.00005000"
_PRICE: Final = Decimal("0.00000001")


class Market:
    """Holds price and size as the venue's own text, so that an answer repeats them exactly."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.symbol = recording.symbol
        self.shift = Shift()
        self.offset = Decimal(0)
        self.last = 0
        self.millis = recording.first_millis
        self.best: tuple[Decimal, Decimal] | None = None
        self._early: list[Body] = []
        self._bids: dict[str, str] = {}
        self._asks: dict[str, str] = {}

    @property
    def bids(self) -> Mapping[str, str]:
        """Sizes by price."""
        return self._laid(self._bids)

    @property
    def asks(self) -> Mapping[str, str]:
        """Sizes by price."""
        return self._laid(self._asks)

    @property
    def known(self) -> bool:
        """Whether the book is there: from the recorded snapshot on."""
        return self.last > 0

    def take(self, body: Body) -> None:
        """Carry the market on by one recorded frame."""
        self.millis = max(self.millis, body.E)
        if body.e == "bookTicker":
            self.best = (Decimal(str(body.b)), Decimal(str(body.a)))
        elif body.e == "depthUpdate":
            if self.known:
                self._apply(body)
            else:
                self._early.append(body)

    def take_snapshot(self) -> None:
        """The replay has come to the recorded snapshot."""
        self._load(self._recording.snapshot.last)
        for body in self._early:
            self._apply(body)
        self._early.clear()

    def begin_loop(self, shift: Shift) -> bytes:
        """Go from the end of one loop to the start of the next; returns the difference frame that joins the two.

        The recording's end and start are different books. A venue never jumps, so the seam is one frame of everything
        that differs; it and those of `lay` are the only depth frames that were not captured.
        """
        bids, asks, previous = self.bids, self.asks, self.last + self.shift.updates
        self.shift, self.millis = shift, self._recording.first_millis
        self._load(self._recording.join.body().pu)
        return self._seam(bids, asks, previous)

    def lay(self, offset: Decimal) -> bytes:
        """Lay every price `offset` beside the recording's; returns the difference frame that says so."""
        bids, asks, previous = self.bids, self.asks, self.last + self.shift.updates
        self.offset = offset
        self.shift = replace(self.shift, updates=self.shift.updates + 1)
        return self._seam(bids, asks, previous)

    def said(self, raw: bytes) -> bytes:
        """A captured frame as the venue says it now: the very same bytes while prices are the recording's."""
        return _moved(raw, self.offset) if self.offset else raw

    @property
    def now_millis(self) -> int:
        """The venue's time at the replay's position."""
        return self.millis + self.shift.millis

    def depth(self, limit: int) -> bytes:
        """The answer of the depth endpoint: the best `limit` levels a side at the replay's position."""
        bids = sorted(self.bids.items(), key=lambda level: Decimal(level[0]), reverse=True)[:limit]
        asks = sorted(self.asks.items(), key=lambda level: Decimal(level[0]))[:limit]
        last, now = self.last + self.shift.updates, self.now_millis
        return msgspec.json.encode({"lastUpdateId": last, "E": now, "T": now, "bids": bids, "asks": asks})

    def mark(self) -> dict[str, str] | None:
        """The derived mark price fields (see the module's text); None before the first quote."""
        if self.best is None:
            return None
        bid, ask = self.best
        middle = format(((bid + ask) / 2 + self.offset).quantize(_PRICE), "f")
        return {"mark": middle, "index": middle, "rate": DERIVED_RATE}

    def mark_frame(self, now_millis: int) -> tuple[str, bytes] | None:
        """Stream name and frame of the derived markPrice@1s stream."""
        if (mark := self.mark()) is None:
            return None
        data = {
            "e": "markPriceUpdate",
            "E": now_millis,
            "s": self.symbol,
            "p": mark["mark"],
            "i": mark["index"],
            "P": mark["mark"],
            "r": mark["rate"],
            "T": next_funding(now_millis),
        }
        stream = f"{self.symbol.lower()}@markPrice@1s"
        return stream, msgspec.json.encode({"stream": stream, "data": data})

    def _load(self, last: int) -> None:
        self._bids, self._asks = dict(self._recording.snapshot.bids), dict(self._recording.snapshot.asks)
        self.last = last

    def _laid(self, side: dict[str, str]) -> Mapping[str, str]:
        return dict(_moved_levels(side.items(), self.offset)) if self.offset else side

    def _seam(self, bids: Mapping[str, str], asks: Mapping[str, str], previous: int) -> bytes:
        seam = {
            "e": "depthUpdate",
            "E": self.now_millis,
            "T": self.now_millis,
            "s": self.symbol,
            "U": self.last + self.shift.updates,
            "u": self.last + self.shift.updates,
            "pu": previous,
            "b": _difference(bids, self.bids),
            "a": _difference(asks, self.asks),
        }
        return msgspec.json.encode({"stream": self._recording.join.stream, "data": seam})

    def _apply(self, body: Body) -> None:
        if body.u < self.last:
            return
        assert body.U <= self.last <= body.u or body.pu == self.last, "the recording itself has a gap"
        for side, levels in ((self._bids, body.b), (self._asks, body.a)):
            assert isinstance(levels, list), "a depth frame has levels"
            for price, size in levels:
                if Decimal(size):
                    side[price] = size
                else:
                    side.pop(price, None)
        self.last = body.u


def next_funding(millis: int) -> int:
    """The next funding time after `millis`."""
    return (millis // FUNDING_MILLIS + 1) * FUNDING_MILLIS


def _moved(raw: bytes, offset: Decimal) -> bytes:
    """A captured frame with every price `offset` higher."""
    frame: dict[str, Any] = msgspec.json.decode(raw)
    data = frame["data"]
    for name in ("b", "a", "p"):
        if isinstance(data.get(name), list):
            data[name] = _moved_levels(data[name], offset)
        elif name in data:
            data[name] = plus(data[name], offset)
    return msgspec.json.encode(frame)


def _moved_levels(levels: Iterable[Sequence[str]], offset: Decimal) -> list[Level]:
    moved = ((Decimal(price) + offset, size) for price, size in levels)
    return [(format(price, "f"), size) for price, size in moved if price > 0]


def _difference(before: Mapping[str, str], after: Mapping[str, str]) -> list[Level]:
    gone = [(price, "0.000") for price in before if price not in after]
    return gone + [(price, size) for price, size in after.items() if before.get(price) != size]
