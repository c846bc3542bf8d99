"""What a service says: numbered without a gap, never reordered by packing, never larger than a message may be."""

import json
from itertools import groupby, pairwise
from typing import Any

import pytest
from cleartide.bus.effects import MAX_BYTES_PER_ROW, MAX_EVENTS_PER_ROW, Recorder
from cleartide.bus.ports import OutboxRow
from cleartide.bus.streams import STREAM_OF
from cleartide.contracts import (
    DeadLettered,
    FundingRatePublished,
    LiquidateAccount,
    Message,
    RiskAlertRaised,
    SettleFunding,
    TransferApplied,
    TransferRejected,
    VenueStatus,
)
from cleartide.contracts.codec import encode
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.messages import messages

BODIES: dict[type[Message], dict[str, Any]] = {
    TransferApplied: {"account": "a", "amount_quanta": 1, "cash_quanta": 1},
    TransferRejected: {"account": "a", "reason": "no"},
    FundingRatePublished: {
        "market": "BTC",
        "interval_start": 0,
        "interval_micros": 1,
        "average_premium_ppb": 0,
        "rate_ppb": 0,
        "samples": 0,
    },
    SettleFunding: {"market": "BTC", "interval_start": 0, "interval_micros": 1, "rate_ppb": 0, "samples": 0},
    VenueStatus: {
        "venue": "v",
        "symbol": "S",
        "venue_time": 0,
        "received_at": 0,
        "venue_seq": 0,
        "status": "synced",
    },
}
emissions = st.lists(st.tuples(st.sampled_from(list(BODIES)), st.sampled_from(["BTC", "ETH"])), max_size=60)


def body(contract: type[Message], market: str) -> dict[str, Any]:
    """The contract's sample, on one of two subjects where the subject depends on the body."""
    made = dict(BODIES[contract])
    for name in ("market", "symbol"):
        if name in made:
            made[name] = market
    return made


def events_of(row: OutboxRow) -> list[dict[str, Any]]:
    decoded = json.loads(row.payload)
    return decoded if isinstance(decoded, list) else [decoded]


@given(st.lists(emissions, max_size=4))
def test_every_channel_counts_from_one_without_a_gap(batches: list[list[tuple[type[Message], str]]]) -> None:
    """Whatever is said in whatever order and in how many batches: each stream's numbers are 1, 2, 3, ... in order."""
    recorder = Recorder("risk", {})
    said: list[tuple[type[Message], str]] = []
    rows: list[OutboxRow] = []
    for batch in batches:
        recorder.begin(cause="c", correlation="", at=5, seq=1)
        for contract, market in batch:
            recorder.emit(contract, **body(contract, market))
        rows += recorder.drain("trace")
        said += batch
    for channel in {row.channel for row in rows}:
        mine = [row for row in rows if row.channel == channel]
        events = [event for row in mine for event in events_of(row)]
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        assert [(row.first_seq, row.last_seq) for row in mine] == [
            (held[0]["seq"], held[-1]["seq"]) for row in mine if (held := events_of(row))
        ]
        in_order = [contract.__name__ for contract, _ in said if STREAM_OF[contract].name == channel]
        assert [event["type"] for event in events] == in_order


@given(emissions)
def test_only_neighbours_on_one_subject_share_a_message(said: list[tuple[type[Message], str]]) -> None:
    """A message has one subject; contracts that are not packed travel alone, as one JSON object."""
    recorder = Recorder("risk", {})
    for contract, market in said:
        recorder.emit(contract, **body(contract, market))
    for row in recorder.drain(""):
        assert row.payload.startswith(b"[") == row.subject.startswith(("trading.", "market."))
        events = events_of(row)
        assert len(events) == 1 or row.payload.startswith(b"[")
        subjects = {event.get("symbol", "") for event in events}
        assert len(subjects) == 1


def test_channels_that_take_turns_still_fill_their_messages() -> None:
    """Two streams spoken to in turn become two messages, not two per turn."""
    recorder = Recorder("matching", {})
    for _ in range(50):
        recorder.emit(TransferApplied, **BODIES[TransferApplied])
        recorder.emit(VenueStatus, **BODIES[VenueStatus])
    assert [(row.first_seq, row.last_seq) for row in recorder.drain("")] == [(1, 50), (1, 50)]


def test_neighbours_are_packed_up_to_the_bound() -> None:
    """A large batch becomes few messages of bounded length, none of them empty."""
    recorder = Recorder("matching", {})
    for _ in range(3 * MAX_EVENTS_PER_ROW + 1):
        recorder.emit(TransferApplied, **BODIES[TransferApplied])
    assert [len(events_of(row)) for row in recorder.drain("")] == [MAX_EVENTS_PER_ROW] * 3 + [1]


