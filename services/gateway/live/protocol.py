"""What a WebSocket client may say, and the frames it is answered with.

Client: {"op":"subscribe","channel":"alerts","after_seq":123,"account":"a1"}  (both optional)
        {"op":"subscribe","channel":"prices","market":"BTC-PERP"}
        {"op":"subscribe","channel":"book"|"funding","market":"BTC-PERP"}
        {"op":"subscribe","channel":"trades"|"auctions","market":"BTC-PERP","after_seq":123}  (after_seq optional)
        {"op":"subscribe","channel":"candles","market":"BTC-PERP","interval":60}
        {"op":"subscribe","channel":"account","account":"a1","after_seq":123,"topics":["orders"]} (last two opt.)
        {"op":"subscribe","channel":"portfolio","account":"a1","days":90}  (last one optional)
        {"op":"unsubscribe", ...the same channel, account or market}   {"op":"ping","id":1}
        {"op":"auth","token":"<access token or API key>"}
Server: snapshot, update, unsubscribed, authenticated, pong, error. `seq` counts per channel: alerts by the feed's own;
prices, trades, auctions, funding and accounts by the trading event; books by the market's count of changes, where an
update follows what stands at its `previous_seq` or later; candles by the newest one's opening; portfolios by instant.
A snapshot with `complete` false is one page of history; live updates follow the first with `complete` true.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from cleartide.contracts import Contract
from cleartide.contracts.types import AccountId, MarketId, Seq
from pydantic import Discriminator, Field, StringConstraints, Tag, TypeAdapter, ValidationError

from services.gateway.edge.errors import error_body
from services.gateway.identity.tokens import MAX_TOKEN
from services.gateway.live.alerts import Alert
from services.gateway.live.tape import Topic

Interval = Annotated[int, Field(ge=60, le=86_400, multiple_of=60)]


class SubscribeAlerts(Contract):
    """Alerts from `after_seq` on; without it, the newest and what follows."""

    op: Literal["subscribe"]
    channel: Literal["alerts"]
    after_seq: Seq | None = None
    account: AccountId | None = None


class SubscribePrices(Contract):
    """A market's latest prices and every change."""

    op: Literal["subscribe"]
    channel: Literal["prices"]
    market: MarketId


class UnsubscribeAlerts(Contract):
    """No more alerts of this account, or of all."""

    op: Literal["unsubscribe"]
    channel: Literal["alerts"]
    account: AccountId | None = None


class UnsubscribePrices(Contract):
    """No more prices of this market."""

    op: Literal["unsubscribe"]
    channel: Literal["prices"]
    market: MarketId


class SubscribeMarket(Contract):
    """A market's book or funding: a snapshot, then what changes."""

    op: Literal["subscribe"]
    channel: Literal["book", "funding"]
    market: MarketId


class SubscribeTrades(Contract):
    """A market's trades or auctions from `after_seq` on; without it the newest, or those that run, and what follows."""

    op: Literal["subscribe"]
    channel: Literal["trades", "auctions"]
    market: MarketId
    after_seq: Seq | None = None


class SubscribeCandles(Contract):
    """A market's candles of one width in seconds, as they grow."""

    op: Literal["subscribe"]
    channel: Literal["candles"]
    market: MarketId
    interval: Interval = 60


class SubscribeAccount(Contract):
    """An account's orders, fills, balance and limits; without `after_seq` the state first. No topics: all."""

    op: Literal["subscribe"]
    channel: Literal["account"]
    account: AccountId
    after_seq: Seq | None = None
    topics: Annotated[tuple[Topic, ...], Field(max_length=5)] = ()


class SubscribePortfolio(Contract):
    """What an account holds and gained in its last days, again whenever it has changed."""

    op: Literal["subscribe"]
    channel: Literal["portfolio"]
    account: AccountId
    days: Annotated[int, Field(ge=1, le=366)] = 90


class UnsubscribeMarket(Contract):
    """No more of a market's book, funding, trades or auctions."""

    op: Literal["unsubscribe"]
    channel: Literal["book", "funding", "trades", "auctions"]
    market: MarketId


class UnsubscribeCandles(Contract):
    """No more of these candles."""

    op: Literal["unsubscribe"]
    channel: Literal["candles"]
    market: MarketId
    interval: Interval = 60


