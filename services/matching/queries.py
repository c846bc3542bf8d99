"""What can be asked of matching. Money, prices and sizes leave as decimal text, instants as microseconds (UTC)."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from cleartide.money import Grid, quanta_to_text
from cleartide.rules.assets import SETTLEMENT_ASSET
from cleartide.service import Query, QueryError

from services.matching.domain.ledger import cash_name, position_name
from services.matching.tables.sealed import MARKET_BATCHING
from services.matching.tables.venue import MARKET_LIMITS
from services.matching.views import (
    auctions,
    books,
    conditional,
    families,
    fees,
    margin,
    sealed,
    solvency,
    transfers,
    vaults,
    venue,
)
from services.matching.views.grids import MOST_MARKETS, grid_of, grids_of
from services.matching.views.orders import OPEN_ORDERS_SQL, order_view, orders
from services.matching.views.pages import DEFAULT_ROWS, MOST_ROWS, before_of, limit_of

MOST_POTS: Final = 1_000

_MARKETS_SQL: Final = """
SELECT m.*, k.mark_ticks, k.index_ticks, k.last_ticks, k.index_stale, k.updated_at, k.open_interest_lots,
       f.rate_ppb, f.interval_start, f.funding_index_quanta, s.state, s.since, s.ends_at, s.spec_version,
       l.min_order_size, l.max_order_size, l.max_leverage, l.open_interest_cap, l.position_cap, l.band_ppb,
       l.twap_band_ppb, l.breaker_ppb, l.pause_micros, q.commit_micros, q.reveal_micros, q.bond_quanta,
       (SELECT max(price_ticks) FROM orders o
        WHERE o.market = m.market AND side = 1 AND shown_lots > 0) AS bid,
       (SELECT min(price_ticks) FROM orders o
        WHERE o.market = m.market AND side = -1 AND shown_lots > 0) AS ask
FROM markets m JOIN marks k USING (market) JOIN funding_indexes f USING (market) JOIN market_states s USING (market)
LEFT JOIN market_limits l USING (market) LEFT JOIN market_batching q USING (market) ORDER BY m.market LIMIT $1
"""
_LIMITS: Final = tuple(MARKET_LIMITS.columns)[1:]
_BATCHING: Final = tuple(MARKET_BATCHING.columns)[1:]
_BRACKETS_SQL: Final = "SELECT * FROM market_brackets ORDER BY market, bracket LIMIT $1"
_ACCOUNT_SQL: Final = """
SELECT a.account, a.opened_at, coalesce(b.balance_quanta, 0) AS cash
FROM accounts a LEFT JOIN ledger_balances b ON b.account = 'cash:' || a.account WHERE a.account = $1 LIMIT 1
"""
_POSITIONS_SQL: Final = """
SELECT p.market, p.lots, b.balance_quanta AS quote, k.mark_ticks,
       -p.lots::numeric * (f.funding_index_quanta - p.funding_index_quanta) AS unsettled
FROM positions p JOIN marks k USING (market) JOIN funding_indexes f USING (market)
JOIN ledger_balances b ON b.account = 'position:' || p.market || ':' || p.account
WHERE p.account = $1 ORDER BY p.market LIMIT $2
"""
_TRADES_SQL: Final = """
SELECT * FROM trades WHERE market = $1 AND trade_id < $2 ORDER BY trade_id DESC LIMIT $3
"""
_LIQUIDATIONS_SQL: Final = """
SELECT * FROM liquidations WHERE ($1::text IS NULL OR account = $1) AND ($2::text IS NULL OR market = $2)
ORDER BY liquidation_id DESC LIMIT $3
"""
_LEDGER_SQL: Final = """
SELECT * FROM ledger_entries WHERE account = ANY($1::text[]) AND transaction_id < $2
ORDER BY transaction_id DESC, leg DESC LIMIT $3
"""
_POTS_SQL: Final = """
SELECT asset, split_part(account, ':', 1) AS pot, sum(balance_quanta) AS balance FROM ledger_balances
GROUP BY 1, 2 ORDER BY 1, 2 LIMIT $1
"""
_LOTS_SQL: Final = "SELECT market, sum(lots) AS lots FROM positions GROUP BY market ORDER BY market LIMIT $1"


async def markets(pool: Any, _: dict[str, Any]) -> Any:
    """Every market with its rules, prices, best quotes and open interest."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(_MARKETS_SQL, MOST_MARKETS)
        brackets = await connection.fetch(_BRACKETS_SQL, 16 * MOST_MARKETS)
    return {"markets": [_market(row, brackets) for row in rows]}