def test_a_message_does_not_outgrow_its_bytes() -> None:
    """Events fill a message up to 64 KiB and no further, unless one alone is larger."""
    recorder = Recorder("matching", {})
    long_reason = "r" * 60
    for _ in range(1_000):
        recorder.emit(TransferRejected, account="a" * 48, reason=long_reason)
    rows = recorder.drain("")
    assert all(len(row.payload) <= MAX_BYTES_PER_ROW + MAX_EVENTS_PER_ROW + 2 for row in rows)
    assert [row.first_seq for row in rows] == [1, *(row.last_seq + 1 for row in rows[:-1])]
    recorder.emit(
        DeadLettered,
        service="matching",
        reason="oversized",
        error="",
        stream="COMMANDS",
        stream_seq=1,
        subject_of_origin="orders.X",
        index_in_message=0,
        attempts=1,
        payload_base64="A" * 90_000,
        payload_bytes=90_000,
    )
    (alone,) = recorder.drain("")
    assert len(alone.payload) > MAX_BYTES_PER_ROW


def test_the_envelope_says_where_an_event_comes_from() -> None:
    """Id, number, time and cause are the machine's: the same input gives the same event, byte for byte."""
    payloads = []
    for _ in range(2):
        recorder = Recorder("matching", {"EVENTS": 41})
        recorder.begin(cause="d1", correlation="c0", at=1_700, seq=9)
        recorder.emit(TransferApplied, **BODIES[TransferApplied])
        (row,) = recorder.drain("00-aa-bb-01")
        payloads.append(row.payload)
        assert row.traceparent == "00-aa-bb-01"
    (event,) = json.loads(payloads[0])
    envelope = {key: event[key] for key in ("id", "seq", "occurred_at", "causation_id", "correlation_id", "source")}
    assert envelope == {
        "id": "matching-events-42",
        "seq": 42,
        "occurred_at": 1_700,
        "causation_id": "d1",
        "correlation_id": "c0",
        "source": "matching",
    }
    assert payloads[0] == payloads[1]


@pytest.mark.parametrize("contract", STREAM_OF, ids=lambda contract: contract.__name__)
@given(st.data())
@settings(max_examples=20)
def test_what_is_said_is_the_contract_byte_for_byte(contract: type[Message], data: st.DataObject) -> None:
    """Whole contracts would have been the same bytes."""
    drawn = data.draw(messages(contract))
    body = {name: value for name, value in drawn.__dict__.items() if name not in Message.model_fields}
    recorder = Recorder(drawn.source, {STREAM_OF[contract].name: 6})
    recorder.begin(cause=drawn.causation_id, correlation=drawn.correlation_id, at=drawn.occurred_at, seq=1)
    recorder.emit(contract, **body)
    (row,) = recorder.drain("")
    whole = drawn.model_copy(
        update={
            "id": f"{drawn.source}-{row.channel.lower()}-7",
            "seq": 7,
            "correlation_id": drawn.correlation_id or drawn.causation_id,
        }
    )
    assert row.payload.removeprefix(b"[").removesuffix(b"]") == encode(whole)
    assert row.subject == whole.subject


def test_the_first_message_of_a_chain_is_its_correlation() -> None:
    """Where the cause names no chain, the chain begins with the cause."""
    recorder = Recorder("matching", {})
    recorder.begin(cause="d1", correlation="", at=0, seq=1)
    recorder.emit(TransferApplied, **BODIES[TransferApplied])
    (event,) = json.loads(recorder.drain("")[0].payload)
    assert event["correlation_id"] == "d1"


def test_an_invalid_event_uses_up_no_number() -> None:
    """What breaks its contract is not said at all, and the next event has the number it would have had."""
    recorder = Recorder("risk", {})
    with pytest.raises(ValidationError):
        recorder.emit(RiskAlertRaised, account="not a name")
    with pytest.raises(ValidationError):
        recorder.emit(LiquidateAccount, **{**BODIES[TransferApplied], "surprise": 1})
    recorder.emit(SettleFunding, **BODIES[SettleFunding])
    (row,) = recorder.drain("")
    assert (row.channel, row.first_seq) == ("COMMANDS", 1)


def test_draining_forgets_and_the_count_goes_on() -> None:
    """A batch is handed out once; the next one begins where it ended."""
    recorder = Recorder("matching", {"EVENTS": 10})
    rows = []
    for _ in range(3):
        recorder.emit(TransferApplied, **BODIES[TransferApplied])
        rows += recorder.drain("")
    assert recorder.drain("") == []
    assert [key for key, _ in groupby(row.channel for row in rows)] == ["EVENTS"]
    assert all(second.first_seq == first.last_seq + 1 for first, second in pairwise(rows))
