"""Questions of the form "what if" and "how much of it": computed from one snapshot when asked, never stored.

What takes long runs in a thread of its own, over at most `scan` accounts, worst level first; every answer says how
many it considered, out of how many.
"""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final, NamedTuple

from cleartide.contracts.types import JSON_SAFE
from cleartide.money import Grid, MoneyError, quanta_to_text
from cleartide.service import Query, QueryError

from services.risk.analysis_views import (
    exposure_view,
    margin_view,
    order_view,
    step_view,
    stress_view,
    tail_view,
)
from services.risk.domain import tail as history
from services.risk.domain.exposure import exposures, gross_quanta, liquidation_map
from services.risk.domain.health import has_prices
from services.risk.domain.scenario import (
    LEAST_SHOCK_PPM,
    MOST_SHOCK_PPM,
    Shocks,
    after_order,
    margin_under,
    stress,
)
from services.risk.domain.state import Account, Market, RiskState
from services.risk.queries import AS_OF_SQL, HOLDER_COUNT_SQL, RISKIEST_SQL, load_accounts
from services.risk.repository import ACCOUNTS, MARK_HOURS

PPM: Final = 1_000_000
MOST_HOLDERS: Final = 2_000
MOST_POINTS: Final = 2_000
LARGEST: Final = 10
FLAT_PERCENTS: Final = (-50, -30, -20, -10, -5, 5, 10, 20, 50)
CORRELATED_PERCENT: Final = -20
HORIZONS: Final = (1, 24)

_HISTORY_SQL: Final = f"""
SELECT {", ".join(MARK_HOURS.columns)} FROM mark_hours WHERE $2::text[] IS NULL OR market = ANY($2) LIMIT $1
"""  # noqa: S608 - names are our declarations
_MOST_HISTORY: Final = 744 * 512
_FUNDS_SQL: Final = """
SELECT DISTINCT ON (market) market, balance_quanta FROM insurance_points ORDER BY market, seq DESC LIMIT $1
"""
_POINTS_SQL: Final = """
SELECT market, seq, at, balance_quanta FROM insurance_points
WHERE ($1::text IS NULL OR market = $1) AND seq < $3 ORDER BY at DESC, seq DESC LIMIT $2
"""
_HOLDERS_SQL: Final = f"""
SELECT {", ".join(f"a.{column}" for column in ACCOUNTS.columns)} FROM accounts a JOIN positions p USING (account)
WHERE p.market = $1 ORDER BY a.level DESC, a.account LIMIT $2
"""  # noqa: S608
_MARKET_HOLDERS_SQL: Final = "SELECT count(*) FROM positions WHERE market = $1"
_ACCOUNT_SQL: Final = f"SELECT {', '.join(ACCOUNTS.columns)} FROM accounts WHERE account = $1 LIMIT 1"  # noqa: S608


class Snapshot(NamedTuple):
    """Accounts, prices, histories and funds as of one event; `total`: how many accounts there are."""

    as_of: int
    total: int
    state: RiskState
    histories: Mapping[str, history.Hours]
    funds: Mapping[str, int]

    @property
    def priced(self) -> list[Account]:
        """The accounts that have positions, and prices for all of them."""
        return [account for account in self.state.accounts.values() if account.positions and has_prices(account)]

    def answer(self, **found: Any) -> dict[str, Any]:
        """An answer with what it is as of."""
        return {"as_of_seq": self.as_of, "total": self.total, "considered": len(self.state.accounts), **found}


async def stress_scenarios(pool: Any, params: dict[str, Any], *, scan: int) -> Any:  # noqa: ARG001 - no parameters
    """Every scenario over the accounts, and each market's insurance fund against what it would have to pay."""
    snapshot = await _snapshot(pool, RISKIEST_SQL, (min(scan, MOST_HOLDERS), None))
    return await asyncio.to_thread(_stressed, snapshot)


def _stressed(snapshot: Snapshot) -> dict[str, Any]:
    accounts = snapshot.priced
    found = [
        stress_view(name, kind, shocks, stress(accounts, shocks), snapshot.funds)
        for name, kind, shocks in _scenarios(snapshot)
    ]
    funds = {market: quanta_to_text(quanta) for market, quanta in sorted(snapshot.funds.items())}
    return snapshot.answer(funds=funds, scenarios=found)


