"""The last resort: the insurance fund takes a position at its bankruptcy price (domain rules R22, R23 and R25)."""

from typing import ClassVar, NamedTuple

from cleartide.contracts import TradeOrigin, TransferApplied
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


class Takeover(NamedTuple):
    """At which price in ticks the fund takes a position; what it paid for it, and what the price's rounding gave it."""

    price: int
    paid: int
    fee: int


def take_over(state: MatchingState, out: Output, account: Account, holding: Holding, now: AccountMargin) -> Takeover:
    """Move the whole position to the insurance account if the market's fund can bear the loss to the mark (R23).

    The fund pays that loss to the insurance account at once, so that the position starts there at its value. What the
    price, rounded to a tick, brings above the bankruptcy value is the fund's (R3): a bankrupt account leaves with
    nothing of it. Nothing moves when the fund is too small.
    """
    market, lots = holding.market, abs(holding.lots)
    side = 1 if holding.lots > 0 else -1
    price = min(max(1, bankruptcy_price(holding, lots, now)), MAX_PRICE_TICKS)
    loss = max(0, side * (price - market.prices.mark) * lots * market.unit)
    if market.insurance.balance < loss:
        return Takeover(price, 0, 0)
    fee = max(0, side * (price * lots * market.unit - bankruptcy_value(holding, lots, now)))
    fund = state.open_account(INSURANCE, out.at)
    _pay(state, out, market, fund, loss)
    giver, taker = Party(account, None, fee, market.insurance), Party(fund, None, 0, state.fees)
    if side > 0:
        execute(state, out, Deal(market, price, lots, "sell", "takeover"), taker, giver)
    else:
        execute(state, out, Deal(market, price, lots, "buy", "takeover"), giver, taker)
    return Takeover(price, loss, fee)


def cover_deficit(state: MatchingState, out: Output, account: Account, market: Market) -> int:
    """Pay what an account without positions still owes, as far as the market's fund reaches (R25); returns quanta.

    Collateral pays first: while there is any, the fund does not.
    """
    if account.collateral and account.cash.balance < 0:
        repay(state, out, account)
    if account.cash.balance >= 0 or account.collateral or any(held.lots for held in account.holdings.values()):
        return 0
    paid = max(0, min(-account.cash.balance, market.insurance.balance))
    _pay(state, out, market, account, paid)
    return paid


def _pay(state: MatchingState, out: Output, market: Market, account: Account, amount: int) -> None:
    if amount:
        state.ledger.move("insurance", market.insurance, account.cash, amount)
        out.emit(
            TransferApplied,
            account=account.name,
            amount_quanta=amount,
            cash_quanta=account.cash.balance,
            kind="insurance",
            counterparty=market.id,
        )
        state.treasury.log.moved(out.at, account.name, account.cash.asset, "insurance", amount, market.id)
