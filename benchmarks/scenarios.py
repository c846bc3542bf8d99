"""A market full of conditional orders, and the ways its price may go."""

import itertools
import time
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from cleartide.contracts import (
    AmendInstruction,
    CancelAllOrders,
    Deposit,
    FundInsurance,
    ListMarket,
    Message,
    PlaceOrder,
    SubmitOrders,
    UpdateIndexPrice,
)

from deploy.local.sandbox.market import INSURANCE, MARKET, SPEC

ARMED: Final = 10_000
ACCOUNTS: Final = tuple(f"trader-{number:04}" for number in range(1_000))
MAKER: Final = "maker"
MID_TICKS: Final = 618_000
NEAREST: Final = 0.0005
FARTHEST: Final = 0.25
STEPS: Final = 200
PER_SECOND: Final = 20
CALM_TICKS: Final = 20
QUOTE_TICKS: Final = 20
TYPES: Final = ("stop_market", "take_profit_market", "stop_limit", "trailing_stop")


class Venue:
    """The commands of one benchmark, in the order in which they are to be sent."""

    def __init__(self, seed: int, mid: int = MID_TICKS, index_after: int = 0) -> None:
        """`mid` in ticks; `index_after`: the last number that an index price has had."""
        self._seed, self._random, self.mid = seed, Random(seed), mid
        self._numbers, self._index_numbers = itertools.count(1), itertools.count(index_after + 1)

    def opening(self) -> Iterator[Message]:
        """The market with its first price, collateral for every account, and a maker with one order on each side."""
        yield ListMarket(**self._envelope("operator"), spec=SPEC)
        yield FundInsurance(**self._envelope("operator"), market=MARKET, amount=INSURANCE)
        yield self.price(self.mid)
        for account, amount in ((MAKER, "100000000"), *((account, "100000") for account in ACCOUNTS)):
            yield Deposit(**self._envelope(), account=account, asset="USDC", amount=amount)
        for side in (1, -1):
            price = _text(self.mid - side * QUOTE_TICKS)
            yield self._order(MAKER, side, _QUOTES[side], "limit", "500", price=price)

    def arming(self) -> Iterator[Message]:
        """Away with what is left, then ARMED orders around the price as it is now."""
        for account in ACCOUNTS:
            yield CancelAllOrders(**self._envelope(), account=account)
        for number in range(ARMED):
            yield self._conditional(ACCOUNTS[number % len(ACCOUNTS)])

    def price(self, mid: int) -> UpdateIndexPrice:
        """The index says this, in ticks."""
        self.mid = mid
        envelope = {**self._envelope("ingestor"), "seq": next(self._index_numbers)}
        return UpdateIndexPrice(**envelope, market=MARKET, price=_text(mid), sources=())

    def quotes(self, rising: bool) -> SubmitOrders:
        """The maker follows: the side that moves away from the other first, both filled up again."""
        sides = (-1, 1) if rising else (1, -1)
        instructions = tuple(
            AmendInstruction(action="amend", client_order_id=_QUOTES[side], price=_text(self.mid - side * QUOTE_TICKS))
            for side in sides
        )
        return SubmitOrders(**self._envelope(), account=MAKER, market=MARKET, instructions=instructions)

    def _conditional(self, account: str) -> PlaceOrder:
        order_type, side = self._random.choice(TYPES), self._random.choice((1, -1))
        share = self._random.uniform(NEAREST, FARTHEST)
        terms: dict[str, Any] = {"trigger_source": self._random.choice(("mark", "index"))}
        if order_type == "trailing_stop":
            terms["trail_rate_ppb"] = int(share * 1e9)
        else:
            way = -side if order_type == "take_profit_market" else side
            trigger = round(self.mid * (1 + way * share))
            terms["trigger_price"] = _text(trigger)
            if order_type == "stop_limit":
                terms["price"] = _text(trigger + side * trigger // 100)
        size = f"0.{self._random.randint(1, 20):03}"
        return self._order(account, side, None, order_type, size, **terms)

    def _order(self, account: str, side: int, name: str | None, order_type: Any, size: str, **terms: Any) -> PlaceOrder:
        envelope = self._envelope()
        return PlaceOrder(
            **envelope,
            account=account,
            market=MARKET,
            client_order_id=name or envelope["id"],
            side="buy" if side > 0 else "sell",
            order_type=order_type,
            size=size,
            **terms,
        )

    def _envelope(self, source: str = "trader") -> dict[str, Any]:
        identity = f"{source}-{self._seed}-{next(self._numbers)}"
        return {"id": identity, "occurred_at": time.time_ns() // 1000, "source": source}


_QUOTES: Final = {1: "maker-bid", -1: "maker-ask"}


def trend(mid: int, random: Random) -> Iterator[int]:
    """Four percent up in two hundred even steps."""
    for step in range(1, STEPS + 1):
        yield mid + mid * 4 * step // (100 * STEPS) + random.randint(-2, 2)


def spike(mid: int, random: Random) -> Iterator[int]:
    """Calm, but each tenth price is 0.2 % further away than the one before it on that side, and back at once."""
    for step in range(STEPS):
        number, place = divmod(step, 10)
        reach = mid * (number // 2 + 1) // 500
        yield mid + (reach if number % 2 else -reach) if place == 9 else _calm(mid, random)


def gap(mid: int, random: Random) -> Iterator[int]:
    """Calm, but five times the price jumps into half a percent that it has not seen, and stays."""
    level = mid
    for step in range(STEPS):
        number, place = divmod(step, STEPS // 5)
        if place == STEPS // 10:
            level = mid + (1 if number % 2 else -1) * mid * (number // 2 + 1) // 200
        yield _calm(level, random)


def crash(mid: int, random: Random) -> Iterator[int]:
    """Calm, then five percent down at one stroke: more than a thousand orders by one price."""
    for step in range(STEPS // 4):
        yield _calm(mid if step < STEPS // 8 else mid * 95 // 100, random)


SCENARIOS: Final = {"trend": trend, "spike": spike, "gap": gap, "crash": crash}


def _calm(mid: int, random: Random) -> int:
    return mid + random.randint(-CALM_TICKS, CALM_TICKS)


def _text(ticks: int) -> str:
    return f"{ticks // 10}.{ticks % 10}"
