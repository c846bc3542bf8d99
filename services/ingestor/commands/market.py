"""`cleartide market` and `cleartide ticker`: what venues list, and the newest figures of what the store follows."""

import argparse
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from cleartide.fold import Row
from cleartide.store.bulk import BulkWriter

from services.ingestor.adapters.venue import Listed, Venue
from services.ingestor.commands import TEXTS
from services.ingestor.commands.options import (
    SERVICE,
    Again,
    add,
    add_again,
    add_database,
    add_format,
    database_url,
    listed,
    schema,
)
from services.ingestor.commands.output import show
from services.ingestor.commands.reading import PPB, SELECTION, Scale, add_selection, scale_of, scales, symbols_of
from services.ingestor.commands.values import Age
from services.ingestor.commands.venues import (
    add_places,
    add_venues,
    chosen,
    everything_listed,
    own_symbols,
    rest_clients,
)
from services.ingestor.registry import listed_row
from services.ingestor.repository import EPOCH, INSTRUMENTS
from services.ingestor.settings import IngestorSettings

_NEWEST: Final = f"""SELECT n.*, s.last_ticks AS day_last, s.high_ticks, s.low_ticks, s.volume_lots,
    f.mark_ticks, f.index_ticks, f.rate_ppb, f.next_funding_at, f.predicted_rate_ppb, i.open_interest_lots
FROM venue_newest n
LEFT JOIN LATERAL (SELECT * FROM venue_stats v WHERE v.symbol = n.symbol AND v.venue = n.venue AND v.ts > $3
    ORDER BY v.ts DESC LIMIT 1) s ON true
LEFT JOIN LATERAL (SELECT * FROM venue_funding v WHERE v.symbol = n.symbol AND v.venue = n.venue AND v.ts > $3
    ORDER BY v.ts DESC LIMIT 1) f ON true
LEFT JOIN LATERAL (SELECT * FROM venue_interest v WHERE v.symbol = n.symbol AND v.venue = n.venue AND v.ts > $3
    ORDER BY v.ts DESC LIMIT 1) i ON true
WHERE {SELECTION.replace("venue =", "n.venue =").replace("symbol =", "n.symbol =")}
ORDER BY n.venue, n.symbol LIMIT 10000"""  # noqa: S608 - our own text
RECENT: Final = timedelta(days=2)


def add_parsers(commands: Any) -> None:
    """Both commands."""
    market = add(commands, "market", _market, TEXTS["market"], _MARKET)
    add_venues(market)
    market.add_argument(
        "-s", "--symbols", type=listed, default=(), metavar="A,B", help="as the venue has it, BTCUSDT, or BTC/USDT"
    )
    market.add_argument("--all", action="store_true", help="also what is listed and not traded")
    market.add_argument("--record", action="store_true", help="keep ticks and lots in the store")
    add_database(market)
    add_format(market)
    ticker = add(commands, "ticker", _ticker, TEXTS["ticker"], _TICKER)
    add_database(ticker)
    add_selection(ticker)
    add_places(ticker, "where nobody recorded what a tick is worth, ask")
    ticker.add_argument("-d", "--detailed", action="store_true", help="with 24 hours, funding and open interest")
    add_again(ticker)
    add_format(ticker)


async def _market(arguments: argparse.Namespace) -> None:
    rows, recorded = await _listings(chosen(arguments.exchanges), arguments.symbols, arguments)
    if arguments.record:
        await _record(arguments, recorded)
    show(rows, arguments, empty="nothing of that is listed")


async def _record(arguments: argparse.Namespace, rows: Sequence[Row]) -> None:
    async with BulkWriter(database_url(arguments), SERVICE) as writer:
        await writer.write(INSTRUMENTS, rows)


