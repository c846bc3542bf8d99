"""Accounts and alerts as an answer shows them: money, prices and sizes as decimal text, exact."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cmp_to_key
from typing import Any, Final

from cleartide.money import Grid, health_factor_text, quanta_to_text
from cleartide.rules.liquidation_price import PricedPosition, liquidation_price
from cleartide.rules.margin import AccountMargin, is_below

from services.risk.domain.alerts import CollateralValue, PositionMargin
from services.risk.domain.health import (
    collateral_values,
    compare_health,
    has_prices,
    margin_of,
    position_margins,
    unsettled_funding,
)
from services.risk.domain.levels import ALERTED, NAMES, Level
from services.risk.domain.measures import FORMULAS
from services.risk.domain.state import Account, Market

HISTOGRAM_PPM: Final = (
    1_000_000,
    1_050_000,
    1_200_000,
    1_500_000,
    2_000_000,
    3_000_000,
    5_000_000,
    10_000_000,
)
"""Upper edges of the health histogram; a health factor equal to an edge belongs to the next column."""


def level_name(level: Level) -> str | None:
    """The level's name, null outside every level."""
    return NAMES[level] if level else None


def account_view(account: Account) -> dict[str, Any]:
    """One account at the marks in force. Figures are null while a market it holds has no price yet."""
    priced = has_prices(account)
    margin = margin_of(account) if priced else None
    return {
        "account": account.account,
        "level": level_name(account.level),
        "cash": quanta_to_text(account.cash_quanta),
        "unsettled_funding": quanta_to_text(unsettled_funding(account)),
        **_margin_view(margin),
        "account_seq": account.account_seq,
        "liquidating": account.liquidating,
        "last_request": _request_view(account),
        "positions": [_position_view(account, position) for position in position_margins(account)],
        "collateral": [_collateral_view(account, held) for held in collateral_values(account)],
    }


def riskiest_first(accounts: Iterable[Account]) -> list[Account]:
    """Accounts by health factor, lowest first, then by id; those that a market's missing price hides come last."""
    by_name = sorted(accounts, key=lambda account: account.account)
    judged = [(margin_of(account), account) for account in by_name if has_prices(account)]
    judged.sort(key=cmp_to_key(_by_health))
    return [account for _, account in judged] + [account for account in by_name if not has_prices(account)]


def histogram(accounts: Iterable[Account]) -> list[dict[str, Any]]:
    """How many accounts have a health factor below each edge and not below the one before it."""
    columns = dict.fromkeys((*HISTOGRAM_PPM, None), 0)
    for account in accounts:
        if account.positions and has_prices(account):
            margin = margin_of(account)
            columns[_column(margin)] += 1
    return [
        {"below": None if edge is None else quanta_to_text(edge), "accounts": count} for edge, count in columns.items()
    ]


def levels_view(counts: Mapping[int, int]) -> dict[str, int]:
    """Accounts per level, worst last; `none` are those in no level."""
    return {"none": counts.get(Level.NONE, 0)} | {NAMES[level]: counts.get(level, 0) for level in ALERTED}


def alert_view(
    alert: Mapping[str, Any],
    inputs: Iterable[Mapping[str, Any]],
    collateral: Iterable[Mapping[str, Any]],
    figures: Iterable[Mapping[str, Any]],
    answers: Mapping[tuple[str, int, str], Mapping[str, Any]],
) -> dict[str, Any]:
    """One alert as it was raised, with what it was computed from, and what its account answered."""
    mine = (alert["account"], alert["account_seq"])
    return {
        "seq": alert["alert_seq"],
        "account": alert["account"],
        "account_seq": alert["account_seq"],
        "level": NAMES[Level(alert["level"])],
        "previous_level": level_name(Level(alert["previous_level"])),
        "health_factor": health_factor_text(alert["equity_quanta"], alert["maintenance_margin_quanta"]),
        **{name: quanta_to_text(alert[f"{name}_quanta"]) for name in _ALERT_AMOUNTS},
        "inputs": [_input_view(row) for row in inputs],
        "collateral": [_held_view(row) for row in collateral],
        "cause_id": alert["cause_id"],
        "cause_seq": alert["cause_seq"],
        "raised_at": alert["raised_at"],
        "kind": alert["kind"],
        "market": alert["market"] or None,
        "value": _micros(alert["value_micros"]),
        "threshold": _micros(alert["threshold_micros"]),
        "formula": alert["condition"] or FORMULAS.get(alert["kind"], HEALTH_FORMULA),
        "rule": alert["rule"] or None,
        "figures": [{name: row[name] for name in ("name", "value", "unit")} for row in figures],
        "acknowledged": _answer_view(answers.get((*mine, "acknowledge"))),
        "resolved": _answer_view(answers.get((*mine, "resolve"))),
    }


