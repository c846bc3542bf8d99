"""A stream that contradicts itself stops the service; nothing of it is written."""

from collections.abc import Callable

import pytest
from cleartide.contracts import FundingSettled, PositionChanged, TradingEvent, TransferApplied

from services.earnings.domain.account import Inconsistent
from services.earnings.tests.harness import Harness
from services.earnings.tests.model import Venue


def busy_venue() -> Venue:
    venue = Venue()
    venue.transfer("alice", 1_000_000)
    venue.mark("BTC-PERP", 1_000)
    venue.trade("BTC-PERP", "alice", "outside", 3, 1_010, (4, 0))
    venue.fund("BTC-PERP", 11)
    venue.mark("BTC-PERP", 1_200)
    venue.trade("BTC-PERP", "outside", "alice", 2, 1_190, (0, 5))
    return venue


def stops(venue: Venue, kind: type[TradingEvent], field: str, change: Callable[[int], int]) -> bool:
    """Whether the service stops when one figure of the last event of a kind is changed; alice's where there are two."""
    events = list(venue.events)
    chosen = [n for n, event in enumerate(events) if isinstance(event, kind) and _alice(event)][-1]
    value = getattr(events[chosen], field)
    events[chosen] = events[chosen].model_copy(update={field: change(value)})
    harness = Harness()
    try:
        harness.feed(events)
    except Inconsistent:
        assert harness.day_rows() == []
        return True
    return False


def _alice(event: TradingEvent) -> bool:
    return getattr(event, "account", "alice") == "alice"


def test_the_untouched_stream_is_accepted() -> None:
    """EARN-SAFE-001"""
    assert not stops(busy_venue(), PositionChanged, "cash_quanta", lambda value: value)


@pytest.mark.parametrize(
    "field",
    ["cash_quanta", "quote_quanta", "lots", "fill_lots", "fill_price_ticks", "fee_quanta", "funding_index_quanta"],
)
def test_a_position_change_that_is_off_by_one_stops_the_service(field: str) -> None:
    """EARN-SAFE-001: whichever figure is wrong, equity no longer moves by its reasons."""
    assert stops(busy_venue(), PositionChanged, field, lambda value: value + 1)


@pytest.mark.parametrize("field", ["amount_quanta", "cash_quanta"])
def test_a_transfer_that_is_off_by_one_stops_the_service(field: str) -> None:
    """EARN-SAFE-002"""
    assert stops(busy_venue(), TransferApplied, field, lambda value: value + 1)


@pytest.mark.parametrize("field", ["index_step_quanta", "funding_index_quanta"])
def test_a_funding_index_that_jumps_stops_the_service(field: str) -> None:
    """EARN-SAFE-003"""
    assert stops(busy_venue(), FundingSettled, field, lambda value: value + 1)


def test_an_unlisted_market_stops_the_service() -> None:
    """EARN-SAFE-004"""
    venue = Venue(markets=["ETH-PERP"])
    harness = Harness()
    harness.feed(venue.events)
    lost = Venue()
    lost.mark("BTC-PERP", 5)
    with pytest.raises(Inconsistent, match="never listed"):
        harness.feed([lost.events[-1].model_copy(update={"seq": 2})])


def test_a_market_listed_twice_stops_the_service() -> None:
    """EARN-SAFE-004"""
    events = Venue(markets=["ETH-PERP"]).events
    harness = Harness()
    with pytest.raises(Inconsistent, match="twice"):
        harness.feed([*events, events[0].model_copy(update={"seq": 2})])
