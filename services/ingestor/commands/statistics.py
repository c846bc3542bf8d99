"""`cleartide stats`: distributions, funding statistics, deviations and charts of what the store has recorded."""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from cleartide.console import CommandError

from services.ingestor.commands import TEXTS, shares
from services.ingestor.commands.options import add, add_database, add_format, group, positive, schema
from services.ingestor.commands.output import show
from services.ingestor.commands.plotting import plotting, save
from services.ingestor.commands.reading import MAX_ROWS, PPB, WITHIN, Scale, add_selection, scale_of, scales, selected
from services.ingestor.domain.liquidity.statistics import (
    deviation_ppt,
    distribution,
    funding_statistics,
    turnover_ppb,
)

PPT: Final = Decimal(10) ** 12
PERCENT: Final = Decimal(100)
Key = tuple[str, str]


@dataclass(frozen=True)
class Figure:
    """A column of a series. `unit`: what its numbers are: price, size, rate."""

    series: str
    column: str
    unit: str
    condition: str = "true"

    @property
    def query(self) -> str:
        """Time, place and number, oldest first."""
        return (
            f"SELECT ts, venue, symbol, {self.column} AS value FROM {self.series} "  # noqa: S608 - our own names
            f"WHERE {WITHIN} AND {self.condition} ORDER BY ts LIMIT {MAX_ROWS}"
        )

    def number(self, value: int, scale: Scale) -> Decimal:
        """In units that people use; rates as fractions."""
        return value / PPB if self.unit == "rate" else value * (scale.tick if self.unit == "price" else scale.lot)


FIGURES: Final[Mapping[str, Figure]] = {
    "open-interest": Figure("venue_interest", "open_interest_lots", "size"),
    "volume": Figure("venue_stats", "volume_lots", "size"),
    "last": Figure("venue_stats", "last_ticks", "price"),
    "mark": Figure("venue_funding", "mark_ticks", "price"),
    "index": Figure("venue_funding", "index_ticks", "price"),
    "bid": Figure("venue_tickers", "bid_ticks", "price"),
    "ask": Figure("venue_tickers", "ask_ticks", "price"),
    "trade": Figure("venue_trades", "price_ticks", "price"),
    "trade-size": Figure("venue_trades", "size_lots", "size"),
    "close": Figure("venue_candles", "close_ticks", "price", "span = '1h'"),
    "funding": Figure("venue_funding_rates", "rate_ppb", "rate"),
}
_INTEREST: Final = (
    "SELECT i.venue, i.symbol, i.open_interest_lots, s.volume_lots FROM venue_interest i "  # noqa: S608
    "JOIN venue_stats s USING (venue, symbol, ts) "
    f"WHERE {WITHIN} ORDER BY ts LIMIT {MAX_ROWS}"
)
_PRICES: Final = (
    "SELECT venue, symbol, mark_ticks, index_ticks FROM venue_funding "  # noqa: S608
    f"WHERE {WITHIN} ORDER BY ts LIMIT {MAX_ROWS}"
)


def add_parsers(commands: Any) -> None:
    """The verbs."""
    verbs = group(commands, "stats", TEXTS["stats"])
    for name, run, text, example in (
        (
            "summary",
            _summary,
            "count, least, mean, median, percentiles of a figure",
            "summary volume -s BTCUSDT --from 7d",
        ),
        (
            "funding",
            _funding,
            "settled funding rates: mean, deviation, trend",
            "funding -e bybit,hyperliquid --from 90d",
        ),
        ("oi-volume", _turnover, "open interest over the volume of 24 hours", "oi-volume -s BTCUSDT -f json"),
        ("price-dev", _deviation, "how far marks are from indexes, in basis points", "price-dev --from 2026-01-01"),
        ("chart", _chart, "a figure over time, as PNG", "chart mark -s BTCUSDT --from 7d -o mark.png"),
        ("hist", _histogram, "how often a figure has which values, as table or PNG", "hist funding --bins 20 -o h.png"),
    ):
        parser = add(verbs, name, run, text, f"  cleartide stats {example}")
        if name in ("summary", "chart", "hist"):
            parser.add_argument("figure", choices=tuple(FIGURES), help="the figure to look at")
        add_database(parser)
        add_selection(parser, times=True)
        if name in ("chart", "hist"):
            parser.add_argument(
                "-o", "--output", type=Path, metavar="FILE.png", required=name == "chart", help="draw it there"
            )
        if name == "hist":
            parser.add_argument("--bins", type=positive, default=10, metavar="N", help="so many bins (default: 10)")
        add_format(parser, short="-w" if name in ("chart", "hist") else "-o")
    shares.add_verb(verbs)


