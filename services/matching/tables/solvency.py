"""How markets are liquidated, and which large positions are between two steps."""

from collections.abc import Mapping, Sequence
from typing import Final

from cleartide.contracts import LiquidationRules
from cleartide.fold import Changes, Row, Table

from services.matching.domain.state import Dirty, MatchingState

LIQUIDATION_RULES: Final = Table(
    "liquidation_rules",
    key=("market",),
    columns={
        "market": "text",
        "min_notional_quanta": "bigint",
        "large_notional_quanta": "bigint",
        "step_ppb": "bigint",
        "cooldown_micros": "bigint",
        "stress_ppb": "bigint",
        "position_cap_quanta": "bigint",
        "disposal_ppb": "bigint",
        "grace_micros": "bigint",
        "keeper_share_ppb": "bigint",
    },
)
COOLDOWNS: Final = Table(
    "liquidation_cooldowns",
    key=("account", "market"),
    columns={"account": "text", "market": "text", "until": "bigint"},
)
SOLVENCY_TABLES: Final = (LIQUIDATION_RULES, COOLDOWNS)
_RULES: Final = tuple(LIQUIDATION_RULES.columns)[1:]


def rules_by_market(rows: Mapping[str, Sequence[Row]]) -> dict[str, LiquidationRules]:
    """The rules of the markets that have any."""
    return {
        market: LiquidationRules(**dict(zip(_RULES, values, strict=True)))
        for market, *values in rows[LIQUIDATION_RULES.name]
    }


def restore(state: MatchingState, rows: Mapping[str, Sequence[Row]]) -> None:
    """Who is between two steps."""
    for account, market, until in rows[COOLDOWNS.name]:
        state.solvency.cooldowns[account, market] = until


def collect(changes: Changes, state: MatchingState, dirty: Dirty) -> None:
    """Rules of markets that are new or changed, and cooldowns that began or are over."""
    for market in dirty.markets.values():
        rules = market.spec.liquidation
        if rules is None:
            changes.delete(LIQUIDATION_RULES, (market.id,))
        else:
            changes.put(LIQUIDATION_RULES, (market.id, *(getattr(rules, name) for name in _RULES)))
    solvency = state.solvency
    for key in sorted(solvency.touched):
        until = solvency.cooldowns.get(key)
        if until is None:
            changes.delete(COOLDOWNS, key)
        else:
            changes.put(COOLDOWNS, (*key, until))
    solvency.touched.clear()
