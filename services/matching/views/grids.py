"""The steps of the markets, in which sizes and prices are stored."""

from collections.abc import Mapping
from typing import Any, Final

from cleartide.money import Grid
from cleartide.service import QueryError

MOST_MARKETS: Final = 1_000

_GRIDS_SQL: Final = "SELECT market, tick_size, lot_size FROM markets ORDER BY market LIMIT $1"


async def grids_of(connection: Any) -> dict[str, Grid]:
    """The steps of every market."""
    rows = await connection.fetch(_GRIDS_SQL, MOST_MARKETS)
    return {row["market"]: Grid.of(row["tick_size"], row["lot_size"]) for row in rows}


def grid_of(grids: Mapping[str, Grid], market: str) -> Grid:
    """The steps of a listed market. Raises QueryError."""
    if market not in grids:
        raise QueryError("not_found", f"market {market} is not listed")
    return grids[market]
