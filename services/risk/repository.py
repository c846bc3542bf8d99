"""Risk's tables, and the way from state to rows and back. What is watched is not stored: it follows from the rest."""

from collections.abc import Mapping, Sequence
from typing import Final

from cleartide.contracts import AssetSpec, MarginBracket
from cleartide.contracts.pools import EVERYBODY, Pool
from cleartide.fold import Changes, Repository, Row, Table

from services.risk.domain.alerts import Alert
from services.risk.domain.levels import Level
from services.risk.domain.measures import Limits, Track
from services.risk.domain.review import watch
from services.risk.domain.state import Account, Market, Request, RiskState
from services.risk.tables import ALERT_FIGURES, RULE_TABLES, put_rules, restore_rules

MAX_BRACKETS: Final = 16

MARKETS: Final = Table(
    "markets",
    key=("market",),
    columns={
        "market": "text",
        "tick_size": "text",
        "lot_size": "text",
        "quanta_per_lot_tick": "bigint",
        "oi_scale_lower_quanta": "bigint",
        "oi_scale_upper_quanta": "bigint",
        "taker_fee_ppb": "bigint",
        "mark_ticks": "bigint",
        "index_ticks": "bigint",
        "index_stale": "boolean",
        "open_interest_lots": "bigint",
        "funding_index_quanta": "bigint",
        "stale_since": "bigint",
        "funding_rate_ppb": "bigint",
    },
)
MARKET_BRACKETS: Final = Table(
    "market_brackets",
    key=("market", "bracket"),
    columns={
        "market": "text",
        "bracket": "integer",
        "upper_notional_quanta": "bigint",
        "initial_margin_ppb": "bigint",
        "maintenance_fraction_ppb": "bigint",
    },
)
POOL: Final = Table("pool", key=("number",), columns={"number": "integer", "pools": "integer"}, write="ignore")
"""Which accounts the rows are of; no row where they are everybody's."""
ACCOUNTS: Final = Table(
    "accounts",
    key=("account",),
    columns={
        "account": "text",
        "cash_quanta": "bigint",
        "level": "smallint",
        "account_seq": "bigint",
        "liquidating": "boolean",
        "request_market": "text",
        "request_seq": "bigint",
        "request_at": "bigint",
        "busy_minute": "bigint",
        "fills": "integer",
    },
)
POSITIONS: Final = Table(
    "positions",
    key=("account", "market"),
    columns={
        "account": "text",
        "market": "text",
        "lots": "bigint",
        "quote_quanta": "bigint",
        "funding_index_quanta": "bigint",
    },
)
ASSETS: Final = Table(
    "assets",
    key=("asset",),
    columns={
        "asset": "text",
        "decimals": "smallint",
        "index_market": "text",
        "fixed_price": "text",
        "initial_weight_ppb": "bigint",
        "maintenance_weight_ppb": "bigint",
        "cap": "text",
        "conversion_fee_ppb": "bigint",
    },
)
COLLATERAL: Final = Table(
    "collateral", key=("account", "asset"), columns={"account": "text", "asset": "text", "units": "bigint"}
)
LEVERAGES: Final = Table(
    "leverages", key=("account", "market"), columns={"account": "text", "market": "text", "leverage": "integer"}
)
LIMITS: Final = Table(
    "limits",
    key=("account",),
    columns={
        "account": "text",
        "max_position_quanta": "bigint",
        "max_leverage": "integer",
        "max_daily_loss_quanta": "bigint",
        "max_drawdown_quanta": "bigint",
        "max_value_at_risk_quanta": "bigint",
        "day": "bigint",
        "day_equity_quanta": "bigint",
        "peak_equity_quanta": "bigint",
    },
)
ALERT_FLAGS: Final = Table(
    "alert_flags", key=("account", "kind", "market"), columns={"account": "text", "kind": "text", "market": "text"}
)
ALERT_ANSWERS: Final = Table(
    "alert_answers",
    key=("account", "account_seq", "answer"),
    columns={
        "account": "text",
        "account_seq": "bigint",
        "answer": "text",
        "note": "text",
        "actor": "text",
        "answered_at": "bigint",
    },
    write="ignore",
    load=False,
)
MARK_HOURS: Final = Table(
    "mark_hours", key=("market", "hour"), columns={"market": "text", "hour": "bigint", "mark_ticks": "bigint"}
)
INSURANCE_POINTS: Final = Table(
    "insurance_points",
    key=("market", "seq"),
    columns={"market": "text", "seq": "bigint", "at": "bigint", "balance_quanta": "bigint"},
    write="append",
    load=False,
)
ALERTS: Final = Table(
    "alerts",
    key=("alert_seq",),
    columns={
        "alert_seq": "bigint",
        "account": "text",
        "account_seq": "bigint",
        "level": "smallint",
        "previous_level": "smallint",
        "equity_quanta": "bigint",
        "maintenance_margin_quanta": "bigint",
        "cash_quanta": "bigint",
        "unsettled_funding_quanta": "bigint",
        "cause_id": "text",
        "cause_seq": "bigint",
        "raised_at": "bigint",
        "kind": "text",
        "market": "text",
        "value_micros": "bigint",
        "threshold_micros": "bigint",
        "rule": "text",
        "condition": "text",
    },
    write="append",
    load=False,
)
ALERT_INPUTS: Final = Table(
    "alert_inputs",
    key=("alert_seq", "market"),
    columns={
        "alert_seq": "bigint",
        "market": "text",
        "lots": "bigint",
        "mark_ticks": "bigint",
        "value_quanta": "bigint",
        "quote_quanta": "bigint",
        "maintenance_margin_quanta": "bigint",
    },
    write="append",
    load=False,
)

