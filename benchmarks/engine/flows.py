"""Flows of commands: a synthetic one, and a real one rebuilt from the recorded market of the embedded stack.

A flow is rows of five integers (what, number, side, price, lots), side 0 buys and 1 sells; numbers count the orders.
"""

import gzip
import hashlib
import json
import random
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.engine.ladder import Ladder

ADD: Final = 0
CANCEL: Final = 1
TAKE: Final = 2
"""Immediate or cancel."""
REDUCE: Final = 3
"""To `lots`, in its place."""
MODIFY: Final = 4
"""To another price or to more lots: back to the end of the queue, and it may trade."""
FIELDS: Final = 5
RECORDS: Final = ".records"
"""Of the file beside a flow."""

MIDDLE: Final = 100_000
DEEPEST: Final = 700
RECORDING: Final = Path(__file__).parents[2] / "deploy/local/recordings/binance_usdm_btcusdt_20240808.gz"
TICKS_PER_UNIT: Final = 10
LOTS_PER_UNIT: Final = 1000


@dataclass
class Flow:
    """Commands, of which the first `warm` fill the book, and the right trades: their number, lots and digest.

    prepared: where our engine's records of them are, if they are on disk.
    """

    name: str
    rows: "array[int]" = field(default_factory=lambda: array("q"))
    warm: int = 0
    fills: int = 0
    lots: int = 0
    digest: str = ""
    prepared: Path | None = None

    def __len__(self) -> int:
        return len(self.rows) // FIELDS

    def commands(self) -> Iterator[tuple[int, int, int, int, int]]:
        """Row by row."""
        words = iter(self.rows)
        return zip(words, words, words, words, words, strict=True)

    def save(self, path: Path) -> None:
        """For other processes."""
        facts = {key: value for key, value in vars(self).items() if key not in ("rows", "prepared")}
        path.write_bytes(json.dumps(facts).encode() + b"\n" + self.rows.tobytes())

    @classmethod
    def load(cls, path: Path) -> "Flow":
        """What `save` wrote; the records, if there are any, stay on disk."""
        with path.open("rb") as file:
            facts, rows = json.loads(file.readline()), array("q", file.read())
        records = path.with_suffix(RECORDS)
        return cls(**facts, rows=rows, prepared=records if records.exists() else None)


def trade_digest(trades: "array[int]") -> str:
    """SHA-256 of (number of the resting order, price, lots) of every trade, as 64-bit words."""
    return hashlib.sha256(trades).hexdigest()


class Builder:
    """Writes a flow down while the ladder follows it."""

    def __init__(self, name: str) -> None:
        self.flow = Flow(name)
        self.book = Ladder()
        self.trades = array("q")
        self.number = 0

    def add(self, side: int, price: int, lots: int) -> int:
        """An order that rests where it does not trade; returns its number."""
        self.number += 1
        self.flow.rows.extend((ADD, self.number, side, price, lots))
        left = lots - self.trade(self.book.take(side, lots, price))
        if left:
            self.book.rest(self.number, side, price, left)
        return self.number

    def take(self, side: int, price: int, lots: int) -> None:
        """An immediate order with a limit."""
        self.number += 1
        self.flow.rows.extend((TAKE, self.number, side, price, lots))
        self.trade(self.book.take(side, lots, price))

    def trade(self, trades: list[tuple[int, int, int]]) -> int:
        """Note trades; returns their lots."""
        for trade in trades:
            self.trades.extend(trade)
        self.flow.fills += len(trades)
        traded = sum(lots for _, _, lots in trades)
        self.flow.lots += traded
        return traded

    def cancel(self, number: int) -> None:
        """Of a resting order."""
        self.flow.rows.extend((CANCEL, number, 0, 0, 0))
        self.book.remove(number)

    def reduce(self, number: int, lots: int) -> None:
        """Of a resting order."""
        side, price = self.book.places[number]
        self.flow.rows.extend((REDUCE, number, side, price, lots))
        self.book.levels[side][price][number] = lots

    def done(self) -> Flow:
        """The flow with the trades that are right."""
        self.flow.digest = trade_digest(self.trades)
        return self.flow