async def _values(arguments: argparse.Namespace) -> dict[Key, list[tuple[datetime, Decimal]]]:
    """The figure by instrument, oldest first. Raises CommandError when there is none."""
    figure, connection = FIGURES[arguments.figure], await schema(arguments)
    try:
        known = await scales(connection)
        records = await selected(connection, figure.query, arguments)
    finally:
        await connection.close()
    found: dict[Key, list[tuple[datetime, Decimal]]] = defaultdict(list)
    for ts, venue, symbol, value in records:
        scale = Scale(Decimal(1), Decimal(1)) if figure.unit == "rate" else scale_of(known, venue, symbol)
        found[venue, symbol].append((ts, figure.number(value, scale)))
    if not found:
        raise CommandError(f"nothing of {arguments.figure} is recorded there and then")
    return dict(sorted(found.items()))


async def _grouped(query: str, arguments: argparse.Namespace) -> dict[Key, list[Any]]:
    connection = await schema(arguments)
    try:
        records = await selected(connection, query, arguments)
    finally:
        await connection.close()
    found: dict[Key, list[Any]] = defaultdict(list)
    for record in records:
        found[record["venue"], record["symbol"]].append(record)
    return dict(sorted(found.items()))


async def _summary(arguments: argparse.Namespace) -> None:
    show(
        [_distributed(key, [value for _, value in each]) for key, each in (await _values(arguments)).items()],
        arguments,
    )


async def _turnover(arguments: argparse.Namespace) -> None:
    found = await _grouped(_INTEREST, arguments)
    ratios = {
        key: [
            ratio / PPB
            for each in rows
            if (ratio := turnover_ppb(each["open_interest_lots"], each["volume_lots"])) is not None
        ]
        for key, rows in found.items()
    }
    show([_distributed(key, each) for key, each in ratios.items() if each], arguments)


async def _deviation(arguments: argparse.Namespace) -> None:
    found = await _grouped(_PRICES, arguments)
    basis_points = {
        key: [abs(deviation_ppt(each["mark_ticks"], each["index_ticks"])) * 10_000 / PPT for each in rows]
        for key, rows in found.items()
    }
    show([_distributed(key, each) for key, each in basis_points.items()], arguments)


def _distributed(key: Key, values: Sequence[Decimal]) -> dict[str, Any]:
    """In whole parts of 10^-9, in which percentiles are exact."""
    figures = distribution([int(value * PPB) for value in values])
    assert figures is not None, "there are values"
    numbers = {name: _short(value / PPB) for name, value in asdict(figures).items() if name != "count"}
    return {"venue": key[0], "symbol": key[1], "count": figures.count, **numbers}


def _short(value: Decimal) -> Decimal:
    return Decimal(format(value.normalize(), "f"))


async def _funding(arguments: argparse.Namespace) -> None:
    arguments.figure, lines = "funding", []
    for key, values in (await _values(arguments)).items():
        figures = funding_statistics([int(rate * PPB) for _, rate in values])
        assert figures is not None, "there are rates"
        lines.append({"venue": key[0], "symbol": key[1], **_percent(figures)})
    show(lines, arguments)


def _percent(figures: Any) -> dict[str, Any]:
    """Rates in percent: least and largest are in ppb, mean, deviation and trend in ppt."""
    return {
        "count": figures.count,
        "least_%": _short(figures.least / PPB * PERCENT),
        "largest_%": _short(figures.largest / PPB * PERCENT),
        "mean_%": _short(figures.mean / PPT * PERCENT),
        "deviation_%": _short(figures.deviation / PPT * PERCENT),
        "trend_%": _short(figures.trend / PPT * PERCENT),
    }


async def _chart(arguments: argparse.Namespace) -> None:
    found = await _values(arguments)
    figure, axes = plotting().subplots(figsize=(11, 5), layout="constrained")
    for (venue, symbol), values in found.items():
        axes.plot(
            [at for at, _ in values], [float(value) for _, value in values], label=f"{venue} {symbol}", linewidth=1
        )
    save(figure, axes, arguments.figure, arguments.output)


async def _histogram(arguments: argparse.Namespace) -> None:
    found = await _values(arguments)
    values = [value for each in found.values() for _, value in each]
    rows = bins(values, max(1, arguments.bins))
    show(rows, arguments)
    if arguments.output is not None:
        figure, axes = plotting().subplots(figsize=(11, 5), layout="constrained")
        width = float(rows[0]["to"] - rows[0]["from"])
        axes.bar(
            [float(row["from"]) for row in rows], [row["count"] for row in rows], width=width, align="edge", alpha=0.8
        )
        save(figure, axes, arguments.figure, arguments.output)


def bins(values: Iterable[Decimal], count: int) -> list[dict[str, Any]]:
    """So many stretches of one width from the least to the largest value, each with how many values it has."""
    ordered = sorted(values)
    least, largest = ordered[0], ordered[-1]
    width = (largest - least) / count or Decimal(1)
    counts = [0] * count
    for value in ordered:
        counts[min(count - 1, int((value - least) / width))] += 1
    edges = [least + width * place for place in range(count + 1)]
    return [{"from": edges[place], "to": edges[place + 1], "count": each} for place, each in enumerate(counts)]
