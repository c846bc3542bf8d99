"""What the insurance fund does with positions it has taken: offer parts, sell parts off, give them up (R23)."""

from typing import ClassVar

from cleartide.contracts import TradeOrigin
from cleartide.money import MAX_PRICE_TICKS, PPB
from cleartide.rules.accounts import INSURANCE
from cleartide.rules.margin import AccountMargin

from services.matching.domain.accounts import Holding
from services.matching.domain.bankruptcy import bankruptcy_price, bankruptcy_value, beyond_help
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.sweep import Taker, sweep
from services.matching.domain.waterfall import fund, quotes
from services.matching.domain.waterfall.deleverage import Bankrupt, deleverage
from services.matching.domain.waterfall.pace import in_grace
from services.matching.domain.waterfall.socialize import socialize


class DisposalTaker(Taker):
    """Reduces the fund's position against the book."""

    origin: ClassVar[TradeOrigin] = "liquidation"
    __slots__ = ()


def tend(state: MatchingState, market: Market, out: Output, *, minute_begins: bool, moved: int = 0) -> None:
    """After a fresh index: look after what the fund holds in the market.

    A minute's part is quoted; what nobody took of it until the next minute begins, the fund takes from the book. A
    quote that the index left behind (`moved` lots) is quoted anew. In danger the position is deleveraged: the fund
    answers for it with what it has, like anyone for a margin, and never waits until it is empty.
    """
    account = state.accounts.get(INSURANCE)
    if market.spec.liquidation is None or account is None:
        return
    before = fund.balances([market])
    _look_after(state, market, out, minute_begins, moved)
    if account.cash.balance < 0 and not any(each.lots for each in account.holdings.values()):
        socialize(state, out, account, market)
    fund.announce(state, out, before, "disposal")


def _look_after(state: MatchingState, market: Market, out: Output, minute_begins: bool, moved: int) -> None:
    held, order = fund.position(state, market), quotes.resting(state, market)
    if order is not None and (held is None or order.side * held.lots >= 0):
        quotes.withdraw(state, market, out, "reduce_only")
    if held is None:
        return
    if not market.status.matches or in_grace(market, out.at):
        quotes.withdraw(state, market, out, "grace" if market.status.matches else "market_paused")
        return
    now = fund.standing(state, market, held)
    if beyond_help(now):
        quotes.withdraw(state, market, out, "deleveraged")
        _give_up(state, out, held, now)
    elif minute_begins:
        _dispose(state, out, held, moved + quotes.withdraw(state, market, out, "renewed"))
        quotes.offer(state, out, held, quotes.part(held), "minute_began")
    elif moved:
        quotes.offer(state, out, held, moved, "mark_moved")


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
