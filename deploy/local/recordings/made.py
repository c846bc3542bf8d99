"""Make recordings for markets of which none was captured: `python -m deploy.local.recordings.made`.

The recorded BTCUSDT lends the hours: when there is a trade, which side took and how large, and how the whole market
moved. What is the symbol's own is made up by seed: a walk of its own on top of that move, on its own grid, ending where
it began so that loops join; and a book around it. Integers alone, so every machine makes the same frames.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from deploy.local.venues import FOLDER, RECORDING
from services.ingestor.simulator.recording import Body, Level, Line, Recording

STEP_MILLIS: Final = 500
SNAPSHOT_STEP: Final = 2
PPB: Final = 1_000_000_000
FIRST_ID: Final = 1_000_000
BANDS: Final = ((1, 30), (10, 300), (100, 1_500))
"""(every so many ticks, up to so many from the middle) there is a level."""
CHANGED_LEVELS: Final = 4
"""Levels a side whose size changes with each change of the book."""


@dataclass(frozen=True)
class Own:
    """What a symbol has of its own.

    ticks: its first price. tick, lot: decimal places. follows: how much of the recorded move it makes, in per cent.
    step_ppb: the most that its own walk does in a step. size_lots: a level's at the best price. trade_every: of the
    recorded trades, one in so many is told. size_percent: its size, of the recorded one.
    """

    symbol: str
    ticks: int
    tick: int
    lot: int
    follows: int
    step_ppb: int
    size_lots: int
    trade_every: int
    size_percent: int

    @property
    def path(self) -> Path:
        """Where its recording is kept."""
        return FOLDER / f"made_{self.symbol.lower()}.gz"


MADE: Final = (
    Own("ETHUSDT", 263_412, 2, 3, follows=110, step_ppb=300_000, size_lots=9_000, trade_every=9, size_percent=1_600),
    Own("SOLUSDT", 15_487, 2, 2, follows=130, step_ppb=450_000, size_lots=20_000, trade_every=14, size_percent=12_000),
)


@dataclass
class Maker:
    """Makes one symbol's lines from the recorded ones."""

    own: Own
    source: Recording
    _random: Random = field(init=False)
    _book: dict[str, dict[int, int]] = field(init=False)
    _update: int = FIRST_ID
    _trade: int = FIRST_ID

    def __post_init__(self) -> None:
        self._random = Random(self.own.symbol)
        self._book = {"b": {}, "a": {}}

    def lines(self) -> Iterator[str]:
        """Every line of the recording."""
        trades = self._trades()
        for step, best in enumerate(self._bests()):
            millis = step * STEP_MILLIS
            if step == SNAPSHOT_STEP:
                yield self._snapshot(millis)
            yield self._depth(millis, self._moved(best))
            yield self._quote(millis, best)
            yield from (self._deal(best, after, recorded) for after, recorded in trades.get(step, ()))

    def _bests(self) -> list[int]:
        """The best bid at each step, in ticks: the recorded move and a walk of its own, together back at the start."""
        moves, own = self._recorded_moves(), 0
        paths = []
        for move in moves:
            paths.append(move * self.own.follows // 100 + own)
            own += self._random.randint(-self.own.step_ppb, self.own.step_ppb)
        last = len(paths) - 1
        return [self.own.ticks * (PPB + path - paths[-1] * step // last) // PPB for step, path in enumerate(paths)]

    def _recorded_moves(self) -> list[int]:
        """How far the recorded best bid is from the first one at each step, in ppb."""
        bids = [0] * (self.source.loop_millis // STEP_MILLIS)
        for line, body in _bodies(self.source):
            if body.e == "bookTicker":
                place = min(line.after_ns // 1_000_000 // STEP_MILLIS, len(bids) - 1)
                bids[place] = int(str(body.b).replace(".", ""))
        for place in range(1, len(bids)):
            bids[place] = bids[place] or bids[place - 1]
        return [(bid - bids[0]) * PPB // bids[0] for bid in bids]

    def _trades(self) -> Mapping[int, list[tuple[int, Body]]]:
        """By step, the recorded trades that are told, each with its milliseconds since the beginning."""
        found: dict[int, list[tuple[int, Body]]] = {}
        for number, (line, body) in enumerate(each for each in _bodies(self.source) if each[1].e == "trade"):
            if number % self.own.trade_every == 0 and body.X == "MARKET":
                after = line.after_ns // 1_000_000
                found.setdefault(after // STEP_MILLIS, []).append((after, body))
        return found

    def _moved(self, bid: int) -> dict[str, list[Level]]:
        """Carry the book to a new best bid, the best ask a tick above it; what of it changed."""
        changed = {}
        for name, best, away in (("b", bid, -1), ("a", bid + 1, 1)):
            side = self._book[name]
            fresh = {price: side.get(price) or self._size(abs(price - best)) for price in _prices(best, away)}
            for price in self._random.sample(sorted(fresh), CHANGED_LEVELS):
                fresh[price] = self._size(abs(price - best))
            gone = [(price, 0) for price in side if price not in fresh]
            differs = [(price, lots) for price, lots in fresh.items() if side.get(price) != lots]
            changed[name] = [self._level(price, lots) for price, lots in sorted(gone + differs)]
            self._book[name] = fresh
        return changed

    def _size(self, distance: int) -> int:
        """More behind than in front, never less than a lot."""
        return 1 + self._random.randrange(self.own.size_lots) * (10 + min(distance, 60)) // 40

    def _level(self, price: int, lots: int) -> Level:
        return _text(price, self.own.tick), _text(lots, self.own.lot)

    def _snapshot(self, after: int) -> str:
        sides = {"bids": sorted(self._book["b"].items(), reverse=True), "asks": sorted(self._book["a"].items())}
        levels = {name: [self._level(*level) for level in side] for name, side in sides.items()}
        now = self.source.first_millis + after
        return self._line(after, {"lastUpdateId": self._update, "E": now, "T": now, **levels})

    def _depth(self, after: int, changes: Mapping[str, list[Level]]) -> str:
        before, self._update = self._update, self._update + 1
        ids = {"U": self._update, "u": self._update, "pu": before}
        return self._event(after, "depth@0ms", "depthUpdate", **ids, **changes)

    def _quote(self, after: int, best: int) -> str:
        bid, bids = self._level(best, self._book["b"][best])
        ask, asks = self._level(best + 1, self._book["a"][best + 1])
        return self._event(after, "bookTicker", "bookTicker", u=self._update, b=bid, B=bids, a=ask, A=asks)

    def _deal(self, best: int, after: int, recorded: Body) -> str:
        self._trade += 1
        price = best if recorded.m else best + 1
        lots = max(1, int(recorded.q.replace(".", "")) * self.own.size_percent // 100 * 10**self.own.lot // 1_000)
        said = {"t": self._trade, "p": _text(price, self.own.tick), "q": _text(lots, self.own.lot)}
        return self._event(after, "trade", "trade", **said, X="MARKET", m=recorded.m)

    def _event(self, after: int, stream: str, kind: str, **body: Any) -> str:
        now = self.source.first_millis + after
        data = {"e": kind, "E": now, "T": now, "s": self.own.symbol, **body}
        return self._line(after, {"stream": f"{self.own.symbol.lower()}@{stream}", "data": data})

    def _line(self, after: int, message: Mapping[str, Any]) -> str:
        now = self.source.first_millis + after
        return f"{now * 1_000_000} {json.dumps(message, separators=(',', ':'))}\n"


def _bodies(source: Recording) -> Iterator[tuple[Line, Body]]:
    return ((line, line.body()) for line in source.lines if line.stream)


def _prices(best: int, away: int) -> list[int]:
    """Where a side has levels: finely at its best price, coarsely behind; at the same prices whatever is best."""
    return sorted(
        {price for every, reach in BANDS for price in range(best, best + away * reach, away) if price % every == 0}
    )


def _text(number: int, places: int) -> str:
    whole, part = divmod(number, 10**places)
    return f"{whole}.{part:0{places}d}"


def main() -> None:
    """Write every recording."""
    source = Recording(RECORDING)
    for own in MADE:
        text = "".join(Maker(own, source).lines())
        own.path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
