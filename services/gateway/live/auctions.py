"""Just-in-time auctions as everybody may hear of them: what is asked, offered and taken, never by whom.

Left out of the events are the accounts, the limit of the order and why a quote left: that is told in the account's own
room. A trade of an auctioned order is told beside its auction, as the order's remainder is nobody's else to follow.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cleartide.money import Grid

from services.gateway.edge.decimals import told

Event = Mapping[str, Any]
_SHOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "JitAuctionOpened": ("side", "size", "start", "end", "offsets", "slots", "slot_micros"),
    "JitQuoteAccepted": ("quote_id", "price", "size", "replaced_quote_id"),
    "JitQuoteRejected": ("quote_id",),
    "TradeExecuted": ("price", "size"),
    "JitAuctionSettled": ("side", "filled", "maker", "unfilled", "quote", "end", "improvement"),
}
"""By type, the fields that are public, as decimals."""


class Running:
    """The orders of one market that are auctioned now, as far as events have said."""

    def __init__(self, numbers: Iterable[int], missed: Iterable[Event] = ()) -> None:
        """`numbers` run after what was missed; before it those did, too, that have ended in it, but none that began."""
        events = [event for event in missed if event["type"].startswith("JitAuction")]
        opened = {event["auction_id"] for event in events if event["type"] == "JitAuctionOpened"}
        self._numbers = {*numbers, *(event["auction_id"] for event in events)} - opened

    def hear(self, event: Event) -> bool:
        """Whether the next event is of one of these auctions, and public."""
        match event["type"]:
            case "JitAuctionOpened":
                self._numbers.add(event["auction_id"])
            case "JitAuctionSettled":
                self._numbers.discard(event["auction_id"])
            case "JitQuoteRejected":
                return event["quote_id"] is not None
            case "TradeExecuted":
                return _taker_of(event) in self._numbers
        return event["type"] in _SHOWN


def auction_view(event: Event, grid: Grid | None) -> dict[str, Any]:
    """What everybody is told of an event; of a trade also whether a `quote` was met or the `book`."""
    data, kind = told(event, grid), event["type"]
    number = event.get("auction_id") or _taker_of(event)
    view = {"type": kind, "at": event["occurred_at"], "auction_id": number}
    if kind == "TradeExecuted":
        view["met"] = "quote" if None in (event["buy_order_id"], event["sell_order_id"]) else "book"
    return view | {name: data[name] for name in _SHOWN[kind] if name in data}


def _taker_of(event: Event) -> int | None:
    """The order that came last to a trade: of an auction always the one that is auctioned."""
    number: int | None = event[f"{event['taker_side']}_order_id"]
    return number
