"""What leaves an adapter is a contract, byte for byte."""

import msgspec
import pytest
from cleartide import contracts
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.ingestor.adapters import events
from services.ingestor.adapters.events import STRUCTS, MarketStruct
from services.ingestor.tests.support import BTCUSDT, SYMBOL, depth, new_core, play, recorded, snapshot, ticker, trade


def assert_is_contract(event: MarketStruct) -> None:
    payload = msgspec.json.encode(event)
    contract = type(event).contract.model_validate_json(payload)
    assert contract.model_dump_json().encode() == payload
    assert contract.subject == event.subject


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: str(struct.__name__))
def test_fields_and_their_order_are_the_contracts(struct: type[MarketStruct]) -> None:
    """ING-EVT-001"""
    assert list(struct.__struct_fields__) == list(struct.contract.model_fields)


def test_every_contract_of_the_market_stream_has_its_struct() -> None:
    """ING-EVT-001"""
    assert {struct.contract for struct in STRUCTS} == set(contracts.MARKET_EVENTS)


def test_everything_said_of_the_recording_is_a_valid_contract() -> None:
    """ING-EVT-001"""
    said = [output for _, out in play(new_core(), recorded()[:12_000]) for output in out]
    said += new_core().heartbeat(1_723_161_255_000_000)
    market = [output for output in said if isinstance(output, MarketStruct)]
    assert len(market) > 11_000
    for event in market:
        assert_is_contract(event)
    many = TypeAdapter(list[contracts.VenueTicker])
    tickers: list[MarketStruct] = [event for event in market if isinstance(event, events.Ticker)]
    assert len(many.validate_json(events.encode(tickers))) == len(tickers)


EDGES = st.sampled_from([0, 1, 2**40, 2**53 - 1, 2**53, 2**63, 2**64, -1]) | st.integers(0, 2**54)
NUMBERS = st.from_regex(r"-?[0-9]{1,16}(\.[0-9]{1,4})?", fullmatch=True)


@settings(max_examples=200)
@given(data=st.data())
def test_no_frame_whatever_its_numbers_makes_an_invalid_contract(data: st.DataObject) -> None:
    """ING-EVT-001"""
    core = new_core()
    core.frame(depth(1, 5, 0), 1)
    core.snapshot(SYMBOL, snapshot(5, [("100.0", "1.000")], [("100.1", "1.000")]), 1)
    frames = [
        trade(data.draw(EDGES), data.draw(NUMBERS), data.draw(NUMBERS), data.draw(EDGES)),
        ticker(data.draw(EDGES), data.draw(NUMBERS), data.draw(NUMBERS), data.draw(EDGES)),
        depth(data.draw(EDGES), data.draw(EDGES), 5, data.draw(EDGES), bids=[(data.draw(NUMBERS), data.draw(NUMBERS))]),
    ]
    for frame in frames:
        for output in core.frame(frame, 2):
            if isinstance(output, MarketStruct):
                assert_is_contract(output)


def test_long_reasons_are_cut_to_the_contracts_bound() -> None:
    """ING-EVT-001"""
    core = new_core()
    core.frame(depth(1, 5, 0), 1)
    core.snapshot(SYMBOL, snapshot(5, [("100.0", "1.000")], [("100.1", "1.000")]), 1)
    for output in core.frame(depth(6, 7, 5, bids=[("x" * 400, "1.000")]), 2):
        if isinstance(output, MarketStruct):
            assert_is_contract(output)
    for status in core.disconnected("public", 3, "y" * 400):
        assert isinstance(status, MarketStruct)
        assert_is_contract(status)
    assert BTCUSDT.symbol == SYMBOL