async def account(pool: Any, params: dict[str, Any]) -> Any:
    """An account's cash, positions and resting orders. Parameters: account. Error `not_found`."""
    name = str(params["account"])
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        found = await connection.fetchrow(_ACCOUNT_SQL, name)
        if found is None:
            raise QueryError("not_found", f"account {name} is not known")
        grids = await grids_of(connection)
        positions = await connection.fetch(_POSITIONS_SQL, name, MOST_MARKETS)
        open_orders = await connection.fetch(OPEN_ORDERS_SQL, name, 1_000)
    return {
        "account": name,
        "opened_at": found["opened_at"],
        "cash": quanta_to_text(found["cash"]),
        "positions": [_position(row, grids[row["market"]]) for row in positions],
        "orders": [order_view(row, grids[row["market"]]) for row in open_orders],
    }


async def trades(pool: Any, params: dict[str, Any]) -> Any:
    """Trades of one market, newest first. Parameters: market; before (a trade id), limit."""
    market, limit = str(params["market"]), limit_of(params.get("limit", DEFAULT_ROWS), MOST_ROWS)
    grid = grid_of(await grids_of(pool), market)
    rows = await pool.fetch(_TRADES_SQL, market, before_of(params), limit)
    return {"market": market, "trades": [_trade(row, grid) for row in rows]}


async def liquidations(pool: Any, params: dict[str, Any]) -> Any:
    """Liquidation steps, newest first. Parameters: account, market, limit; all optional."""
    who, where = params.get("account"), params.get("market")
    limit = limit_of(params.get("limit", DEFAULT_ROWS), MOST_ROWS)
    grids = await grids_of(pool)
    rows = await pool.fetch(_LIQUIDATIONS_SQL, who and str(who), where and str(where), limit)
    return {"liquidations": [_liquidation(row, grids[row["market"]]) for row in rows]}


async def ledger(pool: Any, params: dict[str, Any]) -> Any:
    """Ledger entries of an account's cash and positions, newest first. Parameters: account; before, limit."""
    name, limit = str(params["account"]), limit_of(params.get("limit", DEFAULT_ROWS), MOST_ROWS)
    names = [cash_name(name), *(position_name(market, name) for market in await grids_of(pool))]
    rows = await pool.fetch(_LEDGER_SQL, names, before_of(params), limit)
    return {"account": name, "entries": [_entry(row) for row in rows]}


async def conservation(pool: Any, _: dict[str, Any]) -> Any:
    """Where the money is. `difference` and every market's `lots` are zero, to the unit (domain rule R7).

    The pots are those of the settlement asset; `assets` holds every asset's pots in its own smallest units.
    """
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        assets: dict[str, dict[str, int]] = {}
        for row in await connection.fetch(_POTS_SQL, MOST_POTS):
            assets.setdefault(row["asset"], {})[row["pot"]] = int(row["balance"])
        lots = {row["market"]: int(row["lots"]) for row in await connection.fetch(_LOTS_SQL, MOST_MARKETS)}
    pots = dict(assets.get(SETTLEMENT_ASSET, {}))
    net_deposits = -pots.pop("external", 0)
    difference = sum(pots.values()) - net_deposits
    return {
        "net_deposits": quanta_to_text(net_deposits),
        "pots": {pot: quanta_to_text(balance) for pot, balance in sorted(pots.items())},
        "difference": quanta_to_text(difference),
        "lots": lots,
        "assets": assets,
        "conserved": not any(sum(held.values()) for held in assets.values()) and not any(lots.values()),
    }


def _price(grid: Grid, ticks: int | None) -> str | None:
    return grid.price_text(ticks) if ticks else None


