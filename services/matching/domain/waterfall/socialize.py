"""The very last resort: a loss that nobody's money covers is taken from the profits in the market, pro rata (R25)."""

from cleartide.contracts import LossSocialized
from cleartide.money import ceil_div
from cleartide.rules.accounts import SYSTEM_ACCOUNTS

from services.matching.domain.accounts import Account
from services.matching.domain.conversion import repay
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.waterfall.fund import pay


def socialize(state: MatchingState, out: Output, debtor: Account, market: Market) -> None:
    """Share a debt over all who hold a profit in the market.

    Each pays ceil(loss * profit / all profits), at most the profit; what that brings beyond the loss is the fund's.
    """
    loss = -debtor.cash.balance
    winners = _profits(state, market)
    total = sum(profit for _, profit in winners)
    if loss <= 0 or not total:
        return
    charged = 0
    for account, profit in winners:
        charge = min(profit, ceil_div(loss * profit, total))
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
    for account, _ in winners:
        if account.collateral and account.cash.balance < 0:
            repay(state, out, account)


def _profits(state: MatchingState, market: Market) -> list[tuple[Account, int]]:
    """Who has a profit in the market that nobody has paid yet, by name, with the profit in quanta."""
    found: list[tuple[Account, int]] = []
    for name in sorted(state.accounts):
        held = state.accounts[name].holdings.get(market.id)
        if held is not None and held.lots and name not in SYSTEM_ACCOUNTS:
            profit = held.quote.balance + held.value
            if profit > 0:
                found.append((state.accounts[name], profit))
    return found
