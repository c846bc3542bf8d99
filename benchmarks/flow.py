"""A venue's order flow, drawn from a seed: limit adds, cancels of what rests, marketable orders, over 1,000 accounts.

The mix and the distances from the best price are those of a well-known synthetic flow: 55 % adds whose distance falls
off as a power law, 35 % cancels of a uniformly drawn resting order, 10 % orders that trade at once. The index wanders
by a tick or two and is said again every few hundred commands, as an ingestor would.
"""

import itertools
import time
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from cleartide.contracts import (
    CancelOrder,
    Deposit,
    FundInsurance,
    ListMarket,
    Message,
    PlaceOrder,
    UpdateIndexPrice,
)

from deploy.local.sandbox.market import INSURANCE, MARKET, SPEC

ACCOUNTS: Final = 1_000
MID_TICKS: Final = 618_000
DEEPEST_TICKS: Final = 700
MOST_LOTS: Final = 100
COLLATERAL: Final = "250000"
COMMANDS_PER_INDEX: Final = 250
ADDS: Final = 0.55
CANCELS: Final = 0.90


class Flow:
    """Commands in the order in which they are to be sent."""

    def __init__(self, seed: int = 20240601, index_after: int = 0, accounts: int = ACCOUNTS) -> None:
        """`index_after`: the last number that an index price had before this flow."""
        self._seed, self._random = seed, Random(seed)
        self._accounts = tuple(f"trader-{number:04}" for number in range(accounts))
        self._numbers, self._index_numbers = itertools.count(1), itertools.count(index_after + 1)
        self._mid = MID_TICKS
        self._resting: list[tuple[str, str]] = []

    def opening(self, book: int) -> Iterator[Message]:
        """The market, its insurance and first price, collateral for every account, and so many resting orders."""
        yield ListMarket(**self._envelope("operator"), spec=SPEC)
        yield FundInsurance(**self._envelope("operator"), market=MARKET, amount=INSURANCE)
        yield self._index()
        for account in self._accounts:
            yield Deposit(**self._envelope(), account=account, asset="USDC", amount=COLLATERAL)
        for _ in range(book):
            yield self._add()

    def commands(self, count: int) -> Iterator[Message]:
        """So many commands of the mix, index prices among them."""
        for number in range(count):
            yield self._index() if number % COMMANDS_PER_INDEX == 0 else self._command()

    def _command(self) -> Message:
        draw = self._random.random()
        if draw < ADDS or not self._resting:
            return self._add()
        if draw < CANCELS:
            return self._cancel()
        side = self._random.choice((1, -1))
        price = self._mid + side * DEEPEST_TICKS
        return self._order(side, price, self._random.randint(1, 2 * MOST_LOTS), time_in_force="ioc")

    def _add(self) -> PlaceOrder:
        distance = DEEPEST_TICKS
        while distance >= DEEPEST_TICKS:
            distance = int((1 - self._random.random()) ** -2)
        side = self._random.choice((1, -1))
        order = self._order(side, self._mid - side * distance, self._random.randint(1, MOST_LOTS))
        self._resting.append((order.account, order.client_order_id))
        return order

    def _cancel(self) -> CancelOrder:
        place = self._random.randrange(len(self._resting))
        self._resting[place], self._resting[-1] = self._resting[-1], self._resting[place]
        account, client_order_id = self._resting.pop()
        return CancelOrder(**self._envelope(), account=account, market=MARKET, client_order_id=client_order_id)

    def _order(self, side: int, ticks: int, lots: int, **options: Any) -> PlaceOrder:
        envelope = self._envelope()
        return PlaceOrder(
            **envelope,
            account=self._random.choice(self._accounts),
            market=MARKET,
            client_order_id=envelope["id"],
            side="buy" if side > 0 else "sell",
            order_type="limit",
            price=f"{ticks // 10}.{ticks % 10}",
            size=f"{lots // 1000}.{lots % 1000:03}",
            **options,
        )

    def _index(self) -> UpdateIndexPrice:
        self._mid += self._random.randint(-2, 2)
        envelope = {**self._envelope("ingestor"), "seq": next(self._index_numbers)}
        price = f"{self._mid // 10}.{self._mid % 10}"
        return UpdateIndexPrice(**envelope, market=MARKET, price=price, sources=())

    def _envelope(self, source: str = "trader") -> dict[str, Any]:
        identity = f"{source}-{self._seed}-{next(self._numbers)}"
        return {"id": identity, "occurred_at": time.time_ns() // 1000, "source": source}
