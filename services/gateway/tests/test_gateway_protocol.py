"""What a WebSocket client may say."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.live.protocol import BadMessage, Ping, SubscribeAlerts, SubscribePrices, UnsubscribeAlerts, parse


def test_the_messages_of_the_protocol_are_understood() -> None:
    """GW-WS-001: subscribe, unsubscribe and ping are understood, with their optional fields."""
    assert parse('{"op":"subscribe","channel":"alerts"}') == SubscribeAlerts(op="subscribe", channel="alerts")
    place = parse('{"op":"subscribe","channel":"alerts","after_seq":12,"account":"a1"}')
    assert place == SubscribeAlerts(op="subscribe", channel="alerts", after_seq=12, account="a1")
    prices = parse('{"op":"subscribe","channel":"prices","market":"BTC-PERP"}')
    assert prices == SubscribePrices(op="subscribe", channel="prices", market="BTC-PERP")
    leave = parse('{"op":"unsubscribe","channel":"alerts","account":"a1"}')
    assert leave == UnsubscribeAlerts(op="unsubscribe", channel="alerts", account="a1")
    assert parse('{"op":"ping","id":5}') == Ping(op="ping", id=5)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"op":"subscribe","channel":"prices"}', "market"),
        ('{"op":"subscribe","channel":"prices","market":"btc"}', "market"),
        ('{"op":"subscribe","channel":"alerts","after_seq":-1}', "after_seq"),
        ('{"op":"subscribe","channel":"alerts","after_seq":"7"}', "after_seq"),
        ('{"op":"subscribe","channel":"alerts","account":"a1","limit":5}', "limit"),
        ("[]", "message"),
        ("{", "message"),
        ("", "message"),
        ('{"op":"subscribe","channel":"books"}', "message"),
    ],
)
def test_a_bad_message_is_refused_with_the_place_of_the_fault(text: str, where: str) -> None:
    """GW-WS-002: a bad message is refused with the field that is wrong."""
    with pytest.raises(BadMessage, match=where):
        parse(text)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    """GW-WS-003: no bytes break the parser."""
    with suppress(BadMessage):
        parse(data)
