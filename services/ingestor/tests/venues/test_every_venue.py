"""What holds for every venue, whichever module defines it."""

import pytest
from cleartide.money import MoneyError
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Send
from services.ingestor.adapters.symbol import rate_ppb
from services.ingestor.adapters.venue import Venue, venues
from services.ingestor.tests.venues.kit import SYMBOLS, WELCOMES, connected_core

EVERY = [pytest.param(venue, id=name) for name, venue in venues().items()]


@pytest.mark.parametrize("venue", EVERY)
def test_symbols_are_read_and_written_without_loss(venue: Venue) -> None:
    """ING-VENUE-001"""
    for symbol in SYMBOLS[venue.name]:
        base, quote = venue.parse(symbol)
        assert venue.format(base, quote) == symbol
        assert venue.parse(venue.format(base, quote)) == (base, quote)


@pytest.mark.parametrize("venue", EVERY)
def test_what_is_no_symbol_of_the_venue_is_refused(venue: Venue) -> None:
    """ING-VENUE-001"""
    for text in ("", "?", "a b", "BTC/USD:USD?"):
        with pytest.raises(ValueError, match=r".+"):
            venue.parse(text)


@pytest.mark.parametrize("venue", EVERY)
def test_an_option_it_does_not_have_is_refused(venue: Venue) -> None:
    """ING-VENUE-002"""
    with pytest.raises(ValueError, match="has no option nothing"):
        venue.core([], {"nothing": "1"})


@pytest.mark.parametrize("venue", EVERY)
def test_every_route_is_subscribed_and_a_closed_one_is_said(venue: Venue) -> None:
    """ING-VENUE-003"""
    symbol = SYMBOLS[venue.name][0]
    core = venue.core([Instrument(symbol, "0.1", "0.001")], {})
    for route in core.routes:
        said = [*core.connected(route.name, 1), *core.frame(WELCOMES.get(venue.name, b""), 1)]
        sent = [each for each in said if isinstance(each, Send)]
        assert sent and all(each.route == route.name and each.frames for each in sent)
    for route in core.routes:
        core.disconnected(route.name, 2, "gone")
    assert [each.status for each in core.heartbeat(3)] == ["disconnected"]


@pytest.mark.parametrize(
    ("text", "percent", "ppb"),
    [
        ("0.0001515032", False, 151_503),
        ("-0.0000236017", False, -23_601),
        ("0.00749938923192", False, 7_499_389),
        ("0.0012", True, 12_000),
        ("-6.26e-11", False, 0),
    ],
)
def test_rates_finer_than_a_ppb_are_cut_toward_zero(text: str, percent: bool, ppb: int) -> None:
    """ING-VENUE-006"""
    assert rate_ppb(text, percent=percent) == ppb


@pytest.mark.parametrize("text", ["NaN", "Infinity", "", "1e30", "x"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    """ING-VENUE-006"""
    with pytest.raises(MoneyError):
        rate_ppb(text)


@pytest.mark.parametrize("venue", EVERY)
@settings(max_examples=60)
@given(raw=st.binary(max_size=120) | st.sampled_from([b"{}", b"[]", b"null", b'"x"', b"1", b'{"data":{}}', b"pong"]))
def test_no_bytes_make_it_raise(venue: Venue, raw: bytes) -> None:
    """ING-VENUE-004"""
    connected_core(venue).frame(raw, 1)
