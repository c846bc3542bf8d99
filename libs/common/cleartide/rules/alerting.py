"""What an alert rule may name, with its unit, and how a rule is read.

Amounts and ratios have six decimals, rounded down where they are quotients; prices have twelve. A figure that does not
exist, as the leverage of an account without equity, makes no condition true that names it.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from cleartide.contracts import AlertRule
from cleartide.contracts.alert_rules import RuleSubject
from cleartide.money import MoneyError
from cleartide.rules.conditions import Condition, ConditionError, Figure, read_condition

MICRO: Final = 6
PRICE_DECIMALS: Final = 12

OF_MARKET: Final[Mapping[str, Figure]] = {
    "mark_price": Figure("price", PRICE_DECIMALS, "mark price"),
    "index_price": Figure("price", PRICE_DECIMALS, "index price"),
    "premium_bps": Figure("bps", MICRO, "(mark - index) / index"),
    "funding_bps": Figure("bps", MICRO, "hourly rate of the last funding, > 0 where longs pay"),
    "open_interest": Figure("quote", MICRO, "open interest at the mark"),
}
OF_ACCOUNT: Final[Mapping[str, Figure]] = {
    "cash": Figure("quote", MICRO, "cash"),
    "equity": Figure("quote", MICRO, "cash + unsettled funding + value of positions and collateral"),
    "maintenance_margin": Figure("quote", MICRO, "requirement of all positions (R8)"),
    "notional": Figure("quote", MICRO, "sum of |size| * mark"),
    "unrealized_pnl": Figure("quote", MICRO, "of all positions, at mark"),
    "health_factor": Figure("ratio", MICRO, "equity / maintenance margin; none without a requirement"),
    "leverage": Figure("ratio", MICRO, "notional / equity; none without equity"),
    "positions": Figure("count", 0, "open positions"),
}
OF_POSITION: Final[Mapping[str, Figure]] = {
    "position_value": Figure("quote", MICRO, "size * mark, long > 0"),
    "position_notional": Figure("quote", MICRO, "|size| * mark"),
    "position_pnl": Figure("quote", MICRO, "unrealized profit at mark"),
    "liquidation_distance_bps": Figure("bps", MICRO, "|mark - liquidation price| / mark; none without such a price"),
}
FIGURES: Final[Mapping[RuleSubject, Mapping[str, Figure]]] = {
    "market": OF_MARKET,
    "account": OF_ACCOUNT,
    "position": {**OF_POSITION, **OF_ACCOUNT, **OF_MARKET},
}


class RuleError(MoneyError):
    """A rule that makes no sense. field: which of its fields; column: where in it, from 1, 0 where it is all of it.

    detail: all of that in words.
    """

    def __init__(self, field: str, text: str, column: int = 0) -> None:
        place = f"{field}, column {column}" if column else field
        self.field, self.text, self.column, self.detail = field, text, column, f"{place}: {text}"
        super().__init__("bad_rule", self.detail)


class ReadRule(NamedTuple):
    """A rule whose conditions were read; `until` None: it ends when `when` does."""

    when: Condition
    until: Condition | None


def read_rule(rule: AlertRule) -> ReadRule:
    """Read the conditions of a rule. Raises RuleError, with the place."""
    if rule.markets and rule.each == "account":
        raise RuleError("markets", "an account has no market: say each = 'position', or leave markets out")
    return ReadRule(_read(rule, "when", rule.when), _read(rule, "until", rule.until) if rule.until else None)


def _read(rule: AlertRule, field: str, text: str) -> Condition:
    try:
        return read_condition(text, FIGURES[rule.each])
    except ConditionError as error:
        raise RuleError(field, error.text, error.column) from None
