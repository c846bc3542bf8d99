"""The matching loop: a taker trades against the other side, best price first, the oldest order of a price first."""

from typing import ClassVar

from cleartide.contracts import TradeOrigin
from cleartide.contracts.types import Side
from cleartide.money import PPB, ceil_div

from services.matching.domain.accounts import Account, Holding
from services.matching.domain.book import Order
from services.matching.domain.margin import allows_fill
from services.matching.domain.output import Output
from services.matching.domain.resting import close, take
from services.matching.domain.settlement import Deal, Party, execute
from services.matching.domain.state import MatchingState
from services.matching.domain.venue.fills import Barred, fillable


class Taker:
    """Who takes: side +1 or -1, limit in ticks, lots still wanted, and the order behind it if there is one.

    guarded: the order was not funded in full at entry, so each fill must by itself leave the account safe (3.11).
    """

    origin: ClassVar[TradeOrigin] = "book"
    banded: ClassVar[bool] = True
    __slots__ = ("account", "guarded", "holding", "limit", "order_id", "remaining", "side")

    def __init__(
        self,
        account: Account,
        holding: Holding,
        *,
        side: int,
        limit: int,
        lots: int,
        order_id: int | None,
        guarded: bool,
    ) -> None:
        self.account, self.holding = account, holding
        self.side, self.limit, self.remaining = side, limit, lots
        self.order_id, self.guarded = order_id, guarded

    def party(self, state: MatchingState, price: int, lots: int) -> Party:
        """The taker's side of a fill, with the taker fee, rounded up (R6)."""
        market = self.holding.market
        fee = ceil_div(price * lots * market.unit * market.taker_fee_ppb, PPB)
        return Party(self.account, self.order_id, fee, state.fees)


def sweep(state: MatchingState, out: Output, taker: Taker) -> str | None:
    """Trade until the taker has enough or nothing crosses. A reason is returned when the taker had to stop early.

    Resting orders that may not trade leave the book on the way: the taker's own (R29), reduce-only ones with
    nothing to reduce (R30), those outside the bands or caps (R31, R32), and those whose account the fill would leave
    short of margin (3.11).
    """
    half = taker.holding.market.book.half(-taker.side)
    while taker.remaining:
        maker = half.best_order
        if maker is None or (maker.price - taker.limit) * taker.side > 0:
            return None
        owner = state.accounts[maker.account]
        if owner.root == taker.account.root:
            close(state, out, maker, "self_trade")
            continue
        holding = state.holding(owner, taker.holding.market)
        lots = min(taker.remaining, maker.remaining)
        if maker.reduce_only:
            lots = min(lots, max(0, -maker.side * holding.lots))
            if not lots:
                close(state, out, maker, "reduce_only")
                continue
        allowed = fillable(taker.holding, holding, taker.side, maker.price, lots, banded=taker.banded)
        if isinstance(allowed, Barred):
            if not allowed.maker:
                return allowed.reason
            close(state, out, maker, allowed.reason)
            continue
        lots = allowed
        party = _maker(state, owner, holding, maker, lots)
        if isinstance(party, str):
            close(state, out, maker, party)
            continue
        taking = taker.party(state, maker.price, lots)
        if taker.guarded and not allows_fill(taker.account, taker.holding, taker.side * lots, maker.price, taking.fee):
            return "insufficient_margin"
        _trade(state, out, taker, taking, maker, party, lots)
    return None


def _maker(state: MatchingState, owner: Account, holding: Holding, maker: Order, lots: int) -> Party | str:
    """The maker's side of a fill, or the reason why its order may not trade."""
    market = holding.market
    quote = maker.price * lots * market.unit
    fee = ceil_div(quote * market.maker_fee_ppb, PPB)
    if not owner.fits(holding, quote):
        return "balance_cap"
    if not allows_fill(owner, holding, maker.side * lots, maker.price, fee):
        return "insufficient_margin"
    return Party(owner, maker.order_id, fee, state.fees)


def _trade(
    state: MatchingState, out: Output, taker: Taker, taking: Party, maker: Order, making: Party, lots: int
) -> None:
    side: Side = "buy" if taker.side > 0 else "sell"
    deal = Deal(taker.holding.market, maker.price, lots, side, taker.origin)
    take(state, maker, lots)
    taker.remaining -= lots
    if taker.side > 0:
        execute(state, out, deal, taking, making)
    else:
        execute(state, out, deal, making, taking)
    if not maker.remaining:
        close(state, out, maker, "filled")