async def _listings(
    followed: Sequence[Venue], symbols: Sequence[str], arguments: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[Row]]:
    """What the venues list of these symbols, all when none is given: to be shown, and to be recorded."""
    rows: list[dict[str, Any]] = []
    recorded: list[Row] = []
    async with rest_clients(followed, arguments) as rests:
        for venue in followed:
            wanted = own_symbols(venue, symbols)
            pinned = IngestorSettings().pinned_ticks(venue.name)
            for each in await everything_listed(venue, rests[venue.name]):
                if (wanted and each.symbol not in wanted) or (each.state and not getattr(arguments, "all", False)):
                    continue
                rows.append(_listed(venue.name, each))
                tick = pinned.get(each.symbol, each.tick_size)
                recorded.append(listed_row(venue, each, tick))
    return rows, recorded


def _listed(venue: str, each: Listed) -> dict[str, Any]:
    return {
        "venue": venue,
        "symbol": each.symbol,
        "base": each.base,
        "quote": each.quote,
        "kind": each.kind,
        "tick": Decimal(each.tick_size),
        "lot": Decimal(each.lot_size),
        "funding_hours": each.funding_hours,
        "state": each.state or "trading",
    }


async def _ticker(arguments: argparse.Namespace) -> None:
    connection, again = await schema(arguments), Again(arguments)
    empty = "nothing of that is followed" if arguments.exchanges or arguments.symbols else "nothing is followed yet"
    try:
        while True:
            again.show(await _tickers(connection, arguments), arguments, empty=empty)
            if not await again.comes():
                return
    finally:
        await connection.close()


async def _tickers(connection: Any, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    now, known = datetime.now(UTC), await scales(connection)
    venues, symbols = list(arguments.exchanges), symbols_of(arguments)
    newest = await connection.fetchval("SELECT max(last_at) FROM series_rows WHERE series = 'venue_tickers'")
    records = await connection.fetch(_NEWEST, venues, symbols, (newest or now) - RECENT)
    if unknown := sorted({each["venue"] for each in records if (each["venue"], each["symbol"]) not in known}):
        # The first time: what a tick is worth is asked of the venue, and kept.
        _, listings = await _listings(chosen(unknown), (), arguments)
        await _record(arguments, listings)
        known = await scales(connection)
    return [_figures(each, scale_of(known, each["venue"], each["symbol"]), now, arguments) for each in records]


def _figures(row: Mapping[str, Any], scale: Scale, now: datetime, arguments: argparse.Namespace) -> dict[str, Any]:
    received = EPOCH + timedelta(microseconds=row["quote_received_at"])
    bid, ask = scale.price(row["bid_ticks"]), scale.price(row["ask_ticks"])
    figures: dict[str, Any] = {
        "venue": row["venue"],
        "symbol": row["symbol"],
        "bid": bid,
        "bid_size": scale.size(row["bid_lots"]),
        "ask": ask,
        "ask_size": scale.size(row["ask_lots"]),
        "spread_bps": spread_bps(row["bid_ticks"], row["ask_ticks"]),
        "last": scale.price(row["last_ticks"] or None),
        "at": received if row["quote_received_at"] else None,
        "age": Age((now - received).total_seconds()) if row["quote_received_at"] else None,
    }
    if not arguments.detailed:
        return figures
    rate, predicted = row["rate_ppb"], row["predicted_rate_ppb"]
    return figures | {
        "high_24h": scale.price(row["high_ticks"]),
        "low_24h": scale.price(row["low_ticks"]),
        "volume_24h": scale.size(row["volume_lots"]),
        "mark": scale.price(row["mark_ticks"]),
        "index": scale.price(row["index_ticks"]),
        "funding_rate": None if rate is None else rate / PPB,
        "next_funding": row["next_funding_at"],
        "predicted_rate": None if predicted is None else predicted / PPB,
        "open_interest": scale.size(row["open_interest_lots"]),
    }


def spread_bps(bid: int, ask: int) -> Decimal | None:
    """(ask - bid) / mid, in basis points to four places; of a quote that is not there, none."""
    if not bid or not ask:
        return None
    return (Decimal(20_000 * (ask - bid)) / (ask + bid)).quantize(Decimal("0.0001"))


_MARKET: Final = """  cleartide market -e binance-usdm,bybit -s BTC/USDT --live
  cleartide market -e hyperliquid --record --live -f csv"""
_TICKER: Final = """  cleartide ticker
  cleartide ticker -s BTCUSDT --detailed --interval 5 -f json"""