ALERT_COLLATERAL: Final = Table(
    "alert_collateral",
    key=("alert_seq", "asset"),
    columns={
        "alert_seq": "bigint",
        "asset": "text",
        "units": "bigint",
        "price": "text",
        "weight_ppb": "bigint",
        "value_quanta": "bigint",
    },
    write="append",
    load=False,
)


class WrongPool(Exception):  # noqa: N818 - a verdict
    """The rows are of another share of the accounts than this process is told to keep."""


class RiskRepository(Repository[RiskState]):
    """Loads all but the alerts; alerts are history, and their number is the sum of the accounts' own."""

    tables = (
        POOL,
        MARKETS,
        MARKET_BRACKETS,
        ASSETS,
        ACCOUNTS,
        POSITIONS,
        COLLATERAL,
        LEVERAGES,
        LIMITS,
        ALERT_FLAGS,
        ALERT_ANSWERS,
        MARK_HOURS,
        INSURANCE_POINTS,
        ALERTS,
        ALERT_INPUTS,
        ALERT_COLLATERAL,
        *RULE_TABLES,
    )

    def __init__(self, pool: Pool = EVERYBODY) -> None:
        self._pool = pool

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> RiskState:
        state = load(rows)
        restore_rules(state.book, rows, state.markets.values())
        state.pool = self._pool
        kept = next((Pool(*row) for row in rows["pool"]), EVERYBODY if rows["markets"] else self._pool)
        if kept != self._pool:
            raise WrongPool(
                f"the schema holds pool {kept.number} of {kept.pools}, not {self._pool.number} of {self._pool.pools}: "
                "an installation keeps the CLEARTIDE_RISK_POOLS that it was made with"
            )
        for account in state.accounts.values():
            watch(state, account)
        return state

    def collect(self, state: RiskState) -> Changes:
        changes, dirty = Changes(), state.dirty
        if dirty.specs and state.pool != EVERYBODY:
            changes.put(POOL, (state.pool.number, state.pool.pools))
        for market in sorted(dirty.markets):
            changes.put(MARKETS, _market_row(state.markets[market]))
        for market in sorted(dirty.specs):
            _put_brackets(changes, state.markets[market])
        for account in sorted(dirty.accounts):
            changes.put(ACCOUNTS, _account_row(state.accounts[account]))
        for key in sorted(dirty.positions):
            _put_position(changes, state, key)
        _put_collateral(changes, state)
        _put_hours(changes, state)
        _put_watching(changes, state)
        put_rules(changes, state.book)
        changes.put_all(INSURANCE_POINTS, dirty.insurance)
        for alert in dirty.alerts:
            changes.put(ALERTS, _alert_row(alert))
            changes.put_all(ALERT_INPUTS, ((alert.alert_seq, *position) for position in alert.inputs))
            changes.put_all(ALERT_FIGURES, ((alert.alert_seq, *figure) for figure in alert.figures))
            changes.put_all(ALERT_COLLATERAL, ((alert.alert_seq, *held) for held in alert.collateral))
        dirty.clear()
        return changes


def load(rows: Mapping[str, Sequence[Row]]) -> RiskState:
    """State from rows of the loaded tables, for all accounts or a selection; nobody watched."""
    state = RiskState()
    brackets: dict[str, list[Row]] = {}
    for row in rows["market_brackets"]:
        brackets.setdefault(row[0], []).append(row)
    for row in rows["markets"]:
        state.list_market(_market(row, brackets[row[0]]))
    for row in rows["accounts"]:
        account = _account(row)
        state.accounts[account.account] = account
        state.alerts += account.account_seq
    for row in rows["assets"]:
        state.list_asset(AssetSpec(**dict(zip(ASSETS.columns, row, strict=True))))
    for name, market, *position in rows["positions"]:
        state.set_position(state.accounts[name], state.markets[market], *position)
    for name, asset, units in rows["collateral"]:
        state.set_collateral(name, state.assets[asset], units)
    for name, market, leverage in rows["leverages"]:
        state.set_leverage(name, market, leverage)
    for name, *limits, day, day_equity, peak in rows.get("limits", ()):
        state.set_limits(state.accounts[name], Limits(*limits), Track(day, day_equity, peak))
    for name, kind, market in rows.get("alert_flags", ()):
        state.set_flag(state.accounts[name], kind, market, on=True)
    for name, hour, ticks in rows.get("mark_hours", ()):
        state.markets[name].hours[hour] = ticks
    state.dirty.clear()
    return state


