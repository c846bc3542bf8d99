"""Just-in-time auctions while their order would be refused as a new one: what opens waits, what reduces goes on."""

from typing import Any

import pytest
from cleartide.contracts import (
    HaltMarket,
    JitAuctionOpened,
    JitQuoteAccepted,
    Message,
    ResumeMarket,
    SetAccountTerms,
    SetVenueSwitch,
    TradeExecuted,
    UpdateIndexPrice,
)

from services.matching.domain.jit.pricing import SLOT_MICROS
from services.matching.tests.support import MARKET, Exchange, of, only

Setting = tuple[type[Message], dict[str, Any]]
KILLED: Setting = SetVenueSwitch, {"switch": "kill_switch"}
MAINTAINED: Setting = SetVenueSwitch, {"switch": "maintenance"}
RESTRICTED: Setting = SetAccountTerms, {"account": "ann"}


def opened(ex: Exchange, account: str, side: str, limit: str, **terms: Any) -> int:
    """The account's order is auctioned for ten slots; returns the auction's number."""
    ends = {"start": "1000", "end": "1001" if side == "buy" else "999"}
    return only(ex.auction(account, side, "1", limit, **ends, **terms), JitAuctionOpened).auction_id


def setting(ex: Exchange, said: Setting, **terms: Any) -> None:
    """The operator, or the index, says something."""
    contract, names = said
    if contract is UpdateIndexPrice:
        ex.price(**terms)
    else:
        ex.send(contract, source="operator", **names, **terms)


def bought(ex: Exchange, slots: int) -> list[tuple[int, str]]:
    """(price, buyer) of the trades of so many slots."""
    ex.wait(slots * SLOT_MICROS)
    return [(trade.price_ticks, trade.buyer) for trade in of(ex.deposit("clock", "1"), TradeExecuted)]


@pytest.mark.parametrize(
    ("stopped", "how", "back"),
    [
        (KILLED, {"on": True}, {"on": False}),
        (MAINTAINED, {"on": True}, {"on": False}),
        (RESTRICTED, {"standing": "reduce_only"}, {"standing": "active"}),
        (RESTRICTED, {"standing": "suspended"}, {"standing": "active"}),
        ((HaltMarket, {"market": MARKET}), {"state": "reduce_only"}, None),
        ((UpdateIndexPrice, {}), {"price": None}, {"price": "1000"}),
    ],
)
def test_match_jit_023_what_opens_waits_and_what_reduces_goes_on(
    stopped: Setting, how: dict[str, Any], back: dict[str, Any] | None
) -> None:
    """MATCH-JIT-023: ann opens and eve closes; with quotes that both would take, only eve trades until all is well."""
    ex = Exchange()
    for account in ("ann", "dan", "eve", "fay", "clock"):
        ex.deposit(account, "100000")
    ex.place("dan", "sell", "1", "1000")
    ex.place("eve", "buy", "1", "1000")
    opening = opened(ex, "ann", "buy", "1100")
    closing = opened(ex, "eve", "sell", "900", reduce_only=True)
    for auction, price in ((opening, "1000.1"), (closing, "999.9")):
        only(ex.offer("fay", auction, price, "0.1"), JitQuoteAccepted)
    setting(ex, stopped, **how)
    assert bought(ex, 5) == [(9_999, "fay")]
    if back is None:
        setting(ex, (ResumeMarket, {"market": MARKET}))
    else:
        setting(ex, stopped, **back)
    assert bought(ex, 1) == [(10_001, "ann")]
