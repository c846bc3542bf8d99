"""Conditional orders on the bench: a position to protect, prices from each source, and what fires."""

from typing import Any, Final

from cleartide.contracts import Message, OrderClosed, OrderTriggered
from cleartide.contracts.types import TriggerSource

from services.matching.tests.support import Events, Exchange, of

RICH: Final = "10000000"
SOURCES: Final[tuple[TriggerSource, ...]] = ("mark", "index", "last")


def exchange(*, position: str = "2") -> Exchange:
    """ann is long and bob is short at 1000; cat and dan are to trade. The book is empty, so the mark is the index."""
    ex = Exchange()
    for account in ("ann", "bob", "cat", "dan"):
        ex.deposit(account, RICH)
    ex.place("bob", "sell", position, "1000")
    ex.place("ann", "buy", position, "1000")
    return ex


def conditional(ex: Exchange, account: str, side: str, order_type: str, size: str = "1", **terms: Any) -> Events:
    """Place a conditional order."""
    return ex.place(account, side, size, terms.pop("price", None), order_type=order_type, **terms)


def show(ex: Exchange, source: TriggerSource, price: str) -> Events:
    """Let a source show a price: a new index, which moves the mark with it, or a trade between cat and dan."""
    if source != "last":
        return ex.price(price)
    return [*ex.place("cat", "sell", "0.001", price), *ex.place("dan", "buy", "0.001", price)]


def fired(events: list[Message]) -> list[str]:
    """The client ids of what fired, in order."""
    return [event.client_order_id for event in of(events, OrderTriggered)]


def closed(events: list[Message]) -> list[tuple[str, str, str | None]]:
    """(client id, reason, state) of the orders that ended."""
    return [(event.client_order_id, event.reason, event.state) for event in of(events, OrderClosed)]


def waiting_room(ex: Exchange, account: str) -> None:
    """Something of everything that waits far from 1000: a pair, a trailing stop with an end, an entry with exits."""
    far: dict[str, Any] = {"trigger_price": "2.5", "trigger_source": "last", "oco_group": "pair"}
    conditional(ex, account, "sell", "stop_limit", client_order_id="stop", price="2.4", **far)
    conditional(ex, account, "buy", "take_profit_market", client_order_id="dip", **far)
    end: dict[str, Any] = {"time_in_force": "gtt", "expires_at": ex.effects.at + 10**12}
    conditional(ex, account, "sell", "trailing_stop", client_order_id="trail", trail_rate_ppb=990_000_000, **end)
    exits = {"take_profit": {"trigger_price": "5000"}, "stop_loss": {"trigger_price": "0.1", "limit_price": "0.1"}}
    ex.place(account, "buy", "0.01", "0.2", client_order_id="entry", **exits)
