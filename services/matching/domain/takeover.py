"""When the book has not helped: the insurance fund takes a position at its bankruptcy price (rules R22, R23, R25)."""

from typing import ClassVar, NamedTuple

from cleartide.contracts import TradeOrigin
from cleartide.money import MAX_PRICE_TICKS, PPB
from cleartide.rules.accounts import INSURANCE
from cleartide.rules.margin import AccountMargin

from services.matching.domain.accounts import Account, Holding
from services.matching.domain.bankruptcy import bankruptcy_price, bankruptcy_value
from services.matching.domain.conversion import repay
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.settlement import Deal, Party, execute
from services.matching.domain.state import MatchingState
from services.matching.domain.sweep import Taker
from services.matching.domain.waterfall import fund
from services.matching.domain.waterfall.deleverage import Bankrupt, deleverage
from services.matching.domain.waterfall.socialize import socialize


class LiquidationTaker(Taker):
    """Closes a position against the book, at the bankruptcy price or better; its fee goes to the insurance fund.

    The bankruptcy price is its only bound (6.7): the bands would keep it from closing when that is needed most.
    """

    origin: ClassVar[TradeOrigin] = "liquidation"
    banded: ClassVar[bool] = False
    __slots__ = ()

    def __init__(self, account: Account, holding: Holding, *, limit: int, lots: int) -> None:
        side = -1 if holding.lots > 0 else 1
        super().__init__(account, holding, side=side, limit=limit, lots=lots, order_id=None, guarded=False)

    def party(self, state: MatchingState, price: int, lots: int) -> Party:  # noqa: ARG002 - the base's form
        """The fee is min(floor(N * f_max), what the fill brings above the bankruptcy price) (R22)."""
        market = self.holding.market
        surplus = (price - self.limit) * -self.side * lots * market.unit
        fee = min(price * lots * market.unit * market.spec.liquidation_fee_ppb // PPB, surplus)
        return Party(self.account, None, fee, market.insurance)

    def cost(self, taking: Party, making: Party) -> int:
        """What the fund gets of the fee: the maker keeps its rebate (R22), out of this fee as out of any other."""
        return taking.fee + min(0, making.fee)


class Takeover(NamedTuple):
    """At which price in ticks a position goes; what the fund paid for it, and what the price's rounding gave the fund.

    deleveraged: lots that went to the other side; waits: why the rest stays, if any does.
    """

    price: int
    paid: int = 0
    fee: int = 0
    deleveraged: int = 0
    waits: str | None = None


def give_up(state: MatchingState, out: Output, account: Account, holding: Holding, now: AccountMargin) -> Takeover:
    """Take the whole position off an account that the book could not help: by the fund, else by the other side (R23).

    Without rules of liquidation nobody is deleveraged: what the fund cannot pay for stays where it is.
    """
    market = holding.market
    price = min(max(1, bankruptcy_price(holding, abs(holding.lots), now)), MAX_PRICE_TICKS)
    value = bankruptcy_value(holding, abs(holding.lots), now)
    if market.spec.liquidation is None:
        return take_over(state, out, account, holding, price, value)
    if fund.bears(state, holding, price):
        fee = _hand_over(state, out, account, holding, price, value)
        return Takeover(price, fee=fee)
    closed, kept = deleverage(state, out, Bankrupt(account, holding, price, value))
    return Takeover(price, fee=kept, deleveraged=closed, waits="no_counterparty" if holding.lots else None)


def take_over(
    state: MatchingState, out: Output, account: Account, holding: Holding, price: int, value: int
) -> Takeover:
    """Move the whole position to the insurance account if the market's fund can bear the loss to the mark (R23).

    The fund pays that loss to the insurance account at once, so that the position starts there at its value. Nothing
    moves when the fund is too small.
    """
    market, lots = holding.market, abs(holding.lots)
    side = 1 if holding.lots > 0 else -1
    loss = max(0, side * (price - market.prices.mark) * lots * market.unit)
    if market.insurance.balance < loss:
        return Takeover(price, waits="fund_short")
    fund.pay(state, out, market, state.open_account(INSURANCE, out.at), loss, "insurance")
    return Takeover(price, loss, _hand_over(state, out, account, holding, price, value))


def _hand_over(state: MatchingState, out: Output, account: Account, holding: Holding, price: int, value: int) -> int:
    """The fund's account takes the position. What the price, rounded to a tick, brings above the bankruptcy value is
    the fund's (R3), and is returned: a bankrupt account leaves with nothing of it.
    """
    market, lots = holding.market, abs(holding.lots)
    side = 1 if holding.lots > 0 else -1
    fee = max(0, side * (price * lots * market.unit - value))
    giver = Party(account, None, fee, market.insurance)
    taker = Party(state.open_account(INSURANCE, out.at), None, 0, state.fees)
    if side > 0:
        execute(state, out, Deal(market, price, lots, "sell", "takeover"), taker, giver)
    else:
        execute(state, out, Deal(market, price, lots, "buy", "takeover"), giver, taker)
    return fee


def cover_deficit(state: MatchingState, out: Output, account: Account, market: Market, *, shared: bool = True) -> int:
    """Pay what an account without positions still owes, as far as the market's fund reaches (R25); returns quanta.

    Collateral pays first: while there is any, the fund does not. What the fund cannot pay is shared by those who have
    a profit in the market (`shared`), if the market has rules of liquidation.
    """
    if account.collateral and account.cash.balance < 0:
        repay(state, out, account)
    if account.cash.balance >= 0 or account.collateral or any(held.lots for held in account.holdings.values()):
        return 0
    paid = max(0, min(-account.cash.balance, market.insurance.balance))
    fund.pay(state, out, market, account, paid, "insurance")
    if shared and market.spec.liquidation is not None:
        socialize(state, out, account, market)
    return paid
