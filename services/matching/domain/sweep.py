"""The matching loop: a taker meets the other side, best price first, the first order of a price first.

It is the loop of every floor: the book, copies of it, an auction's quotes. The packed engine has its own, over rows,
held to the same meetings by test (docs/adr/0029).
"""

from typing import ClassVar, Protocol

from cleartide.contracts import TradeOrigin
from cleartide.contracts.types import SelfTradePrevention, Side
from cleartide.rules.accounts import INSURANCE

from services.matching.domain.accounts import Account, Holding, stp_group
from services.matching.domain.book import Order
from services.matching.domain.fees.charging import making_party, shared, taking_party
from services.matching.domain.margin import allows_fill
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.resting import close, finish, take
from services.matching.domain.self_trade import REASON, shrink_maker
from services.matching.domain.settlement import Deal, Party, execute
from services.matching.domain.state import MatchingState
from services.matching.domain.venue.fills import Barred, fillable


class Taker:
    """Who takes: side +1 or -1, limit in ticks, lots still wanted, and the order behind it if there is one.

    guarded: the order was not funded in full at entry, so each fill must by itself leave the account safe (3.11).
    filled, prevented, quote and fees: what came of it so far, in lots and quanta.
    """

    origin: ClassVar[TradeOrigin] = "book"
    banded: ClassVar[bool] = True
    __slots__ = (
        "account",
        "fees",
        "filled",
        "guarded",
        "holding",
        "limit",
        "order_id",
        "prevented",
        "prevention",
        "quote",
        "reduce_only",
        "remaining",
        "side",
    )

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
        reduce_only: bool = False,
        prevention: SelfTradePrevention = "expire_maker",
    ) -> None:
        self.account, self.holding = account, holding
        self.side, self.limit, self.remaining = side, limit, lots
        self.order_id, self.guarded = order_id, guarded
        self.reduce_only, self.prevention = reduce_only, prevention
        self.filled = self.prevented = self.quote = self.fees = 0

    @property
    def wanted(self) -> int:
        """Lots that it would still take: a reduce-only one no more than the position (R30)."""
        if self.reduce_only:
            return min(self.remaining, max(0, -self.side * self.holding.lots))
        return self.remaining

    def party(self, state: MatchingState, price: int, lots: int) -> Party:
        """The taker's side of a fill, with the taker fee, rounded up (R6)."""
        market = self.holding.market
        return taking_party(state, self.account, self.order_id, market, price * lots * market.unit)

    def cost(self, taking: Party, making: Party) -> int:  # noqa: ARG002 - for takers whose fee pays the rebate
        """What a fill counts for in `fees`."""
        return taking.fee

    def took(self, price: int, lots: int, fee: int) -> None:
        """Note a fill."""
        self.remaining -= lots
        self.filled += lots
        self.quote += price * lots * self.holding.market.unit
        self.fees += fee

    def gave_up(self, lots: int) -> None:
        """Note lots that self-trade prevention took off."""
        self.remaining -= lots
        self.prevented += lots


def taker_of(account: Account, holding: Holding, order: Order, guarded: bool) -> Taker:
    """The order as a taker, for this account and what it holds in the order's market."""
    return Taker(
        account,
        holding,
        side=order.side,
        limit=order.price,
        lots=order.remaining,
        order_id=order.order_id,
        guarded=guarded,
        reduce_only=order.reduce_only,
        prevention=order.prevention,
    )


class Floor(Protocol):
    """Where a taker meets makers: the book itself, or a rehearsal on copies. One taker's way over it is one walk."""

    def best(self) -> Order | None:
        """The next maker: it stays until it is dropped or shows nothing more."""
        ...

    def account(self, name: str) -> Account:
        """Who stands behind a maker."""
        ...

    def holding(self, account: Account) -> Holding:
        """What they hold in this market."""
        ...

    def drop(self, maker: Order, reason: str) -> None:
        """The maker may not trade and leaves the book."""
        ...

    def prevent(self, taker: Taker, maker: Order, lots: int) -> None:
        """Both shrink without a trade."""
        ...

    def trade(self, taker: Taker, taking: Party, maker: Order, making: Party, lots: int) -> None:
        """Both trade at the maker's price."""
        ...


def sweep(state: MatchingState, out: Output, taker: Taker) -> str | None:
    """Trade until the taker has enough or nothing crosses. A reason is returned when the taker had to stop early."""
    return meet(state, out, BookFloor(state, out, taker), taker)


def meet(state: MatchingState, out: Output, floor: Floor, taker: Taker) -> str | None:
    """Trade on a floor that is not the book alone; as `sweep`."""
    stop = walk(state, floor, taker)
    cancel_others(state, out)
    return stop


