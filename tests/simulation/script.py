"""What outsiders send in a run: a small venue's days with two markets, honest and dishonest, drawn from the seed."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final, NamedTuple, get_args

from cleartide.contracts import (
    AmendInstruction,
    AmendOrder,
    BustTrade,
    CancelAllOrders,
    CancelInstruction,
    CancelOrder,
    CorrectTrade,
    Deposit,
    FundInsurance,
    ListMarket,
    Message,
    PlaceInstruction,
    PlaceOrder,
    ReportTrade,
    SubmitOrders,
    VenueStatus,
    VenueTicker,
    VenueTrade,
    Withdraw,
)
from cleartide.contracts.codec import encode
from cleartide.contracts.types import SelfTradePrevention, TriggerSource

from deploy.local.sandbox.market import MARKET, SPEC
from services.ingestor.settings import SANDBOX_VENUE as VENUE

ACCOUNTS: Final = tuple(f"acct-{number}" for number in range(6))
OTHER_MARKET: Final = "ETH-PERP"
SYMBOL: Final = "BTCUSDT"
START_TICKS: Final = 600_000
NOISE: Final = (
    b"",
    b"not json",
    b"[]",
    b"\xff\xfe",
    b'{"type":"Donate"}',
    b'{"type":"Deposit","version":9}',
    b'[{"type":"Deposit"},7]',
    b"[" * 400,
)


class Sending(NamedTuple):
    """One message on its way to a stream. `identity` is what makes a second sending of it a duplicate."""

    stream: str
    subject: str
    payload: bytes
    identity: str


def price_path(random: Random, steps: int) -> list[int]:
    """The price of a run, in ticks: it wanders, and now and then it jumps far enough to liquidate somebody."""
    path = [START_TICKS]
    for _ in range(steps - 1):
        drift = random.choice((-24_000, 20_000)) if random.random() < 0.08 else random.randint(-2_500, 2_500)
        path.append(max(START_TICKS // 2, path[-1] + drift))
    return path


@dataclass
class Script:
    """Generates one sender's messages, along a price path that all senders share."""

    random: Random
    path: list[int]
    stops: bool = False

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._ticks = START_TICKS
        self._orders: list[tuple[str, str, str]] = []
        self._trades: list[ReportTrade] = []
        self._venue_seq = itertools.count(1)

    def commands(self, count: int, now: Callable[[], int]) -> Iterator[Sending]:
        """The opening, then random commands."""
        self._now = now
        for command in self._opening():
            yield sending(command)
        for number in range(count):
            self._ticks = self.path[number * len(self.path) // count]
            yield self._misbehaviour() if self.random.random() < 0.06 else sending(self._command())

    def _opening(self) -> Iterator[Message]:
        for market in (MARKET, OTHER_MARKET):
            spec = SPEC.model_copy(update={"market": market, "base": market[:3]})
            yield ListMarket(**self._envelope("operator"), spec=spec)
            yield FundInsurance(**self._envelope("operator"), market=market, amount="30")
        for account in ACCOUNTS:
            yield Deposit(**self._envelope(), account=account, asset="USDC", amount="400")

    def _envelope(self, source: str = "trader") -> dict[str, Any]:
        return {"id": f"{source}-{next(self._numbers)}", "occurred_at": 0, "source": source}

    def _command(self) -> Message:
        draw, account = self.random.random(), self.random.choice(ACCOUNTS)
        if draw < 0.5:
            return self._order(account)
        if draw < 0.6 and self._orders:
            return self._later_command()
        if draw < 0.83:
            return self._outside_trade(account)
        if draw < 0.86 and self._trades:
            return self._restatement()
        amount = f"{self.random.randint(0, 90)}.{self.random.randint(0, 10**6):06}"[:9]
        transfer = Deposit if draw < 0.91 else Withdraw
        return transfer(**self._envelope(), account=account, asset="USDC", amount=amount)

    def _order(self, account: str) -> Message:
        envelope, market = self._envelope(), self._market()
        side = self.random.choice(("buy", "sell"))
        body: dict[str, Any] = {"side": side, "size": self._size(), "reduce_only": self.random.random() < 0.1}
        if self.stops and self.random.random() < 0.5:
            body |= {"order_type": self.random.choice(("stop_market", "take_profit_market"))}
            body |= {"trigger_price": self._price(), "trigger_source": self.random.choice(get_args(TriggerSource))}
        elif self.random.random() < 0.25:
            body |= {"order_type": "market", "time_in_force": "ioc"}
        else:
            body |= {"order_type": "limit", "price": self._price(), "post_only": self.random.random() < 0.1}
            body |= {"time_in_force": self.random.choice(("gtc", "gtc", "ioc", "fok"))} if not body["post_only"] else {}
            body |= self._options(body.get("time_in_force", "gtc"))
        self._orders.append((account, market, envelope["id"]))
        return PlaceOrder(**envelope, account=account, market=market, client_order_id=envelope["id"], **body)

    def _options(self, time_in_force: str) -> dict[str, Any]:
        """Self-trade modes for all; an end and an iceberg's part for some of those that rest."""
        options: dict[str, Any] = {"self_trade_prevention": self.random.choice(get_args(SelfTradePrevention))}
        if time_in_force == "gtc" and self.random.random() < 0.3:
            after = self.random.randint(1, 7_200_000_000)
            options |= {"time_in_force": "gtt", "expires_at": self._now() + after}
        if time_in_force == "gtc" and self.random.random() < 0.2:
            options["display_size"] = "0.02"
        return options

    def _later_command(self) -> Message:
        """A change, a cancel, a cancel of all, or several in one, about orders that may be gone already."""
        holder, market, order = self.random.choice(self._orders)
        draw, target = self.random.random(), dict[str, Any](account=holder, market=market)
        if draw < 0.4:
            return CancelOrder(**self._envelope(), **target, client_order_id=order)
        if draw < 0.7:
            price = self._price() if self.random.random() < 0.6 else None
            return AmendOrder(**self._envelope(), **target, client_order_id=order, price=price, size=self._size())
        if draw < 0.8:
            return CancelAllOrders(**self._envelope(), account=holder, market=self.random.choice((None, market)))
        envelope = self._envelope()
        batch = (
            AmendInstruction(action="amend", client_order_id=order, size=self._size()),
            PlaceInstruction(
                action="place",
                client_order_id=envelope["id"],
                side=self.random.choice(("buy", "sell")),
                order_type="limit",
                size=self._size(),
                price=self._price(),
            ),
            CancelInstruction(action="cancel", client_order_id=order),
        )
        self._orders.append((holder, market, envelope["id"]))
        return SubmitOrders(**envelope, **target, instructions=batch)

    def _outside_trade(self, account: str) -> Message:
        if self._trades and self.random.random() < 0.1:
            return self.random.choice(self._trades).model_copy(update={"id": self._envelope("engine")["id"]})
        other = self.random.choice((None, *ACCOUNTS))
        buyer, seller = (account, other) if self.random.random() < 0.5 else (other, account)
        envelope = self._envelope("engine")
        trade = ReportTrade(
            **envelope,
            market=MARKET,
            trade_id=envelope["id"],
            price=self._price(),
            size=self._size(),
            buyer=buyer,
            seller=seller,
            executed_at=0,
        )
        self._trades.append(trade)
        return trade

    def _restatement(self) -> Message:
        """Take back or correct one of the reported trades, whether or not it was applied or is busted already."""
        trade = self.random.choice(self._trades)
        body = {**self._envelope("engine"), "market": MARKET, "trade_id": trade.trade_id}
        if self.random.random() < 0.5:
            return BustTrade(**body)
        return CorrectTrade(**body, price=self._price(), size=self._size(), buyer=trade.seller, seller=trade.buyer)

    def _misbehaviour(self) -> Sending:
        honest = sending(self._command())
        forged = encode(Deposit(**self._envelope("risk"), account="acct-0", asset="USDC", amount="9"))
        return self.random.choice(
            (
                honest._replace(payload=self.random.choice(NOISE), identity=""),
                honest._replace(payload=honest.payload[: self.random.randrange(len(honest.payload))], identity=""),
                honest._replace(subject="orders.NOWHERE"),
                honest._replace(subject="transfers.acct-0", payload=forged),
                honest._replace(payload=b"[" + honest.payload + b",{}," + honest.payload + b"]"),
            )
        )

    def _market(self) -> str:
        return MARKET if self.random.random() < 0.85 else OTHER_MARKET

    def _price(self) -> str:
        ticks = self._ticks + self.random.randint(-3_000, 3_000)
        return f"{ticks // 10}.{ticks % 10}" if self.random.random() > 0.03 else "0.05"

    def _size(self) -> str:
        lots = self.random.randint(1, 400)
        return f"{lots // 1000}.{lots % 1000:03}"

    def market_data(self, count: int, now: Callable[[], int]) -> Iterator[Sending]:
        """A venue's quotes, trades and statuses as they come in; several events to a message."""
        for number in range(count):
            self._ticks = self.path[number * len(self.path) // count]
            events = [self._venue_event(now()) for _ in range(self.random.randint(1, 3))]
            first = events[0]
            same = [event for event in events if event.subject == first.subject]
            payload = b"[" + b",".join(encode(event) for event in same) + b"]"
            yield Sending("MARKET", first.subject, payload, f"feed.{first.id}")

    def _venue_event(self, at: int) -> Message:
        draw, seq = self.random.random(), next(self._venue_seq)
        envelope: dict[str, Any] = {
            "id": f"feed-{seq}",
            "occurred_at": at,
            "source": "ingestor",
            "venue": VENUE,
            "symbol": SYMBOL,
            "venue_time": at,
            "received_at": at,
            "venue_seq": seq,
        }
        if draw < 0.7:
            quote: dict[str, Any] = {
                "bid_ticks": self._ticks - 5,
                "bid_lots": 9,
                "ask_ticks": self._ticks + 5,
                "ask_lots": 9,
            }
            return VenueTicker(**envelope, **quote)
        if draw < 0.9:
            trade: dict[str, Any] = {
                "trade_id": str(seq),
                "price_ticks": self._ticks,
                "size_lots": 3,
                "taker_side": "buy",
            }
            return VenueTrade(**envelope, **trade)
        return VenueStatus(**envelope, status=self.random.choice(("connected", "stale", "synced")))


def sending(command: Message) -> Sending:
    """A command on its way to matching."""
    return Sending("COMMANDS", command.subject, encode(command), f"{command.source}.{command.id}")
