"""The engine as a person would write it down: lists, sorted when something is wanted from them, and unbounded integers.

Orders are numbered 1, 2, 3 in the order of their acceptance; everything else in an event is as the engine says it.
"""

from dataclasses import dataclass, field

from services.matching.domain.positions import realized
from services.matching.engine import records as r
from services.matching.engine.positions import CAP_LOTS, CAP_MONEY, ORDER_LOTS, ORDER_MONEY, PPB

Event = tuple[int, ...]


@dataclass
class Order:
    """One order; `queued` says when it joined the queue that it is in."""

    number: int
    account: int
    flags: int
    price: int
    size: int
    left: int
    trigger: int
    queued: int = 0

    @property
    def side(self) -> int:
        """1 to buy, -1 to sell."""
        return -1 if self.flags & r.SELL else 1

    @property
    def mode(self) -> int:
        """What it does when it meets its own account."""
        return self.flags & r.SELF_TRADE_MODE


@dataclass
class Position:
    """Of one account."""

    lots: int = 0
    cost: int = 0
    realized: int = 0
    fees: int = 0

    def has_room(self, orders: int) -> bool:
        """Whether so many orders more leave it below the caps."""
        lots, money = CAP_LOTS - orders * ORDER_LOTS, CAP_MONEY - orders * ORDER_MONEY
        return abs(self.lots) < lots and abs(self.realized) < money and self.fees < money

    def reducible(self, side: int, lots: int) -> int:
        """How many lots of a trade on this side would reduce it."""
        return min(lots, max(0, -side * self.lots))