def rule_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """An operator's rule, how many alerts of it hold, and the last."""
    last = row["alert_seq"] and {
        "seq": row["alert_seq"],
        "account": row["account"],
        "market": row["market"] or None,
        "level": NAMES[Level(row["level"])],
        "raised_at": row["raised_at"],
    }
    return {**json.loads(row["rule"]), "holding": row["holding"], "last": last}


HEALTH_FORMULA: Final = "equity / maintenance margin"


def limits_view(limits: Mapping[str, Any] | None, flags: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """An account's limits, what its losses are counted from, and the alerts beside health that hold."""
    amounts = ("max_position", "max_daily_loss", "max_drawdown", "max_value_at_risk", "day_equity", "peak_equity")
    found = dict(limits) if limits is not None else {}
    return {
        "limits": None
        if limits is None
        else {
            **{name: _micros(found[f"{name}_quanta"]) for name in amounts},
            "max_leverage": found["max_leverage"],
        },
        "holding": [{"kind": row["kind"], "market": row["market"] or None} for row in flags],
    }


def _micros(value: int | None) -> str | None:
    return None if value is None else quanta_to_text(value)


def _answer_view(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if row is None else {"by": row["actor"], "at": row["answered_at"], "note": row["note"]}


_ALERT_AMOUNTS: Final = ("equity", "maintenance_margin", "cash", "unsettled_funding")


def _by_health(first: tuple[AccountMargin, Account], second: tuple[AccountMargin, Account]) -> int:
    return compare_health(first[0], second[0])


def _margin_view(margin: AccountMargin | None) -> dict[str, str | None]:
    if margin is None:
        return dict.fromkeys(("health_factor", "equity", "initial_margin", "maintenance_margin"))
    return {
        "health_factor": health_factor_text(margin.equity_quanta, margin.maintenance_margin_quanta),
        "equity": quanta_to_text(margin.equity_quanta),
        "initial_margin": quanta_to_text(margin.initial_margin_quanta),
        "maintenance_margin": quanta_to_text(margin.maintenance_margin_quanta),
    }


def _request_view(account: Account) -> dict[str, Any] | None:
    return account.last_request._asdict() if account.last_request else None


def _position_view(account: Account, margin: PositionMargin) -> dict[str, Any]:
    market: Market = account.positions[margin.market].market
    grid = Grid(market.tick_size, market.lot_size, market.quanta_per_lot_tick)
    return {
        "market": margin.market,
        "size": grid.size_text(margin.lots),
        "mark_price": grid.price_text(margin.mark_ticks) if margin.mark_ticks else None,
        "index_stale": market.index_stale,
        "value": quanta_to_text(margin.value_quanta),
        "unrealized_pnl": quanta_to_text(margin.value_quanta + margin.quote_quanta),
        "maintenance_margin": quanta_to_text(margin.maintenance_margin_quanta),
        "leverage": account.leverages.get(margin.market),
        "liquidation_price": _liquidation_price(account, margin, market, grid),
    }


def _liquidation_price(account: Account, margin: PositionMargin, market: Market, grid: Grid) -> str | None:
    if not has_prices(account):
        return None
    position = PricedPosition(margin.lots * market.quanta_per_lot_tick, margin.mark_ticks, market.brackets)
    ticks = liquidation_price(margin_of(account), position)
    return None if ticks is None else grid.price_text(ticks)


def _collateral_view(account: Account, held: CollateralValue) -> dict[str, Any]:
    asset = account.collateral[held.asset].asset
    return {
        "asset": held.asset,
        "amount": asset.amount_text(held.units),
        "price": held.price if asset.ticks else None,
        "weight_ppb": held.weight_ppb,
        "value": quanta_to_text(held.value_quanta),
    }


def _held_view(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "asset": row["asset"],
        "amount": format(Decimal(row["units"]).scaleb(-row["decimals"]), "f"),
        "price": row["price"],
        "weight_ppb": row["weight_ppb"],
        "value": quanta_to_text(row["value_quanta"]),
    }


def _input_view(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "market": row["market"],
        "lots": row["lots"],
        "mark_ticks": row["mark_ticks"],
        "value": quanta_to_text(row["value_quanta"]),
        "quote": quanta_to_text(row["quote_quanta"]),
        "maintenance_margin": quanta_to_text(row["maintenance_margin_quanta"]),
    }


def _column(margin: AccountMargin) -> int | None:
    for edge in HISTOGRAM_PPM:
        if is_below(margin.equity_quanta, margin.maintenance_margin_quanta, edge):
            return edge
    return None