def cancel_others(state: MatchingState, out: Output) -> None:
    """Of each group in which an order has traded, close the others (12.7)."""
    conditional = state.conditional
    for order in conditional.spent:
        if order.order_id in conditional.groups:
            close(state, out, order, "oco")
    conditional.spent.clear()


def walk(state: MatchingState, floor: Floor, taker: Taker) -> str | None:
    """The rule of meeting, which changes nothing but through the floor; `sweep` says what is returned.

    Resting orders that may not trade leave the book on the way: the taker's own (R29), reduce-only ones with
    nothing to reduce (R30), those outside the bands or caps (R31, R32), those whose account the fill would leave short
    of margin (3.11), and those of whose group another has just traded (12.7). A reduce-only taker goes on while there
    is something left to reduce.
    """
    groups = state.conditional.groups
    gone: set[int] = set()
    group = stp_group(taker.account)
    while wanted := taker.wanted:
        maker = floor.best()
        if maker is None or (maker.price - taker.limit) * taker.side > 0:
            return None
        if maker.order_id in gone:
            floor.drop(maker, "oco")
            continue
        owner = floor.account(maker.account)
        if stp_group(owner) == group:
            if _ends_at_own(floor, taker, maker):
                return REASON
            continue
        holding = floor.holding(owner)
        lots = min(wanted, maker.shown)
        if maker.reduce_only:
            lots = min(lots, max(0, -maker.side * holding.lots))
            if not lots:
                floor.drop(maker, "reduce_only")
                continue
        allowed = fillable(taker.holding, holding, taker.side, maker.price, lots, banded=taker.banded)
        if isinstance(allowed, Barred):
            if not allowed.maker:
                return allowed.reason
            floor.drop(maker, allowed.reason)
            continue
        lots = allowed
        taking = taker.party(state, maker.price, lots)
        making = _maker(state, owner, holding, maker, lots, taking)
        if isinstance(making, str):
            floor.drop(maker, making)
            continue
        if taker.guarded and not allows_fill(taker.account, taker.holding, taker.side * lots, maker.price, taking.fee):
            return "insufficient_margin"
        for order_id in (maker.order_id, taker.order_id):
            if order_id in groups:
                gone.update(other.order_id for other in groups.others(order_id))
        floor.trade(taker, shared(taking, making), maker, making, lots)
    return None


def _ends_at_own(floor: Floor, taker: Taker, maker: Order) -> bool:
    """Self-trade prevention by the incoming order's mode (R29); True: the taker goes no further."""
    if taker.prevention == "decrement":
        floor.prevent(taker, maker, min(taker.remaining, maker.shown))
        return False
    if taker.prevention != "expire_taker":
        floor.drop(maker, REASON)
    return taker.prevention != "expire_maker"


def _maker(
    state: MatchingState, owner: Account, holding: Holding, maker: Order, lots: int, taking: Party
) -> Party | str:
    """The maker's side of a fill, or the reason why its order may not trade; the fund reduces whatever it is worth."""
    market = holding.market
    quote = maker.price * lots * market.unit
    making = making_party(state, owner, maker.order_id, market, quote, taking)
    if not owner.fits(holding, quote):
        return "balance_cap"
    if owner.name != INSURANCE and not allows_fill(owner, holding, maker.side * lots, maker.price, making.fee):
        return "insufficient_margin"
    return making


class BookFloor:
    """The floor where everything happens."""

    __slots__ = ("_half", "_market", "_out", "_state")

    def __init__(self, state: MatchingState, out: Output, taker: Taker) -> None:
        self._state, self._out = state, out
        self._market: Market = taker.holding.market
        self._half = self._market.book.half(-taker.side)

    def best(self) -> Order | None:
        return self._half.best_order

    def account(self, name: str) -> Account:
        return self._state.accounts[name]

    def holding(self, account: Account) -> Holding:
        return self._state.holding(account, self._market)

    def drop(self, maker: Order, reason: str) -> None:
        close(self._state, self._out, maker, reason)

    def prevent(self, taker: Taker, maker: Order, lots: int) -> None:
        taker.gave_up(lots)
        shrink_maker(self._state, self._out, maker, lots, taker.order_id, taker.remaining)

    def trade(self, taker: Taker, taking: Party, maker: Order, making: Party, lots: int) -> None:
        take(self._state, maker, lots, maker.price * lots * self._market.unit)
        self._deal(taker, taking, maker.price, making, lots)
        if not maker.remaining:
            finish(self._state, self._out, maker)

    def _deal(self, taker: Taker, taking: Party, price: int, making: Party, lots: int) -> None:
        side: Side = "buy" if taker.side > 0 else "sell"
        taker.took(price, lots, taker.cost(taking, making))
        buyer, seller = (taking, making) if taker.side > 0 else (making, taking)
        execute(self._state, self._out, Deal(self._market, price, lots, side, taker.origin), buyer, seller)