class Live:
    """Numbers of resting orders, for drawing one evenly."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.places: dict[int, int] = {}

    def add(self, number: int) -> None:
        """An order rests."""
        self.places[number] = len(self.numbers)
        self.numbers.append(number)

    def remove(self, number: int) -> None:
        """It is gone; the last one takes its place."""
        place, last = self.places.pop(number), self.numbers.pop()
        if last != number:
            self.numbers[place] = last
            self.places[last] = place


def synthetic(commands: int = 1_000_000, start: int = 20_000, seed: int = 20240601) -> Flow:
    """55 % orders that rest within 700 ticks, 35 % cancels, 10 % orders that fill at once, on a book of 20,000 orders.

    Distances from the other side's best price follow a power law; sizes are even from 1 to 100, for takers to 200. A
    taker's limit is the worst price that it needs, so that limit, market and immediate orders trade alike.
    """
    chance, build, live = random.Random(seed), Builder("synthetic"), Live()
    for _ in range(start):
        live.add(_resting(chance, build))
    build.flow.warm = start
    for _ in range(commands):
        what = chance.random()
        if what < 0.55:
            live.add(_resting(chance, build))
        elif what < 0.90:
            number = chance.choice(live.numbers)
            live.remove(number)
            build.cancel(number)
        else:
            _filling(chance, build, live)
    return build.done()


def _resting(chance: random.Random, build: Builder) -> int:
    side, away = chance.getrandbits(1), DEEPEST + 1
    while away > DEEPEST:
        away = int((1 - chance.random()) ** -2.0)
    lots = chance.randint(1, 100)
    best = build.book.best(1 - side)
    if best is None:
        best = MIDDLE - 1 if side else MIDDLE + 1
    return build.add(side, best + away if side else best - away, lots)


def _filling(chance: random.Random, build: Builder, live: Live) -> None:
    side, lots = chance.getrandbits(1), chance.randint(1, 200)
    trades = build.book.take(side, lots)
    build.number += 1
    build.flow.rows.extend((TAKE, build.number, side, trades[-1][1], lots))
    build.trade(trades)
    for number, _, _ in trades:
        if number not in build.book.places:
            live.remove(number)


def recorded(path: Path = RECORDING) -> Flow:
    """Six minutes of BTCUSDT perpetual (depth at every change, and trades) as the orders that could have made them.

    More at a price is a new order of the difference; less is a cancel, or a reduction, of the newest there; the trades
    of one millisecond and side are one immediate order up to the last price. Tick 0.1, lot 0.001.
    """
    build = Builder("recorded")
    trades: list[dict[str, Any]] = []
    with gzip.open(path, "rt") as lines:
        for line in lines:
            _, _, text = line.partition(" ")
            if not text.strip() or "bookTicker" in text:
                continue
            message = json.loads(text)
            event = message.get("data", message)
            if event.get("e") == "trade" and (
                not trades or (event["T"], event["m"]) == (trades[0]["T"], trades[0]["m"])
            ):
                trades.append(event)
                continue
            _immediate(build, trades)
            trades = [event] if event.get("e") == "trade" else []
            if "b" in event and event.get("e") == "depthUpdate":
                _depth(build, event["b"], event["a"])
            elif "bids" in event:
                _depth(build, event["bids"], event["asks"])
                build.flow.warm = len(build.flow)
    _immediate(build, trades)
    return build.done()


def _steps(text: str, per_unit: int) -> int:
    return round(float(text) * per_unit)


def _immediate(build: Builder, trades: list[dict[str, Any]]) -> None:
    lots = sum(_steps(trade["q"], LOTS_PER_UNIT) for trade in trades)
    if lots:
        side, prices = int(trades[0]["m"]), [_steps(trade["p"], TICKS_PER_UNIT) for trade in trades]
        build.take(side, min(prices) if side else max(prices), lots)


def _depth(build: Builder, bids: list[list[str]], asks: list[list[str]]) -> None:
    for side, levels in ((0, bids), (1, asks)):
        for price_text, size_text in levels:
            price, wanted = _steps(price_text, TICKS_PER_UNIT), _steps(size_text, LOTS_PER_UNIT)
            there = build.book.lots(side, price)
            if wanted > there:
                build.add(side, price, wanted - there)
            while wanted < there:
                number, lots = next(reversed(build.book.levels[side][price].items()))
                if lots <= there - wanted:
                    build.cancel(number)
                else:
                    build.reduce(number, lots - (there - wanted))
                there -= min(lots, there - wanted)
