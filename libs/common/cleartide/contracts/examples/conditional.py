"""Examples of conditional orders: alice's position is to be closed when the mark has fallen 2 % from its best."""

from typing import Any, Final

from cleartide.contracts.base import Message
from cleartide.contracts.conditional import OrderArmed, OrderTriggered
from cleartide.contracts.examples.story import ALERTED, MARKET, OPENED, said


def _event(contract: type[Message], seq: int, at: int, cause: str, **body: Any) -> Message:
    return said(contract, "matching", "events", seq, at, cause, account="alice", market=MARKET, **body)


CONDITIONAL_EXAMPLES: Final[tuple[Message, ...]] = (
    _event(
        OrderArmed,
        15,
        OPENED,
        "place-trailing",
        order_id=3,
        client_order_id="alice-trailing",
        side="sell",
        order_type="trailing_stop",
        size_lots=25,
        price_ticks=None,
        time_in_force="gtc",
        post_only=False,
        reduce_only=True,
        expires_at=None,
        trigger_source="mark",
        trigger_price_ticks=None,
        trail_ticks=None,
        trail_rate_ppb=20_000_000,
        extreme_ticks=650_000,
        oco_group=None,
        parent_order_id=None,
    ),
    _event(
        OrderTriggered,
        16,
        ALERTED,
        "ingestor-commands-2",
        order_id=3,
        client_order_id="alice-trailing",
        trigger_source="mark",
        trigger_price_ticks=637_000,
        source_price_ticks=635_000,
        source_seq=9,
        trade_id=None,
        extreme_ticks=650_000,
    ),
)