def _market(row: Row, bracket_rows: Sequence[Row]) -> Market:
    market, tick_size, lot_size, quanta_per_lot_tick, lower, upper, fee, *price, stale_since, rate = row
    brackets = tuple(
        MarginBracket(upper_notional_quanta=upper, initial_margin_ppb=initial, maintenance_fraction_ppb=fraction)
        for _, _, upper, initial, fraction in sorted(bracket_rows, key=lambda bracket: int(bracket[1]))
    )
    known = Market(market, tick_size, lot_size, quanta_per_lot_tick, brackets, (lower, upper), fee, *price)
    known.stale_since, known.funding_rate_ppb = stale_since, rate
    return known


def _account(row: Row) -> Account:
    account, cash, level, account_seq, liquidating, *request, busy_minute, fills = row
    last_request = None if request[0] is None else Request(*request)
    return Account(account, cash, Level(level), account_seq, last_request, liquidating, busy_minute, fills)


def _market_row(market: Market) -> Row:
    return (
        market.market,
        market.tick_size,
        market.lot_size,
        market.quanta_per_lot_tick,
        *market.oi_scale,
        market.taker_fee_ppb,
        market.mark_ticks,
        market.index_ticks,
        market.index_stale,
        market.open_interest_lots,
        market.funding_index_quanta,
        market.stale_since,
        market.funding_rate_ppb,
    )


def _put_brackets(changes: Changes, market: Market) -> None:
    for number, bracket in enumerate(market.brackets):
        rates = (bracket.initial_margin_ppb, bracket.maintenance_fraction_ppb)
        changes.put(MARKET_BRACKETS, (market.market, number, bracket.upper_notional_quanta, *rates))
    for number in range(len(market.brackets), MAX_BRACKETS):
        changes.delete(MARKET_BRACKETS, (market.market, number))


def _account_row(account: Account) -> Row:
    return (
        account.account,
        account.cash_quanta,
        int(account.level),
        account.account_seq,
        account.liquidating,
        *(account.last_request or (None, None, None)),
        account.busy_minute,
        account.fills,
    )


def _put_position(changes: Changes, state: RiskState, key: tuple[str, str]) -> None:
    position = state.accounts[key[0]].positions.get(key[1])
    if position is None:
        changes.delete(POSITIONS, key)
    else:
        changes.put(POSITIONS, (*key, position.lots, position.quote_quanta, position.funding_index_quanta))


def _put_collateral(changes: Changes, state: RiskState) -> None:
    for name in sorted(state.dirty.assets):
        changes.put(ASSETS, tuple(getattr(state.assets[name].spec, column) for column in ASSETS.columns))
    for key in sorted(state.dirty.collateral):
        stake = state.accounts[key[0]].collateral.get(key[1])
        if stake is None:
            changes.delete(COLLATERAL, key)
        else:
            changes.put(COLLATERAL, (*key, stake.units))
    for key in sorted(state.dirty.leverages):
        leverage = state.accounts[key[0]].leverages.get(key[1])
        if leverage is None:
            changes.delete(LEVERAGES, key)
        else:
            changes.put(LEVERAGES, (*key, leverage))


def _put_watching(changes: Changes, state: RiskState) -> None:
    for name in sorted(state.dirty.limits):
        account = state.accounts[name]
        if account.limits is None or account.track is None:
            changes.delete(LIMITS, (name,))
        else:
            track = (account.track.day, account.track.day_equity_quanta, account.track.peak_equity_quanta)
            changes.put(LIMITS, (name, *account.limits, *track))
    for name, kind, market in sorted(state.dirty.flags):
        if (kind, market) in state.accounts[name].flags:
            changes.put(ALERT_FLAGS, (name, kind, market))
        else:
            changes.delete(ALERT_FLAGS, (name, kind, market))
    changes.put_all(ALERT_ANSWERS, state.dirty.answers)


def _put_hours(changes: Changes, state: RiskState) -> None:
    for market, hour in dict.fromkeys(state.dirty.hours):
        ticks = state.markets[market].hours.get(hour)
        if ticks is None:
            changes.delete(MARK_HOURS, (market, hour))
        else:
            changes.put(MARK_HOURS, (market, hour, ticks))


def _alert_row(alert: Alert) -> Row:
    return (
        alert.alert_seq,
        alert.account,
        alert.account_seq,
        int(alert.level),
        int(alert.previous_level),
        alert.equity_quanta,
        alert.maintenance_margin_quanta,
        alert.cash_quanta,
        alert.unsettled_funding_quanta,
        alert.cause_id,
        alert.cause_seq,
        alert.raised_at,
        alert.kind,
        alert.market,
        alert.value,
        alert.threshold,
        alert.rule,
        alert.condition,
    )