@dataclass
class Model:
    """One market."""

    accounts: int
    taker_fee_ppb: int = 0
    maker_fee_ppb: int = 0
    resting: list[Order] = field(default_factory=list)
    stops: list[Order] = field(default_factory=list)
    positions: dict[int, Position] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    traded: list[int] = field(default_factory=list)
    last: int = 0
    numbers: int = 0
    queued: int = 0

    def place(self, account: int, flags: int, price: int, lots: int, trigger: int = 0, tag: int = 0) -> None:
        """A new order."""
        order = Order(self.numbers + 1, account, flags, price, lots, lots, trigger)
        reason = self.refusal(order)
        if reason:
            self.events.append((r.REJECTED, 0, account, reason, price, lots, flags, tag))
            return
        self.numbers += 1
        self.events.append((r.ACCEPTED, order.number, account, flags, price, lots, trigger, tag))
        if trigger and (not self.last or (self.last - trigger) * order.side < 0):
            self.queue(self.stops, order)
            return
        self.execute(order)
        self.fire()

    def cancel(self, account: int, number: int, tag: int = 0) -> None:
        """An order leaves."""
        for orders in (self.resting, self.stops):
            for order in orders:
                if (order.number, order.account) == (number, account):
                    orders.remove(order)
                    self.close(order, r.CANCELED, tag)
                    return
        self.events.append((r.REJECTED, number, account, r.UNKNOWN_ORDER, 0, 0, 0, tag))

    def replace(self, account: int, number: int, price: int, lots: int, tag: int = 0) -> None:
        """An order gets another price and size."""
        live = [order for order in self.resting + self.stops if (order.number, order.account) == (number, account)]
        reason = self.replace_refusal(live[0], price, lots) if live else r.UNKNOWN_ORDER
        if reason:
            self.events.append((r.REJECTED, number, account, reason, price, lots, 0, tag))
            return
        order = live[0]
        left = lots - (order.size - order.left)
        if left <= 0:
            self.resting.remove(order)
            order.price = price
            self.close(order, r.REPLACED_BY_LESS, tag)
            return
        kept = price == order.price and left <= order.left
        order.price, order.size, order.left = price, lots, left
        self.events.append((r.REPLACED, number, account, int(kept), price, lots, left, tag))
        if not kept:
            self.resting.remove(order)
            self.execute(order)
            self.fire()

    def refusal(self, order: Order) -> int:
        """Why a new order is not accepted, in the order in which it is checked."""
        flags, limit = order.flags, ORDER_LOTS
        if not 0 <= order.account < self.accounts:
            return r.BAD_ACCOUNT
        if not 0 < order.size <= limit:
            return r.BAD_LOTS
        if not 0 <= flags <= r.EVERY_FLAG or order.mode > r.ALLOW_SELF_TRADE:
            return r.BAD_FLAGS
        if flags & r.FOK and flags & r.IOC:
            return r.BAD_FLAGS
        if flags & r.POST_ONLY and flags & (r.IOC | r.FOK | r.MARKET | r.STOP):
            return r.BAD_FLAGS
        if (order.price != 0) if flags & r.MARKET else not 0 < order.price <= limit:
            return r.BAD_PRICE
        if (not 0 < order.trigger <= limit) if flags & r.STOP else order.trigger != 0:
            return r.BAD_TRIGGER
        if flags & r.POST_ONLY and self.crossed(order):
            return r.WOULD_CROSS
        nothing = not self.position(order.account).reducible(order.side, 1)
        return r.NOTHING_TO_REDUCE if flags & r.REDUCE_ONLY and not flags & r.STOP and nothing else 0

    def replace_refusal(self, order: Order, price: int, lots: int) -> int:
        """Why an order cannot be replaced."""
        if not 0 < price <= ORDER_LOTS:
            return r.BAD_PRICE
        if not 0 < lots <= ORDER_LOTS:
            return r.BAD_LOTS
        if order in self.stops:
            return r.NOT_TRIGGERED
        moved = Order(0, order.account, order.flags, price, lots, lots, 0)
        return r.WOULD_CROSS if order.flags & r.POST_ONLY and self.crossed(moved) else 0

    def position(self, account: int) -> Position:
        """An account's position."""
        return self.positions.setdefault(account, Position())

    def crossed(self, taker: Order) -> list[Order]:
        """The orders within a taker's limit: best price first, then the longest in the queue."""
        reached = [
            maker
            for maker in self.resting
            if maker.side != taker.side and (taker.flags & r.MARKET or (taker.price - maker.price) * taker.side >= 0)
        ]
        return sorted(reached, key=lambda maker: (maker.price * taker.side, maker.queued))

    def queue(self, orders: list[Order], order: Order) -> None:
        """Last in the queue."""
        self.queued += 1
        order.queued = self.queued
        orders.append(order)

    def close(self, order: Order, reason: int, tag: int = 0) -> None:
        """Say that an order is over."""
        self.events.append((r.CLOSED, order.number, order.account, reason, order.price, order.left, 0, tag))

    def execute(self, order: Order) -> None:
        """Trade, then rest or end."""
        reason = self.take(order) if self.crossed(order) else 0
        if not order.left:
            return
        if not reason and order.flags & r.FOK:
            reason = r.NOT_FILLABLE
        if not reason and order.flags & (r.IOC | r.MARKET):
            reason = r.IOC_REMAINDER
        if not reason and order.flags & r.REDUCE_ONLY and not self.position(order.account).reducible(order.side, 1):
            reason = r.NOTHING_TO_REDUCE
        if reason:
            self.close(order, reason)
        else:
            self.queue(self.resting, order)

    def take(self, taker: Order) -> int:
        """Meet the crossed orders one after the other; returns why it had to stop."""
        position = self.position(taker.account)
        if not position.has_room(1):
            return r.POSITION_CAP
        if taker.flags & r.FOK and not self.is_fillable(taker, self.wanted(taker)):
            return r.NOT_FILLABLE
        while (wanted := self.wanted(taker)) and (crossed := self.crossed(taker)):
            maker = crossed[0]
            lots = min(wanted, maker.left)
            if maker.account == taker.account and taker.mode != r.ALLOW_SELF_TRADE:
                if taker.mode == r.DECREMENT:
                    lots = min(taker.left, maker.left)
                    taker.size, maker.size = taker.size - lots, maker.size - lots
                    self.shrink(r.PREVENTED, taker, maker, lots)
                    continue
                if taker.mode != r.EXPIRE_TAKER:
                    self.drop(maker, r.SELF_TRADE)
                if taker.mode:
                    return r.SELF_TRADE
                continue
            if maker.flags & r.REDUCE_ONLY:
                lots = self.position(maker.account).reducible(maker.side, lots)
            if not lots:
                self.drop(maker, r.NOTHING_TO_REDUCE)
            elif not self.position(maker.account).has_room(1):
                self.drop(maker, r.POSITION_CAP)
            else:
                self.fill(taker.account, taker.side * lots, maker.price, self.taker_fee_ppb)
                self.fill(maker.account, maker.side * lots, maker.price, self.maker_fee_ppb)
                self.last = maker.price
                self.traded.append(maker.price)
                self.shrink(r.TRADE, taker, maker, lots)
        return 0

    def wanted(self, taker: Order) -> int:
        """How many lots it may trade."""
        cut = taker.flags & r.REDUCE_ONLY
        return self.position(taker.account).reducible(taker.side, taker.left) if cut else taker.left

    def is_fillable(self, taker: Order, wanted: int) -> bool:
        """Whether so much is certain to trade."""
        certain = 0
        for maker in self.crossed(taker):
            if maker.account == taker.account and taker.mode != r.ALLOW_SELF_TRADE:
                if taker.mode:
                    break
            elif not maker.flags & r.REDUCE_ONLY and self.position(maker.account).has_room(2):
                certain += maker.left
                if certain >= wanted:
                    return True
        return False

    def shrink(self, kind: int, taker: Order, maker: Order, lots: int) -> None:
        """Take lots off both."""
        taker.left -= lots
        maker.left -= lots
        accounts = taker.account << 32 | maker.account
        self.events.append((kind, taker.number, maker.number, maker.price, lots, taker.left, maker.left, accounts))
        if not maker.left:
            self.resting.remove(maker)

    def drop(self, maker: Order, reason: int) -> None:
        """A resting order must go."""
        self.resting.remove(maker)
        self.close(maker, reason)

    def fill(self, account: int, lots: int, price: int, fee_ppb: int) -> None:
        """One side of a trade, by the sequencer's own rule (R5), fee rounded up."""
        position, flow = self.position(account), -lots * price
        profit = realized(position.lots, position.cost, lots, flow)
        position.lots += lots
        position.cost += flow - profit
        position.realized += profit
        position.fees += -(-abs(flow) * fee_ppb // PPB)

    def fire(self) -> None:
        """Execute the stops that this command's trades have reached."""
        while self.traded:
            high, low = max(self.traded), min(self.traded)
            buys = [stop for stop in self.stops if stop.side > 0 and stop.trigger <= high]
            sells = [stop for stop in self.stops if stop.side < 0 and stop.trigger >= low]
            reached = sorted(buys, key=lambda stop: (stop.trigger, stop.queued)) + sorted(
                sells, key=lambda stop: (-stop.trigger, stop.queued)
            )
            if not reached:
                self.traded = []
                break
            stop = reached[0]
            self.stops.remove(stop)
            self.events.append((r.TRIGGERED, stop.number, stop.account, self.last, stop.price, stop.left, 0, 0))
            self.execute(stop)
