"""The rows of markets' rules that must be in the service's tables."""

from collections.abc import Callable, Mapping
from typing import Final

from cleartide.contracts import BatchTerms, LiquidationRules, MarginBracket, MarketLimits, MarketSpec

from services.matching.tests.model.rows import Rows, once
from services.matching.tests.model.rulings import GROUPS
from services.matching.tests.model.world import World

MARKET_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "markets": tuple(name for name in MarketSpec.model_fields if name not in ("brackets", *GROUPS)),
    "market_brackets": tuple(MarginBracket.model_fields),
    "market_limits": tuple(MarketLimits.model_fields),
    "market_batching": tuple(BatchTerms.model_fields),
    "liquidation_rules": tuple(LiquidationRules.model_fields),
}


def _of_specs(table: str, make: Callable[[MarketSpec], Rows]) -> Callable[[World], Rows]:
    def rows(world: World) -> Rows:
        found: Rows = {}
        for name, market in world.markets.items():
            found |= once(table, name, market.spec, make)
        return found

    return rows


def _market(spec: MarketSpec) -> Rows:
    return {(spec.market,): tuple(getattr(spec, name) for name in MARKET_COLUMNS["markets"])}


def _brackets(spec: MarketSpec) -> Rows:
    return {(spec.market, number): tuple(dict(one).values()) for number, one in enumerate(spec.brackets)}


def _rules_of(group: str) -> Callable[[MarketSpec], Rows]:
    def rows(spec: MarketSpec) -> Rows:
        rules = getattr(spec, group)
        return {(spec.market,): tuple(dict(rules).values())} if rules is not None else {}

    return rows


MARKET_ROWS: Final[Mapping[str, Callable[[World], Rows]]] = {
    "markets": _of_specs("markets", _market),
    "market_brackets": _of_specs("market_brackets", _brackets),
    "market_limits": _of_specs("market_limits", _rules_of("limits")),
    "market_batching": _of_specs("market_batching", _rules_of("batching")),
    "liquidation_rules": _of_specs("liquidation_rules", _rules_of("liquidation")),
}
