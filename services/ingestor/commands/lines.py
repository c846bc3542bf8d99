"""Events as lines: for people in prices and sizes, as CSV with the columns of their kinds, as JSON as they came."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec

from services.ingestor.adapters.events import STRUCTS
from services.ingestor.repository import instant

Event = Mapping[str, Any]
HEAD: Final = ("venue_time", "venue", "symbol", "type", "received_at", "venue_seq", "quality")
_ENVELOPE: Final = frozenset({"id", "version", "seq", "occurred_at", "causation_id", "correlation_id", "source", *HEAD})
NARROW: Final = 110
_PERCENT: Final = Decimal(10_000_000)
_HOUR: Final = 3_600_000_000


@dataclass(frozen=True)
class Grid:
    """What a tick and a lot of an instrument are worth; without, they are told as they are."""

    tick: Decimal | None = None
    lot: Decimal | None = None

    def price(self, ticks: int) -> str:
        """`61741.3`, or `617413 ticks`."""
        return f"{ticks} ticks" if self.tick is None else format(ticks * self.tick, "f")

    def size(self, lots: int) -> str:
        """`0.004`, or `4 lots`."""
        return f"{lots} lots" if self.lot is None else format(lots * self.lot, "f")


UNKNOWN: Final = Grid()


def columns(kinds: Sequence[str]) -> list[str]:
    """Of CSV: when, where and what, then all that events of these kinds hold."""
    fields = (name for each in STRUCTS if each.kind in kinds for name in each.__struct_fields__)
    return [*HEAD, *dict.fromkeys(name for name in fields if name not in _ENVELOPE)]


def csv_line(values: Sequence[Any]) -> str:
    """One line of CSV; lists as JSON."""
    text = io.StringIO()
    cells = [msgspec.json.encode(each).decode() if isinstance(each, list) else each for each in values]
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def people_line(event: Event, grid: Grid) -> str:
    """`00:51:08.954  binance-usdm    BTCUSDT           trade        sell 0.004 at 61741.3`."""
    kind = event["type"].removeprefix("Venue")
    told = _TOLD.get(kind, _rest)(event, grid)
    head = f"{_clock(event['venue_time'])}  {event['venue']:14}  {event['symbol']:16}  {kind.lower():12}"
    flag = "" if event["quality"] == "ok" else f"  [{event['quality']}]"
    return f"{head} {told}{flag}"


def fitted(line: str, width: int) -> str:
    """A line of people as a terminal of so many columns takes it: a narrow one without the room between the columns."""
    line = " ".join(line.split()) if width < NARROW else line
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _clock(micros: int) -> str:
    return f"{instant(micros):%H:%M:%S.%f}"[:-3]


def _rest(event: Event, _: Grid) -> str:
    return " ".join(f"{name}={value}" for name, value in event.items() if name not in _ENVELOPE)


def _trade(event: Event, grid: Grid) -> str:
    side = event.get("taker_side") or event["side"]
    return f"{side:4} {grid.size(event['size_lots'])} at {grid.price(event['price_ticks'])}"


def _ticker(event: Event, grid: Grid) -> str:
    sides = (f"{side} {grid.price(event[f'{side}_ticks'])} ({grid.size(event[f'{side}_lots'])})" for side in _SIDES)
    return "  ".join(sides)


def _book(event: Event, grid: Grid) -> str:
    best = []
    for side in _SIDES:
        levels = event[f"{side}s"]
        best.append(f"{side} {grid.price(levels[0][0])} ({grid.size(levels[0][1])})" if levels else f"no {side}")
    steps = f", in steps of {event['multiple']} ticks" if "multiple" in event else ""
    return f"{'  '.join(best)}  {len(event['bids'])} + {len(event['asks'])} levels{steps}"


def _liquidity(event: Event, grid: Grid) -> str:
    spread = Decimal(2 * (event["ask_ticks"] - event["bid_ticks"])) / (event["ask_ticks"] + event["bid_ticks"])
    prices = "  ".join(f"{side} {grid.price(event[f'{side}_ticks'])}" for side in _SIDES)
    return f"{prices}  spread {spread * 10_000:.4f} bps"


def _funding(event: Event, grid: Grid) -> str:
    every = Decimal(event["interval_micros"]) / _HOUR
    prices = f"mark {grid.price(event['mark_ticks'])}  index {grid.price(event['index_ticks'])}"
    rate = f"{event['rate_ppb'] / _PERCENT:f} % in {every.normalize():f} h"
    return f"{rate}, next {instant(event['next_funding_at']):%H:%M}  {prices}"


def _interest(event: Event, grid: Grid) -> str:
    return grid.size(event["open_interest_lots"])


def _candle(event: Event, grid: Grid) -> str:
    names = ("open", "high", "low", "close")
    prices = "  ".join(f"{name} {grid.price(event[f'{name}_ticks'])}" for name in names)
    state = "" if event["closed"] else "  (so far)"
    volume = grid.size(event["volume_lots"])
    return f"{event['interval']} of {instant(event['open_at']):%H:%M}  {prices}  volume {volume}{state}"


def _stats(event: Event, grid: Grid) -> str:
    prices = "  ".join(f"{name} {grid.price(event[f'{name}_ticks'])}" for name in ("last", "high", "low"))
    return f"{prices}  volume {grid.size(event['volume_lots'])}"


def _status(event: Event, _: Grid) -> str:
    return f"{event['status']}{': ' if event['detail'] else ''}{event['detail']}"


def _gap(event: Event, _: Grid) -> str:
    return f"expected {event['expected_seq']}: {event['reason']}"


_SIDES: Final = ("bid", "ask")
_TOLD: Final[Mapping[str, Callable[[Event, Grid], str]]] = {
    "Trade": _trade,
    "Liquidation": _trade,
    "Ticker": _ticker,
    "Book": _book,
    "GroupedBook": _book,
    "Liquidity": _liquidity,
    "Funding": _funding,
    "OpenInterest": _interest,
    "Candle": _candle,
    "Stats": _stats,
    "Status": _status,
    "Gap": _gap,
}
