"""What the insurance fund does with the positions it has taken: sell them off in small parts, or give them up (R23)."""

from typing import ClassVar

from cleartide.contracts import TradeOrigin
from cleartide.money import MAX_PRICE_TICKS, PPB, ceil_div
from cleartide.rules.margin import AccountMargin

from services.matching.domain.accounts import Holding
from services.matching.domain.bankruptcy import bankruptcy_price, bankruptcy_value, beyond_help
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.sweep import Taker, sweep
from services.matching.domain.waterfall import fund
from services.matching.domain.waterfall.deleverage import Bankrupt, deleverage
from services.matching.domain.waterfall.pace import in_grace
from services.matching.domain.waterfall.socialize import socialize


class DisposalTaker(Taker):
    """Reduces the fund's position against the book."""

    origin: ClassVar[TradeOrigin] = "liquidation"
    __slots__ = ()


def tend(state: MatchingState, market: Market, out: Output, *, minute_begins: bool) -> None:
    """After a fresh index: once a minute offer a part of the fund's position; deleverage it when the fund is in danger.

    The fund answers for its position with what it has, like anyone for a margin: it never waits until it is empty.
    """
    rules, held = market.spec.liquidation, fund.position(state, market)
    if rules is None or held is None or not market.status.matches or in_grace(market, out.at):
        return
    before = fund.balances([market])
    now = fund.standing(state, market, held)
    if beyond_help(now):
        _give_up(state, out, held, now)
    elif minute_begins:
        _dispose(state, out, held, ceil_div(abs(held.lots) * rules.disposal_ppb, PPB))
    account = state.accounts[held.account]
    if account.cash.balance < 0 and not any(each.lots for each in account.holdings.values()):
        socialize(state, out, account, market)
    fund.announce(state, out, before, "disposal")


def _give_up(state: MatchingState, out: Output, held: Holding, now: AccountMargin) -> None:
    """Close the position against the other side, at the price that uses up the fund."""
    size = abs(held.lots)
    price = min(max(1, bankruptcy_price(held, size, now)), MAX_PRICE_TICKS)
    account = state.accounts[held.account]
    deleverage(state, out, Bankrupt(account, held, price, bankruptcy_value(held, size, now)))


def _dispose(state: MatchingState, out: Output, held: Holding, lots: int) -> None:
    """Take the book's price, no further from the mark than the liquidation fee: the fund is in no hurry."""
    if not lots:
        return
    market, side = held.market, -1 if held.lots > 0 else 1
    allowed = market.prices.mark * market.spec.liquidation_fee_ppb // PPB
    limit = max(1, market.prices.mark + side * allowed)
    account = state.accounts[held.account]
    taker = DisposalTaker(account, held, side=side, limit=limit, lots=lots, order_id=None, guarded=False)
    sweep(state, out, taker)