def _scenarios(snapshot: Snapshot) -> list[tuple[str, str, Shocks]]:
    """(name, kind, shocks): flat moves, the worst hour and day on record, and a fall by each market's beta."""
    markets = sorted(snapshot.state.markets)
    found: list[tuple[str, str, Shocks]] = [
        (f"{percent:+d} %", "shock", dict.fromkeys(markets, percent * PPM // 100)) for percent in FLAT_PERCENTS
    ]
    for hours, name in ((1, "Worst hour on record"), (24, "Worst day on record")):
        worst = history.worst_window(snapshot.histories, hours)
        if worst is not None:
            found.append((name, "history", worst))
    beta = history.betas(snapshot.histories, 1)
    correlated = {market: beta.get(market, PPM) * CORRELATED_PERCENT // 100 for market in markets}
    found.append((f"{CORRELATED_PERCENT:+d} % by beta", "correlated", {m: _bounded(s) for m, s in correlated.items()}))
    return found


def _bounded(shock_ppm: int) -> int:
    return max(LEAST_SHOCK_PPM, min(MOST_SHOCK_PPM, shock_ppm))


async def tail(pool: Any, params: dict[str, Any]) -> Any:
    """Value at risk and expected shortfall of one account. Parameters: account."""
    snapshot = await _one(pool, params)
    return snapshot.answer(**_tails(next(iter(snapshot.state.accounts.values())), snapshot.histories))


def _tails(account: Account, histories: Mapping[str, history.Hours]) -> dict[str, Any]:
    values = history.values_of([account]) if has_prices(account) else {}
    found = {hours: history.outcomes(values, histories, hours) for hours in HORIZONS}
    return {
        "account": account.account,
        "gross": quanta_to_text(gross_quanta(account)),
        "horizons": [tail_view(hours, results) for hours, results in found.items()],
    }


async def exposure(pool: Any, params: dict[str, Any], *, scan: int) -> Any:  # noqa: ARG001 - takes no parameters
    """Long, short and concentration by market, and the largest accounts with their value at risk."""
    snapshot = await _snapshot(pool, RISKIEST_SQL, (min(scan, MOST_HOLDERS), None))
    return await asyncio.to_thread(_exposed, snapshot)


def _exposed(snapshot: Snapshot) -> dict[str, Any]:
    accounts = snapshot.priced
    largest = sorted(accounts, key=lambda account: (-gross_quanta(account), account.account))[:LARGEST]
    return snapshot.answer(
        **exposure_view(exposures(accounts), [_tails(account, snapshot.histories) for account in largest])
    )


async def liquidations_by_price(pool: Any, params: dict[str, Any], *, scan: int) -> Any:
    """Where one market's positions would become liquidatable, percent by percent. Parameters: market."""
    market = str(params["market"])
    snapshot = await _snapshot(pool, _HOLDERS_SQL, (market, min(scan, MOST_HOLDERS)), market)
    known = _market(snapshot.state, market)
    steps = await asyncio.to_thread(liquidation_map, snapshot.priced, market)
    grid = Grid(known.tick_size, known.lot_size, known.quanta_per_lot_tick)
    return snapshot.answer(
        market=market,
        mark_price=grid.price_text(known.mark_ticks) if known.mark_ticks else None,
        steps=[step_view(step) for step in steps],
    )


async def insurance(pool: Any, params: dict[str, Any]) -> Any:
    """What was in the insurance funds, oldest first. Parameters: market (all without), limit, before (a seq)."""
    limit = int(params.get("limit", MOST_POINTS))
    if not 1 <= limit <= MOST_POINTS:
        raise QueryError("bad_parameters", f"limit is 1 to {MOST_POINTS}")
    before = int(params.get("before", JSON_SAFE))
    if not 0 <= before <= JSON_SAFE:
        raise QueryError("bad_parameters", "before is a sequence number")
    market = None if params.get("market") is None else str(params["market"])
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        as_of = await connection.fetchval(AS_OF_SQL)
        rows = await connection.fetch(_POINTS_SQL, market, limit, before)
    points = [
        {"market": row["market"], "seq": row["seq"], "at": row["at"], "balance": quanta_to_text(row["balance_quanta"])}
        for row in reversed(rows)
    ]
    return {"as_of_seq": as_of, "points": points}


async def what_if_order(pool: Any, params: dict[str, Any]) -> Any:
    """An account after an order. Parameters: account, market, side, size, price (mark without)."""
    snapshot = await _one(pool, params)
    account = next(iter(snapshot.state.accounts.values()))
    market = _market(snapshot.state, str(params["market"]))
    if not market.mark_ticks or not has_prices(account):
        raise QueryError("bad_parameters", "a market of the account has no price yet")
    grid = Grid(market.tick_size, market.lot_size, market.quanta_per_lot_tick)
    try:
        lots = grid.lots(str(params["size"]))
        ticks = market.mark_ticks if params.get("price") is None else grid.ticks(str(params["price"]))
    except MoneyError as error:
        raise QueryError("bad_parameters", str(error)) from error
    if params.get("side") not in ("buy", "sell"):
        raise QueryError("bad_parameters", "side is buy or sell")
    outcome = after_order(account, market, lots if params["side"] == "buy" else -lots, ticks)
    return snapshot.answer(account=account.account, market=market.market, **order_view(outcome, grid))


async def what_if_prices(pool: Any, params: dict[str, Any]) -> Any:
    """An account when prices move. Parameters: account, percent, market (all without)."""
    snapshot = await _one(pool, params)
    account = next(iter(snapshot.state.accounts.values()))
    if not has_prices(account):
        raise QueryError("bad_parameters", "a market of the account has no price yet")
    names = list(snapshot.state.markets)
    if params.get("market") is not None:
        names = [_market(snapshot.state, str(params["market"])).market]
    shocks = dict.fromkeys(names, _shock(params.get("percent")))
    return snapshot.answer(
        account=account.account,
        before=margin_view(margin_under(account, {})),
        after=margin_view(margin_under(account, shocks)),
    )


def _shock(percent: Any) -> int:
    try:
        shock = int(Decimal(str(percent)) * 10_000)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise QueryError("bad_parameters", "percent is a number") from error
    if not LEAST_SHOCK_PPM <= shock <= MOST_SHOCK_PPM:
        raise QueryError("bad_parameters", "percent is -99 to 1000")
    return shock


def _market(state: RiskState, name: str) -> Market:
    known = state.markets.get(name)
    if known is None:
        raise QueryError("not_found", f"no market {name}")
    return known


async def _one(pool: Any, params: dict[str, Any]) -> Snapshot:
    name = str(params["account"])
    snapshot = await _snapshot(pool, _ACCOUNT_SQL, (name,))
    if not snapshot.state.accounts:
        raise QueryError("not_found", f"account {name} has no transfer or trade")
    return snapshot


async def _snapshot(pool: Any, sql: str, arguments: Sequence[Any], market: str | None = None) -> Snapshot:
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        as_of = await connection.fetchval(AS_OF_SQL)
        if market is None:
            total = await connection.fetchval(HOLDER_COUNT_SQL, None)
        else:
            total = await connection.fetchval(_MARKET_HOLDERS_SQL, market)
        state = await load_accounts(connection, await connection.fetch(sql, *arguments))
        hours = await connection.fetch(_HISTORY_SQL, _MOST_HISTORY, None if market is None else [])
        funds = dict(await connection.fetch(_FUNDS_SQL, len(state.markets) + 1))
    histories: dict[str, dict[int, int]] = {}
    for name, hour, ticks in hours:
        histories.setdefault(name, {})[hour] = ticks
    return Snapshot(as_of, total, state, histories, funds)


def analyses(scan: int) -> Mapping[str, Query]:
    """Every question by name."""
    return {
        "stress": partial(stress_scenarios, scan=scan),
        "exposure": partial(exposure, scan=scan),
        "liquidation_map": partial(liquidations_by_price, scan=scan),
        "insurance": insurance,
        "tail": tail,
        "what_if_order": what_if_order,
        "what_if_prices": what_if_prices,
    }
