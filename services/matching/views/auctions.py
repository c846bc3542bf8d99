"""What can be asked of the auctions that run. Nobody is told whose they are, nor whose quotes stand in them."""

from collections.abc import Mapping
from typing import Any, Final

from cleartide.money import Grid
from cleartide.service import Query

from services.matching.domain.jit.pricing import SLOT_MICROS

MOST_AUCTIONS: Final = 500
MOST_QUOTES: Final = 64 * MOST_AUCTIONS

_AUCTIONS_SQL: Final = """
SELECT a.*, o.side, o.remaining_lots, m.market, m.tick_size, m.lot_size
FROM jit_auctions a JOIN orders o ON o.order_id = a.auction_id JOIN markets m USING (market)
WHERE m.market = $1 ORDER BY a.auction_id LIMIT $2
"""
_QUOTES_SQL: Final = """
SELECT auction_id, quote_id, price_ticks, remaining_lots FROM jit_quotes WHERE auction_id = ANY($1::bigint[])
ORDER BY auction_id, quote_id LIMIT $2
"""
_TOLD_SQL: Final = "SELECT last_seq FROM outbox_position WHERE channel = 'EVENTS' LIMIT 1"


async def auctions(pool: Any, params: dict[str, Any]) -> Any:
    """The auctions of one market that run, oldest first, with the quotes in them, best first. Parameters: market.

    start and end are prices, or with `offsets` distances from the index; as_of_seq: the last event that they know.
    """
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(_AUCTIONS_SQL, str(params["market"]), MOST_AUCTIONS)
        quotes = await connection.fetch(_QUOTES_SQL, [row["auction_id"] for row in rows], MOST_QUOTES)
        told = await connection.fetchval(_TOLD_SQL)
    return {"as_of_seq": told or 0, "auctions": [_auction(row, quotes) for row in rows]}


def _auction(row: Mapping[str, Any], quotes: list[Mapping[str, Any]]) -> dict[str, Any]:
    grid = Grid.of(row["tick_size"], row["lot_size"])
    mine = [quote for quote in quotes if quote["auction_id"] == row["auction_id"]]
    mine.sort(key=lambda quote: quote["price_ticks"] * row["side"])
    same = ("auction_id", "market", "offsets", "slots", "opened_at", "next_slot")
    return {
        **{name: row[name] for name in same},
        "side": "buy" if row["side"] > 0 else "sell",
        "remaining": grid.size_text(row["remaining_lots"]),
        "start": grid.price_text(row["start_ticks"]),
        "end": grid.price_text(row["end_ticks"]),
        "next_slot_at": row["opened_at"] + row["next_slot"] * SLOT_MICROS,
        "quotes": [_quote(quote, grid) for quote in mine],
    }


def _quote(quote: Mapping[str, Any], grid: Grid) -> dict[str, Any]:
    price, size = grid.price_text(quote["price_ticks"]), grid.size_text(quote["remaining_lots"])
    return {"quote_id": quote["quote_id"], "price": price, "size": size}


QUERIES: Final[Mapping[str, Query]] = {"auctions": auctions}
