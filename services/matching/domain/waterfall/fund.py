"""A market's insurance fund: what it has, what it may take on, and what its own positions bring (domain rule R23).

The positions of all funds lie in one account of the venue. What a position earns or loses there moves at once between
the account and the fund of its market, so each market's fund bears its own positions and no other's.
"""

from collections.abc import Iterable, Mapping

from cleartide.contracts import InsuranceChanged, TransferApplied
from cleartide.money import PPB, ceil_div
from cleartide.rules.accounts import INSURANCE
from cleartide.rules.margin import AccountMargin

from services.matching.domain.accounts import Account, Holding
from services.matching.domain.bankruptcy import maintenance_of
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState


def position(state: MatchingState, market: Market) -> Holding | None:
    """What the fund holds in its market, None for nothing."""
    account = state.accounts.get(INSURANCE)
    held = account.holdings.get(market.id) if account is not None else None
    return held if held is not None and held.lots else None


def equity(state: MatchingState, market: Market) -> int:
    """The fund with its position valued at the mark, in quanta."""
    held = position(state, market)
    return market.insurance.balance + (held.quote.balance + held.value + held.unsettled if held is not None else 0)


def standing(state: MatchingState, market: Market, held: Holding) -> AccountMargin:
    """The fund as the holder of its position: equity and maintenance margin, like anyone's."""
    return AccountMargin(equity(state, market), 0, maintenance_of(held, held.lots))


def bears(state: MatchingState, holding: Holding, price: int) -> bool:
    """Whether the fund may take the whole position at this price (ticks).

    Afterwards it must still bear the stress loss of all that it holds in the market, and stay within its cap (R23).
    """
    market, rules = holding.market, holding.market.spec.liquidation
    if rules is None:
        return False
    held = position(state, market)
    notional = abs(holding.lots + (held.lots if held is not None else 0)) * market.prices.mark * market.unit
    if rules.position_cap_quanta is not None and notional > rules.position_cap_quanta:
        return False
    gain = holding.lots * (market.prices.mark - price) * market.unit
    return equity(state, market) + gain >= ceil_div(notional * rules.stress_ppb, PPB)


def keep_result(state: MatchingState, out: Output, account: Account, market: Market, result: int) -> None:
    """Move what the fund's position brought, or as much of its loss as the fund has, between fund and account.

    What the account owes, because the fund could not pay an earlier loss, stays there: a gain makes it less.
    """
    state.solvency.untold.setdefault(market.id, market.insurance.balance)
    cash = max(0, account.cash.balance)
    amount = -min(result, cash) if result > 0 else min(-result, market.insurance.balance)
    pay(state, out, market, account, amount, "insurance")


def pay(state: MatchingState, out: Output, market: Market, account: Account, amount: int, kind: str) -> None:
    """Move an amount from the fund to an account's cash, the other way where it is negative, and say so."""
    if not amount:
        return
    state.ledger.move(kind, market.insurance, account.cash, amount)
    out.emit(
        TransferApplied,
        account=account.name,
        amount_quanta=amount,
        cash_quanta=account.cash.balance,
        kind=kind,
        counterparty=market.id,
    )
    state.treasury.log.moved(out.at, account.name, account.cash.asset, kind, amount, market.id)


def balances(markets: Iterable[Market]) -> dict[str, int]:
    """What is in the funds of those markets that have rules of liquidation."""
    return {market.id: market.insurance.balance for market in markets if market.spec.liquidation is not None}


def announce(state: MatchingState, out: Output, before: Mapping[str, int], reason: str) -> None:
    """Say which funds are different now."""
    for name, old in sorted(before.items()):
        balance = state.markets[name].insurance.balance
        state.solvency.untold.pop(name, None)
        if balance != old:
            out.emit(InsuranceChanged, market=name, change_quanta=balance - old, balance_quanta=balance, reason=reason)


def announce_trades(state: MatchingState, out: Output) -> None:
    """Say which funds their own trades have moved and nobody has told of: somebody took a quote of theirs."""
    if state.solvency.untold:
        announce(state, out, dict(state.solvency.untold), "disposal")
