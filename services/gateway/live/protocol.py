"""What a WebSocket client may say, and the frames it is answered with.

Client: {"op":"subscribe","channel":"alerts","after_seq":123,"account":"a1"}  (both optional)
        {"op":"subscribe","channel":"prices","market":"BTC-PERP"}
        {"op":"unsubscribe", ...the same channel, account or market}   {"op":"ping","id":1}
Server: snapshot, update, unsubscribed, pong, error. `seq` counts per channel: alerts by the feed's `seq`, prices by
the trading event they are as of. A snapshot with `complete` false is one page of history; live updates follow the
first with `complete` true.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from cleartide.contracts import Contract
from cleartide.contracts.types import AccountId, MarketId, Seq
from pydantic import Discriminator, Field, Tag, TypeAdapter, ValidationError

from services.gateway.edge.errors import error_body
from services.gateway.live.alerts import Alert


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


class Ping(Contract):
    """Answered by a pong with the same id and the gateway's time, by which a client can judge how old a figure is."""

    op: Literal["ping"]
    id: Annotated[int, Field(ge=0, le=2**53)] = 0


Request = SubscribeAlerts | SubscribePrices | UnsubscribeAlerts | UnsubscribePrices | Ping


def _kind(value: Any) -> str:
    """Which message it claims to be, so that a fault is told of that one and not of all."""
    if not isinstance(value, dict):
        return ""
    return "ping" if value.get("op") == "ping" else f"{value.get('op')} {value.get('channel')}"


_request: Final[TypeAdapter[Request]] = TypeAdapter(
    Annotated[
        Annotated[SubscribeAlerts, Tag("subscribe alerts")]
        | Annotated[SubscribePrices, Tag("subscribe prices")]
        | Annotated[UnsubscribeAlerts, Tag("unsubscribe alerts")]
        | Annotated[UnsubscribePrices, Tag("unsubscribe prices")]
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
