"""The mark price at which an account becomes liquidatable by one of its positions (domain sections 5.1 and 5.8).

Solved on the liquidation test itself, in whole ticks, so the price can never disagree with it: brackets, ceilings and
funding are in it. That works because E - MM cannot fall when a long's price rises: a tick adds k quanta to E, and at
most k to MM, as no slice asks for more than its notional and a ceiling of whole steps adds no more than the steps.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cleartide.contracts import MarginBracket
from cleartide.money import MAX_PRICE_TICKS
from cleartide.rules.margin import AccountMargin, is_liquidatable, requirements


class PricedPosition(NamedTuple):
    """A position and its price: quanta_per_tick is lots * u, signed as the lots are."""

    quanta_per_tick: int
    mark_ticks: int
    brackets: Sequence[MarginBracket]

    def maintenance_at(self, ticks: int) -> int:
        """Maintenance margin in quanta at a price."""
        return requirements(abs(self.quanta_per_tick) * ticks, self.brackets)[1]


def margin_at(now: AccountMargin, position: PricedPosition, ticks: int) -> AccountMargin:
    """The account with this position at another price, in quanta (5.1); initial margin is left as it is."""
    moved = position.quanta_per_tick * (ticks - position.mark_ticks)
    maintenance = position.maintenance_at(ticks) - position.maintenance_at(position.mark_ticks)
    return now._replace(
        equity_quanta=now.equity_quanta + moved,
        maintenance_margin_quanta=now.maintenance_margin_quanta + maintenance,
    )


def liquidation_price(now: AccountMargin, position: PricedPosition) -> int | None:
    """The last price in ticks at which the account is safe: one tick beyond it, it is liquidatable.

    Beyond is below for a long and above for a short. None: no such price, because the account is safe at every price
    of this market or at none, or because the market has no price yet.
    """
    if not position.mark_ticks or not position.quanta_per_tick:
        return None
    falling = position.quanta_per_tick > 0
    safest, worst = (MAX_PRICE_TICKS, 1) if falling else (1, MAX_PRICE_TICKS)
    if _is_due(now, position, safest) or not _is_due(now, position, worst):
        return None
    safe, due = safest, worst
    while abs(safe - due) > 1:
        middle = (safe + due) // 2
        if _is_due(now, position, middle):
            due = middle
        else:
            safe = middle
    return safe


def _is_due(now: AccountMargin, position: PricedPosition, ticks: int) -> bool:
    there = margin_at(now, position, ticks)
    return is_liquidatable(there.equity_quanta, there.maintenance_margin_quanta)