class UnsubscribeAccount(Contract):
    """No more of this account, or of its portfolio."""

    op: Literal["unsubscribe"]
    channel: Literal["account", "portfolio"]
    account: AccountId


class Authenticate(Contract):
    """Who asks, for those whose handshake cannot say it: an access token, or an API key. It holds from here on."""

    op: Literal["auth"]
    token: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TOKEN)]


class Ping(Contract):
    """Answered by a pong with the same id and the gateway's time, by which a client can judge how old a figure is."""

    op: Literal["ping"]
    id: Annotated[int, Field(ge=0, le=2**53)] = 0


Room = SubscribeMarket | SubscribeTrades | SubscribeCandles | SubscribeAccount | SubscribePortfolio
Subscribe = SubscribeAlerts | SubscribePrices | Room
Unsubscribe = UnsubscribeAlerts | UnsubscribePrices | UnsubscribeMarket | UnsubscribeCandles | UnsubscribeAccount
Request = Subscribe | Unsubscribe | Authenticate | Ping
_ALONE: Final = ("ping", "auth")


def _kind(value: Any) -> str:
    """Which message it claims to be, so that a fault is told of that one and not of all."""
    if not isinstance(value, dict):
        return ""
    op, channel = value.get("op"), value.get("channel")
    if op in _ALONE:
        return str(op)
    if channel == "auctions":
        channel = "trades"
    if channel in ("book", "funding") or (channel == "trades" and op == "unsubscribe"):
        channel = "market"
    if channel == "portfolio" and op == "unsubscribe":
        channel = "account"
    return f"{op} {channel}"


_request: Final[TypeAdapter[Request]] = TypeAdapter(
    Annotated[
        Annotated[SubscribeAlerts, Tag("subscribe alerts")]
        | Annotated[SubscribePrices, Tag("subscribe prices")]
        | Annotated[SubscribeMarket, Tag("subscribe market")]
        | Annotated[SubscribeTrades, Tag("subscribe trades")]
        | Annotated[SubscribeCandles, Tag("subscribe candles")]
        | Annotated[SubscribeAccount, Tag("subscribe account")]
        | Annotated[SubscribePortfolio, Tag("subscribe portfolio")]
        | Annotated[UnsubscribeAlerts, Tag("unsubscribe alerts")]
        | Annotated[UnsubscribePrices, Tag("unsubscribe prices")]
        | Annotated[UnsubscribeMarket, Tag("unsubscribe market")]
        | Annotated[UnsubscribeCandles, Tag("unsubscribe candles")]
        | Annotated[UnsubscribeAccount, Tag("unsubscribe account")]
        | Annotated[Authenticate, Tag("auth")]
        | Annotated[Ping, Tag("ping")],
        Discriminator(_kind),
    ]
)


class BadMessage(ValueError):  # noqa: N818 - a verdict on a message
    """A client's message that cannot be understood; the text says where."""


def parse(text: str | bytes) -> Request:
    """A client's message; BadMessage when it is not one."""
    try:
        return _request.validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in fault["loc"][1:])
        raise BadMessage(f"{where or 'message'}: {fault['msg']}") from None


class AlertFrames:
    """Alerts as WebSocket frames."""

    def __init__(self, account: str | None) -> None:
        self._account = account

    def page(self, alerts: Sequence[Alert], seq: int, *, complete: bool) -> bytes:
        """One page of history; `seq` is the place that the page reaches."""
        data = [msgspec.Raw(alert.json) for alert in alerts]
        return self._frame("snapshot", seq, {"complete": complete, "data": data})

    def live(self, alert: Alert) -> bytes:
        """One alert as it happens."""
        return self._frame("update", alert.seq, {"data": msgspec.Raw(alert.json)})

    def _frame(self, op: str, seq: int, rest: dict[str, Any]) -> bytes:
        return msgspec.json.encode({"op": op, "channel": "alerts", "account": self._account, "seq": seq, **rest})


def error_frame(code: str, message: str, detail: Any = None) -> bytes:
    """The API's error form as a frame."""
    return msgspec.json.encode({"op": "error", **error_body(code, message, detail)})


def frame(op: str, **fields: Any) -> bytes:
    """A plain frame."""
    return msgspec.json.encode({"op": op, **fields})
