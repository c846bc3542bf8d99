"""Days of the venue and leaders as sums over the naive rows of markets and accounts, told as the service tells them."""

from collections.abc import Sequence
from typing import Any, Final

from cleartide.money import quanta_to_text

RANKINGS: Final = ("volume", "pnl", "fees", "trades", "realized", "funding", "yield")
Rows = Sequence[tuple[Any, ...]]


def venue_days(market_days: Rows, account_days: Rows) -> list[tuple[Any, ...]]:
    """Day, volume, trades, traders, accounts, fees, referral, liquidation fees, liquidations, revenue."""
    days: dict[int, list[int]] = {}
    for _, day, *figures in market_days:
        quanta, trades, fees, referral, liquidations, _, liquidation_fees = (
            figures[n] for n in (5, 6, 11, 12, 13, 14, 15)
        )
        sums = days.setdefault(day, [0] * 6)
        for place, figure in enumerate((quanta, trades, fees, referral, liquidation_fees, liquidations)):
            sums[place] += figure
    found = []
    for day, (quanta, trades, fees, referral, liquidation_fees, liquidations) in sorted(days.items()):
        there = [row for row in account_days if row[1] == day]
        money = [quanta_to_text(figure) for figure in (fees, referral, liquidation_fees)]
        traders = sum(1 for row in there if row[10] > 0)
        revenue = quanta_to_text(fees - referral)
        found.append((day, quanta_to_text(quanta), trades, traders, len(there), *money, liquidations, revenue))
    return found


def leaders(account_days: Rows) -> list[tuple[Any, ...]]:
    """For each ranking the ranked figure, the highest first; and all accounts with their figures, by name."""
    sums: dict[str, dict[str, int]] = {}
    for account, _, _, _, flows, pnl, funding, fees, realized, volume, trades in account_days:
        own = sums.setdefault(account, dict.fromkeys((*RANKINGS, "flows"), 0))
        moved = {"flows": flows, "pnl": pnl, "funding": funding, "fees": fees, "realized": realized, "volume": volume}
        for name, figure in (*moved.items(), ("trades", trades)):
            own[name] += figure
    money = ("volume", "pnl", "funding", "fees", "yield", "realized", "flows")
    lines = sorted(
        (account, *(quanta_to_text(own[name]) for name in money), own["trades"]) for account, own in sums.items()
    )
    found: list[tuple[Any, ...]] = []
    for by in RANKINGS:
        ranked = sorted((own[by] for own in sums.values()), reverse=True)
        found += [(by, *(figure if by == "trades" else quanta_to_text(figure) for figure in ranked)), *lines]
    return found