def _market(row: Mapping[str, Any], brackets: list[Mapping[str, Any]]) -> dict[str, Any]:
    grid = Grid.of(row["tick_size"], row["lot_size"])
    rules = ("market", "base", "quote", "tick_size", "lot_size", "taker_fee_ppb", "maker_fee_ppb")
    return {
        **{name: row[name] for name in rules},
        "brackets": [
            {
                "upper_notional": quanta_to_text(upper) if (upper := found["upper_notional_quanta"]) else None,
                "initial_margin_ppb": found["initial_margin_ppb"],
                "maintenance_fraction_ppb": found["maintenance_fraction_ppb"],
            }
            for found in brackets
            if found["market"] == row["market"]
        ],
        **{name: row[name] for name in ("state", "since", "ends_at", "spec_version")},
        "limits": {name: row[name] for name in _LIMITS} if row["band_ppb"] is not None else None,
        "batching": {name: row[name] for name in _BATCHING} if row["commit_micros"] is not None else None,
        "mark": _price(grid, row["mark_ticks"]),
        "index": _price(grid, row["index_ticks"]),
        "last": _price(grid, row["last_ticks"]),
        "index_stale": row["index_stale"],
        "priced_at": row["updated_at"],
        "best_bid": _price(grid, row["bid"]),
        "best_ask": _price(grid, row["ask"]),
        "open_interest": grid.size_text(row["open_interest_lots"]),
        "funding_rate_ppb": row["rate_ppb"],
        "funding_interval_start": row["interval_start"] if row["interval_start"] >= 0 else None,
    }


def _position(row: Mapping[str, Any], grid: Grid) -> dict[str, Any]:
    """Entry price and profit are derived for display only (domain rule R4), halves away from zero."""
    lots, quote, mark = row["lots"], row["quote"], row["mark_ticks"]
    value = lots * mark * grid.quanta_per_lot_tick if mark else -quote
    entry = Decimal(abs(quote)) / (abs(lots) * Decimal(grid.lot_size))
    return {
        "market": row["market"],
        "size": grid.size_text(lots),
        "entry_price": quanta_to_text(int(entry.quantize(Decimal(1), ROUND_HALF_UP))),
        "mark": _price(grid, mark),
        "value": quanta_to_text(value),
        "unrealized_pnl": quanta_to_text(value + quote),
        "unsettled_funding": quanta_to_text(int(row["unsettled"])),
    }


def _trade(row: Mapping[str, Any], grid: Grid) -> dict[str, Any]:
    same = ("trade_id", "at", "buyer", "seller", "taker_side", "origin", "outside_trade_id", "corrects")
    return {
        **{name: row[name] for name in same},
        "price": grid.price_text(row["price_ticks"]),
        "size": grid.size_text(row["size_lots"]),
        "quote": quanta_to_text(row["quote_quanta"]),
    }


def _liquidation(row: Mapping[str, Any], grid: Grid) -> dict[str, Any]:
    sizes = {name: grid.size_text(row[f"{name}_lots"]) for name in ("closed", "taken_over", "deleveraged", "remaining")}
    amounts = ("fee", "insurance_paid", "equity_before", "maintenance_margin_before")
    return {
        **{name: row[name] for name in ("liquidation_id", "at", "account", "market", "waits", "keeper")},
        **sizes,
        "mark": grid.price_text(row["mark_ticks"]),
        "bankruptcy_price": grid.price_text(row["bankruptcy_price_ticks"]),
        **{name: quanta_to_text(row[f"{name}_quanta"]) for name in amounts},
    }


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    same = ("transaction_id", "leg", "account", "asset", "kind", "command_seq", "at")
    return {**{name: row[name] for name in same}, "amount": quanta_to_text(row["amount_quanta"])}


QUERIES: Final[Mapping[str, Query]] = {
    "account": account,
    "conservation": conservation,
    "ledger": ledger,
    "liquidations": liquidations,
    "markets": markets,
    "orders": orders,
    "trades": trades,
    **auctions.QUERIES,
    **books.QUERIES,
    **conditional.QUERIES,
    **families.QUERIES,
    **fees.QUERIES,
    **margin.QUERIES,
    **sealed.QUERIES,
    **transfers.QUERIES,
    **vaults.QUERIES,
    **solvency.QUERIES,
    **venue.QUERIES,
}
