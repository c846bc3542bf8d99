"""A matcher that is a plain list of orders, for accounts so rich that only price, place, size and terms decide."""

from dataclasses import dataclass, field
from typing import Any

Fact = tuple[Any, ...]


@dataclass(eq=False)
class Waiting:
    """An order that rests. `place`: where it stands among those of its price; `filled` and `left` in lots."""

    name: str
    owner: str
    side: int
    price: int
    left: int
    terms: dict[str, Any]
    place: int = 0
    shown: int = 0
    filled: int = 0

    def show(self, place: int) -> None:
        """Go to the end of the level with the next part in sight."""
        self.place, self.shown = place, min(self.terms.get("display") or self.left, self.left)


@dataclass
class Naive:
    """All orders in a list; what happened at each step comes back as facts."""

    orders: list[Waiting] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    places: int = 0

    def begin(self, at: int) -> None:
        """A new step: first of all, what is due expires, the earliest first."""
        self.facts = []
        due = [order for order in self.orders if (order.terms.get("expires_at") or at + 1) <= at]
        for order in sorted(due, key=lambda order: (order.terms["expires_at"], int(order.name))):
            self._close(order, "expired")

    def find(self, name: str) -> Waiting | None:
        """The order that rests under a name."""
        return next((order for order in self.orders if order.name == name), None)

    def place(self, order: Waiting) -> None:
        """A new order."""
        tif = order.terms["time_in_force"]
        if tif == "fok" and self._available(order) < order.left:
            self.facts.append(("rejected", order.name, "fok_not_fillable"))
            return
        self.facts.append(("accepted", order.name))
        self._work(order)

    def amend(self, order: Waiting, price: int, size: int) -> None:
        """Another price, another total size."""
        done = order.terms["size"] - order.left
        if size == order.terms["size"] and price == order.price:
            self.facts.append(("rejected", order.name, "nothing_to_amend"))
            return
        if size <= done:
            self._close(order, "canceled")
            return
        keeps = price == order.price and size < order.terms["size"]
        order.terms["size"], order.left, order.price = size, size - done, price
        self.facts.append(("amended", order.name, price, size, size - done, keeps))
        if keeps:
            order.shown = min(order.shown, order.left)
        else:
            self.orders.remove(order)
            self._work(order)

    def cancel(self, names: list[str]) -> None:
        """Of these, whatever rests."""
        for name in names:
            order = self.find(name)
            if order is not None:
                self._close(order, "canceled")
            else:
                self.facts.append(("rejected", name, "unknown_order"))

    def names_of(self, owner: str) -> list[str]:
        """The names of an owner's orders, oldest first."""
        return sorted((order.name for order in self.orders if order.owner == owner), key=int)

    def depth(self, side: int) -> dict[int, int]:
        """What is to be seen, by price."""
        prices = sorted({order.price for order in self.orders if order.side == side}, reverse=side > 0)
        resting = [order for order in self.orders if order.side == side]
        return {price: sum(order.shown for order in resting if order.price == price) for price in prices}

    def _crossing(self, taker: Waiting) -> list[Waiting]:
        crossing = [
            order for order in self.orders if order.side != taker.side and (order.price - taker.price) * taker.side <= 0
        ]
        return sorted(crossing, key=lambda order: (order.price * taker.side, order.place))

    def _available(self, taker: Waiting) -> int:
        """What can be had up to the first own order, or beside the own ones where these would be removed (R27).

        What an iceberg hides comes after the others of its price, so it counts to the end of its level at most.
        """
        crossing = self._crossing(taker)
        if taker.terms["stp"] == "expire_maker":
            return sum(order.left for order in crossing if order.owner != taker.owner)
        own = next((order for order in crossing if order.owner == taker.owner), None)
        if own is None:
            return sum(order.left for order in crossing)
        before = sum(order.left for order in crossing if order.price * taker.side < own.price * taker.side)
        return before + sum(order.shown for order in crossing if order.price == own.price and order.place < own.place)

    def _work(self, taker: Waiting) -> None:
        stopped = False
        while taker.left and not stopped and (crossing := self._crossing(taker)):
            stopped = self._meet(taker, crossing[0])
        if not taker.left:
            self._end(taker, "self_trade" if taker.terms.get("prevented") else "filled")
        elif stopped:
            self._end(taker, "self_trade")
        elif taker.terms["time_in_force"] in ("ioc", "fok"):
            self._end(taker, "ioc_remainder")
        else:
            self.places += 1
            taker.show(self.places)
            self.orders.append(taker)

    def _meet(self, taker: Waiting, maker: Waiting) -> bool:
        """A fill, or self-trade prevention; whether the taker stops."""
        mode, lots = taker.terms["stp"], min(taker.left, maker.shown)
        if maker.owner == taker.owner:
            if mode == "decrement":
                self._shrink(taker, maker, lots)
                self.facts.append(("prevented", maker.name, taker.name, lots))
                taker.terms["prevented"] = maker.terms["prevented"] = True
                self._after(maker)
                return False
            if mode != "expire_taker":
                self._close(maker, "self_trade")
            return bool(mode != "expire_maker")
        self._shrink(taker, maker, lots)
        taker.filled += lots
        maker.filled += lots
        buyer, seller = (taker, maker) if taker.side > 0 else (maker, taker)
        self.facts.append(("trade", maker.price, lots, buyer.name, seller.name))
        self._after(maker)
        return False

    def _shrink(self, taker: Waiting, maker: Waiting, lots: int) -> None:
        taker.left -= lots
        maker.left -= lots
        maker.shown -= lots

    def _after(self, maker: Waiting) -> None:
        if not maker.left:
            self._close(maker, "self_trade" if maker.terms.get("prevented") else "filled")
        elif not maker.shown:
            self.places += 1
            maker.show(self.places)

    def _close(self, order: Waiting, reason: str) -> None:
        self.orders.remove(order)
        self._end(order, reason)

    def _end(self, order: Waiting, reason: str) -> None:
        self.facts.append(("closed", order.name, reason, order.filled))
