"""The very last resort: a loss that nobody's money covers is taken from the profits in the market, pro rata (R25)."""

from typing import NamedTuple

from cleartide.contracts import LossSocialized
from cleartide.money import ceil_div
from cleartide.rules.accounts import SYSTEM_ACCOUNTS

from services.matching.domain.accounts import Account
from services.matching.domain.conversion import repay
from services.matching.domain.margin import equity_of
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.waterfall.fund import pay


def socialize(state: MatchingState, out: Output, debtor: Account, market: Market) -> None:
    """Share a debt over all who hold a profit in the market.

    Each pays ceil(loss * profit / all profits), at most the profit and at most its equity: a shared loss makes no
    debtors. What that brings beyond the loss is the fund's.
    """
    loss = -debtor.cash.balance
    winners = _profits(market)
    total = sum(winner.profit for winner in winners)
    if loss <= 0 or not total:
        return
    charged = 0
    for account, profit, most in winners:
        charge = min(most, ceil_div(loss * profit, total))
        charged += charge
        pay(state, out, market, account, -charge, "socialized_loss")
    covered = min(loss, charged)
    pay(state, out, market, debtor, covered, "socialized_loss")
    out.emit(
        LossSocialized,
        market=market.id,
        account=debtor.name,
        loss_quanta=loss,
        charged_quanta=charged,
        accounts=len(winners),
    )
    for account, _, _ in winners:
        if account.collateral and account.cash.balance < 0:
            repay(state, out, account)


class Winner(NamedTuple):
    """Who has a profit that nobody has paid yet, and the most that he can be asked for, in quanta."""

    account: Account
    profit: int
    most: int


def _profits(market: Market) -> list[Winner]:
    """Everybody with a profit in the market and equity of his own, by name."""
    found: list[Winner] = []
    for name, account in sorted(market.holders.items()):
        held = account.holdings[market.id]
        if held.lots and name not in SYSTEM_ACCOUNTS:
            profit = held.quote.balance + held.value
            most = min(profit, equity_of(account))
            if most > 0:
                found.append(Winner(account, profit, most))
    return found
