"""Commands of a small venue, good and bad, from the world's generator."""

import json
from collections.abc import Iterator
from typing import Any

from cleartide.contracts import Deposit, FundInsurance, ListMarket, PlaceOrder, ReportTrade, UpdateIndexPrice, Withdraw
from cleartide.contracts.base import Message
from cleartide.contracts.codec import encode
from cleartide.contracts.types import Side

from deploy.local.sandbox.market import MARKET, SPEC
from tests.simulation.world import World

ACCOUNTS = tuple(f"a{number}" for number in range(6))
START_TICKS = 618_000


class Script:
    """Makes (subject, payload) pairs; a fifth of them are broken, repeated or refused."""

    def __init__(self, world: World) -> None:
        self._world, self._random = world, world.random
        self._number, self._prices, self._ticks = 0, 0, START_TICKS
        self._said: list[tuple[str, bytes]] = []

    def commands(self, count: int) -> Iterator[tuple[str, bytes]]:
        """The opening, then `count` random commands."""
        yield self._say(ListMarket(**self._envelope("operator"), spec=SPEC))
        yield self._say(FundInsurance(**self._envelope("operator"), market=MARKET, amount="100000"))
        yield self._price(START_TICKS)
        for account in ACCOUNTS:
            yield self._deposit(account, "900")
        for _ in range(count):
            yield self._one()

    def _envelope(self, source: str = "sim") -> dict[str, Any]:
        self._number += 1
        return {"id": f"{source}-{self._number}", "occurred_at": self._world.now, "source": source}

    def _say(self, message: Message) -> tuple[str, bytes]:
        self._said.append((message.subject, encode(message)))
        return self._said[-1]

    def _price(self, ticks: int | None) -> tuple[str, bytes]:
        self._prices += 1
        text = None if ticks is None else f"{ticks // 10}.{ticks % 10}"
        envelope = {**self._envelope("ingestor"), "seq": self._prices}
        return self._say(UpdateIndexPrice(**envelope, market=MARKET, price=text, sources=()))

    def _deposit(self, account: str, amount: str) -> tuple[str, bytes]:
        return self._say(Deposit(**self._envelope(), account=account, asset="USDC", amount=amount))

    def _one(self) -> tuple[str, bytes]:
        choose = self._random.random()
        account, other = self._random.sample(ACCOUNTS, 2)
        if choose < 0.22:
            # A market that moves by up to half a percent a step brings liquidations within one history.
            self._ticks += self._random.randint(-3_000, 3_000)
            return self._price(None if choose < 0.01 else self._ticks)
        if choose < 0.5:
            return self._order(account)
        if choose < 0.75:
            return self._trade(*self._random.choice(((account, other), (account, None), (None, account))))
        if choose < 0.8:
            return self._say(Withdraw(**self._envelope(), account=account, asset="USDC", amount="30"))
        if choose < 0.85:
            return self._deposit(account, f"{self._random.randint(1, 99)}.5")
        return self._bad()

    def _order(self, account: str) -> tuple[str, bytes]:
        side: Side = "buy" if self._random.random() < 0.5 else "sell"
        ticks = self._ticks + self._random.randint(-400, 400)
        market_order = self._random.random() < 0.3
        envelope = self._envelope()
        kind: dict[str, Any] = (
            {"order_type": "market", "time_in_force": "ioc"}
            if market_order
            else {"order_type": "limit", "price": f"{ticks // 10}.{ticks % 10}"}
        )
        return self._say(
            PlaceOrder(
                **envelope,
                account=account,
                market=MARKET,
                client_order_id=envelope["id"],
                side=side,
                size=f"0.{self._random.randint(1, 400):03}",
                **kind,
            )
        )

    def _trade(self, buyer: str | None, seller: str | None) -> tuple[str, bytes]:
        ticks, envelope = self._ticks + self._random.randint(-60, 60), self._envelope("engine")
        return self._say(
            ReportTrade(
                **envelope,
                market=MARKET,
                trade_id=envelope["id"],
                price=f"{ticks // 10}.{ticks % 10}",
                size=f"0.{self._random.randint(1, 500):03}",
                buyer=buyer,
                seller=seller,
                executed_at=envelope["occurred_at"],
            )
        )

    def _bad(self) -> tuple[str, bytes]:
        """A repeat of something external, something malformed, or something that no market allows."""
        choose = self._random.random()
        if choose < 0.4:
            repeatable = [said for said in self._said if not said[0].startswith("prices.")]
            return self._random.choice(repeatable)
        if choose < 0.7:
            return "trades.BTC-PERP", self._random.randbytes(12)
        body = {**self._envelope(), "type": "Withdraw", "version": 1, "account": "a0", "asset": "USDC"}
        return "transfers.a0", json.dumps({**body, "amount": self._random.choice(["-1", "NaN", "1e9"])}).encode()
