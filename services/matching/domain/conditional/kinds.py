"""Kinds of orders by what they wait for and what they are placed as."""

from typing import Final

from cleartide.contracts.types import OrderType

CONDITIONAL: Final[frozenset[OrderType]] = frozenset(
    {"stop_market", "stop_limit", "take_profit_market", "take_profit_limit", "trailing_stop"}
)
LIMITED: Final[frozenset[OrderType]] = frozenset({"limit", "stop_limit", "take_profit_limit"})
"""Those with a limit of their own; the others are bounded by the mark when they are placed (R27)."""
PROFITABLE: Final[frozenset[OrderType]] = frozenset({"take_profit_market", "take_profit_limit"})
