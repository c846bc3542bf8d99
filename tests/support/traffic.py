"""Commands as outsiders and services send them, in an order from a seed, each published until it is acknowledged."""

import asyncio
import itertools
import json
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any

from cleartide.contracts import (
    CancelOrder,
    Deposit,
    FundInsurance,
    ListMarket,
    Message,
    PlaceOrder,
    ReportTrade,
    UpdateIndexPrice,
    VenueTicker,
    VenueTrade,
    Withdraw,
)
from cleartide.contracts.codec import encode
from nats.aio.client import Client
from nats.errors import Error as NatsError

from deploy.local.sandbox.market import MARKET, SPEC
from services.ingestor.settings import SANDBOX_VENUE

START_TICKS = 618_000
ACCOUNTS = tuple(f"acct-{number:02}" for number in range(24))


def price_text(ticks: int) -> str:
    """Ticks of 0.1 as text."""
    return f"{ticks // 10}.{ticks % 10}"


def size_text(lots: int) -> str:
    """Lots of 0.001 as text."""
    return f"{lots // 1000}.{lots % 1000:03}"


async def publish_surely(client: Client, message: Message, attempts: int = 200) -> int:
    """Publish until acknowledged; the same id is stored once. Returns the stream sequence."""
    headers = {"Nats-Msg-Id": f"{message.source}.{message.id}"}
    for _ in range(attempts):
        try:
            reply = await client.request(message.subject, encode(message), timeout=2, headers=headers)
        except (NatsError, OSError, TimeoutError):
            await asyncio.sleep(0.05)
            continue
        answer: dict[str, Any] = json.loads(reply.data)
        if "error" not in answer:
            return int(answer["seq"])
        await asyncio.sleep(0.05)
    raise AssertionError(f"{message.subject} was never acknowledged")


@dataclass
class Traffic:
    """A venue's day in small: deposits, orders, outside trades, prices that wander and sometimes fall."""

    client: Client
    seed: int = 1
    accounts: tuple[str, ...] = ACCOUNTS
    mark_ticks: int = START_TICKS
    trade_ids: list[str] = field(default_factory=list)
    sending: list[str] = field(default_factory=list)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _index_seq: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def _envelope(self, source: str = "tests") -> dict[str, Any]:
        return {
            "id": f"{source}-{self.seed}-{next(self._ids)}",
            "occurred_at": time.time_ns() // 1000,
            "source": source,
        }

    async def send(self, message: Message) -> int:
        """Publish one command until acknowledged."""
        return await publish_surely(self.client, message)

    async def open_market(self, insurance: str = "1000000") -> None:
        """List the market, fund its insurance, set a first price and give every account collateral."""
        await self.send(ListMarket(**self._envelope("operator"), spec=SPEC))
        await self.send(FundInsurance(**self._envelope("operator"), market=MARKET, amount=insurance))
        await self.price(self.mark_ticks)
        for account in self.accounts:
            await self.deposit(account, "20000")

    async def deposit(self, account: str, amount: str) -> int:
        """Credit an account."""
        return await self.send(Deposit(**self._envelope(), account=account, asset="USDC", amount=amount))

    async def withdraw(self, account: str, amount: str) -> int:
        """Debit an account."""
        return await self.send(Withdraw(**self._envelope(), account=account, asset="USDC", amount=amount))

    async def price(self, ticks: int | None) -> int:
        """A new index price as the ingestor would say it; None = stale."""
        self._index_seq += 1
        if ticks is not None:
            self.mark_ticks = ticks
        envelope = {**self._envelope("ingestor"), "seq": self._index_seq}
        text = None if ticks is None else price_text(ticks)
        return await self.send(UpdateIndexPrice(**envelope, market=MARKET, price=text, sources=()))

    async def order(self, account: str, side: str, lots: int, ticks: int | None, **options: Any) -> str:
        """Place a limit order, or a market order when there is no price; returns the client order id."""
        envelope = self._envelope()
        kind = (
            {"order_type": "limit", "price": price_text(ticks)}
            if ticks
            else {"order_type": "market", "time_in_force": "ioc"}
        )
        body: dict[str, Any] = {"side": side, "size": size_text(lots), **kind, **options}
        await self.send(PlaceOrder(**envelope, account=account, market=MARKET, client_order_id=envelope["id"], **body))
        return str(envelope["id"])

    async def cancel(self, account: str, client_order_id: str) -> int:
        """Cancel one order."""
        return await self.send(
            CancelOrder(**self._envelope(), account=account, market=MARKET, client_order_id=client_order_id)
        )

    async def outside_trade(self, lots: int, ticks: int, buyer: str | None, seller: str | None) -> str:
        """Report a trade matched elsewhere; returns its id."""
        envelope = self._envelope("engine")
        trade_id = f"x-{envelope['id']}"
        self.sending = [trade_id]
        await self.send(
            ReportTrade(
                **envelope,
                market=MARKET,
                trade_id=trade_id,
                price=price_text(ticks),
                size=size_text(lots),
                buyer=buyer,
                seller=seller,
                executed_at=envelope["occurred_at"],
            )
        )
        self.trade_ids.append(trade_id)
        self.sending = []
        return trade_id

    async def step(self) -> None:
        """One random command."""
        choose, mark = self.random.random(), self.mark_ticks
        account, other = self.random.sample(self.accounts, 2)
        if choose < 0.25:
            await self.price(mark + self.random.randint(-60, 60))
        elif choose < 0.55:
            side = self.random.choice(("buy", "sell"))
            offset = self.random.randint(-20, 40)
            await self.order(
                account, side, self.random.randint(1, 200), mark - offset if side == "buy" else mark + offset
            )
        elif choose < 0.7:
            await self.order(account, self.random.choice(("buy", "sell")), self.random.randint(1, 100), None)
        elif choose < 0.9:
            sides = self.random.choice(((account, other), (account, None), (None, account)))
            await self.outside_trade(self.random.randint(1, 120), mark + self.random.randint(-15, 15), *sides)
        elif choose < 0.96:
            await self.deposit(account, f"{self.random.randint(1, 500)}.{self.random.randint(0, 999999):06}")
        else:
            await self.withdraw(account, f"{self.random.randint(1, 300)}")


def venue_quote(number: int, ticks: int) -> tuple[VenueTrade, VenueTicker]:
    """A trade and the quote around it, as the ingestor's feed would publish them."""
    now = time.time_ns() // 1000
    place: dict[str, Any] = {
        "occurred_at": now,
        "source": "ingestor",
        "venue": SANDBOX_VENUE,
        "symbol": "BTCUSDT",
        "venue_time": now,
        "received_at": now,
        "venue_seq": number,
    }
    name = f"{SANDBOX_VENUE}:BTCUSDT"
    trade: dict[str, Any] = {"trade_id": str(number), "price_ticks": ticks, "size_lots": 3, "taker_side": "buy"}
    sides: dict[str, Any] = {"bid_ticks": ticks - 1, "bid_lots": 5, "ask_ticks": ticks + 1, "ask_lots": 6}
    return (
        VenueTrade(id=f"{name}:trade:{number}", **place, **trade),
        VenueTicker(id=f"{name}:ticker:{number}", **place, **sides),
    )


class FedTraffic(Traffic):
    """The same day, but its prices are those of a venue, of which the ingestor makes the index."""

    async def price(self, ticks: int | None) -> int:
        """A new trade and quote of the venue; without a price there is none."""
        if ticks is None:
            return 0
        self._index_seq += 1
        self.mark_ticks = ticks
        trade, quote = venue_quote(self._index_seq, ticks)
        await self.send(trade)
        return await self.send(quote)
