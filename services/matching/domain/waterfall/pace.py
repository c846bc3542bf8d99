"""When a position may be closed, and how much of it at once (domain rules R13, R20 and R31)."""

from typing import Final

from cleartide.money import PPB, ceil_div
from cleartide.rules.margin import AccountMargin

from services.matching.domain.accounts import Holding
from services.matching.domain.bankruptcy import beyond_help
from services.matching.domain.mark_price import is_stale
from services.matching.domain.market import Market
from services.matching.domain.state import MatchingState

HINDRANCES: Final = ("market_paused", "stale_index", "grace", "cooling_down")
"""Why a position may have to wait; of several the first is told."""


def hindrance(state: MatchingState, holding: Holding, at: int, now: AccountMargin) -> str | None:
    """Why the position is not closed at this moment, None if it may be.

    A cooldown does not hold an account that is beyond help: waiting would be paid for by others.
    """
    market = holding.market
    if not market.status.matches:
        return "market_paused"
    if is_stale(market.prices, at):
        return "stale_index"
    if in_grace(market, at):
        return "grace"
    if state.solvency.cools(holding, at) and not beyond_help(now):
        return "cooling_down"
    return None


def in_grace(market: Market, at: int) -> bool:
    """Whether prices or trading came back so lately that holders could not yet have answered."""
    rules = market.spec.liquidation
    return rules is not None and at < max(market.prices.fresh_since, market.status.since) + rules.grace_micros


def is_large(holding: Holding) -> bool:
    """Whether the position is closed in steps."""
    market, rules = holding.market, holding.market.spec.liquidation
    return rules is not None and abs(holding.lots) * market.prices.mark * market.unit > rules.large_notional_quanta


def step_lots(holding: Holding, wanted: int, now: AccountMargin) -> int:
    """Of the lots that would restore the account, those of this step (R20).

    A large position gives a share at a time, but no less than the minimum; what would leave less than the minimum
    behind is closed whole.
    """
    market, size, rules = holding.market, abs(holding.lots), holding.market.spec.liquidation
    if rules is None:
        return wanted
    unit = market.prices.mark * market.unit
    if is_large(holding) and not beyond_help(now):
        step = max(ceil_div(size * rules.step_ppb, PPB), ceil_div(rules.min_notional_quanta, unit))
        wanted = min(wanted, step)
    return size if (size - wanted) * unit < rules.min_notional_quanta else wanted
