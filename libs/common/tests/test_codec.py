"""Messages on the wire: what is well formed is read exactly, what is not is refused with a code, in its place."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from cleartide.bus.streams import STREAMS, Stream
from cleartide.contracts import ALL_MESSAGES, COMMANDS, RISK_EVENTS, TRADING_EVENTS, Deposit, Message, TransferApplied
from cleartide.contracts.codec import (
    MAX_EVENTS_PER_MESSAGE,
    MAX_PUBLIC_PAYLOAD_BYTES,
    Decoder,
    Refusal,
    encode,
    encode_body,
)
from cleartide.contracts.examples import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.messages import messages

PUBLIC = Decoder(COMMANDS, public=True)
INTERNAL = Decoder(TRADING_EVENTS, public=False)
DECODERS = {stream.name: Decoder(stream.contracts, public=stream.public) for stream in STREAMS}
STREAM_FOR = {contract: stream for stream in STREAMS for contract in stream.contracts}
DEPOSIT = {
    "id": "d1",
    "type": "Deposit",
    "version": 1,
    "seq": 0,
    "occurred_at": 1,
    "causation_id": "",
    "correlation_id": "",
    "source": "trader",
    "account": "alice",
    "asset": "USDC",
    "amount": "10.5",
}
APPLIED = {
    **DEPOSIT,
    "id": "e1",
    "type": "TransferApplied",
    "seq": 1,
    "source": "matching",
    "amount_quanta": 1,
    "cash_quanta": 1,
}
for name in ("asset", "amount"):
    del APPLIED[name]


def only(decoded: list[Message | Refusal]) -> Message | Refusal:
    (one,) = decoded
    return one


def refusal(decoded: list[Message | Refusal]) -> Refusal:
    one = only(decoded)
    assert isinstance(one, Refusal), one
    return one


def fields(decoded: Sequence[Message | Refusal]) -> list[Any]:
    """What a reader finds in the messages, whichever reader made them."""
    assert not [one for one in decoded if isinstance(one, Refusal)]
    return [json.loads(encode(message)) for message in decoded if not isinstance(message, Refusal)]


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("contract", ALL_MESSAGES, ids=lambda contract: contract.__name__)
@settings(max_examples=15)
@given(data=st.data())
def test_the_fast_encoder_says_what_the_contract_says(contract: type[Message], data: st.DataObject) -> None:
    """Every valid message of every contract: our bytes and pydantic's mean the same, and they read back as equal."""
    message = data.draw(messages(contract))
    encoded = encode(message)
    assert json.loads(encoded) == json.loads(message.model_dump_json())
    read = DECODERS[STREAM_FOR[contract].name].decode(encoded)
    assert fields(read) == fields([message])
    assert encode_body(dict(message)) == encoded


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
@settings(max_examples=15)
@given(data=st.data())
def test_a_batch_reads_back_in_order(stream: Stream, data: st.DataObject) -> None:
    """Packed events come out one by one, in the order they went in."""
    contract = st.sampled_from(stream.contracts)
    batch = data.draw(st.lists(contract.flatmap(messages), min_size=1, max_size=5))
    payload = b"[" + b",".join(encode(message) for message in batch) + b"]"
    assert len(payload) > MAX_PUBLIC_PAYLOAD_BYTES or fields(DECODERS[stream.name].decode(payload)) == fields(batch)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"\xff\xfe", "malformed_json"),
        (b'{"id": "\xff"}', "malformed_json"),
        (b"[" * 5_000, "malformed_json"),
        (b'{"a":' * 5_000, "malformed_json"),
        (b"not json", "malformed_json"),
        (b"[1", "malformed_json"),
        (b"[]", "bad_batch_size"),
        (b"[" + b"1," * MAX_EVENTS_PER_MESSAGE + b"1]", "bad_batch_size"),
        (b"null", "schema_invalid"),
        (b"1" * 5_000, "malformed_json"),
        (b'"text"', "schema_invalid"),
        (b"{}", "unknown_type"),
        (as_json({**DEPOSIT, "type": "Donate"}), "unknown_type"),
        (as_json({**DEPOSIT, "type": ["Deposit"]}), "unknown_type"),
        (as_json({**DEPOSIT, "version": 2}), "unsupported_version"),
        (as_json({**DEPOSIT, "version": "1"}), "schema_invalid"),
        (as_json({**DEPOSIT, "amount": 10}), "schema_invalid"),
        (as_json({**DEPOSIT, "amount": "-1"}), "schema_invalid"),
        (as_json({**DEPOSIT, "amount": "1e5"}), "schema_invalid"),
        (as_json({**DEPOSIT, "account": "Alice!"}), "schema_invalid"),
        (as_json({**DEPOSIT, "account": "alice\n"}), "schema_invalid"),
        (as_json({**DEPOSIT, "occurred_at": 1.0}), "schema_invalid"),
        (as_json({**DEPOSIT, "occurred_at": 2**53}), "schema_invalid"),
        (as_json({**DEPOSIT, "occurred_at": 10**400}), "schema_invalid"),
        (as_json({**DEPOSIT, "occurred_at": float("nan")}), "malformed_json"),
        (as_json({**DEPOSIT, "note": "hello"}), "schema_invalid"),
        (as_json({**DEPOSIT, "correlation_id": "x" * 200}), "schema_invalid"),
        (as_json({**DEPOSIT, "correlation_id": "a\u0000b"}), "schema_invalid"),
        (b" " * (MAX_PUBLIC_PAYLOAD_BYTES + 1), "oversized"),
    ],
)
def test_every_refusal_has_its_code(payload: bytes, reason: str) -> None:
    """Whoever sends something unusable finds it in the dead letters under the reason, with the payload itself."""
    refused = refusal(PUBLIC.decode(payload))
    assert (refused.reason, refused.index) == (reason, 0)
    assert refused.raw == payload
    assert 0 < len(refused.error) <= 300


def test_the_code_of_a_known_message_names_the_field() -> None:
    """The error text tells the sender which field is wrong."""
    refused = refusal(PUBLIC.decode(as_json({**DEPOSIT, "amount": "-1"})))
    assert "amount" in refused.error


def test_one_bad_event_keeps_its_neighbours() -> None:
    """In a batch only the bad event is refused; the others are read and keep their places."""
    good = as_json(DEPOSIT)
    payload = b"[" + b",".join([good, as_json({**DEPOSIT, "version": 9}), b"{}", good]) + b"]"
    first, second, third, fourth = PUBLIC.decode(payload)
    assert first == fourth == Deposit.model_validate(DEPOSIT)
    assert isinstance(second, Refusal)
    assert isinstance(third, Refusal)
    assert (second.reason, second.index) == ("unsupported_version", 1)
    assert (third.reason, third.index, third.raw) == ("unknown_type", 2, b"{}")


def test_white_space_around_a_batch_does_not_matter() -> None:
    """A batch written by hand is read as well."""
    decoded = PUBLIC.decode(b"\n [ " + as_json(DEPOSIT) + b" , " + as_json(DEPOSIT) + b" ] \n")
    assert decoded == [Deposit.model_validate(DEPOSIT)] * 2


def test_a_newer_writer_may_add_fields_to_our_own_streams() -> None:
    """During a rolling update an older reader ignores what it does not know, at every depth; outsiders may not."""
    newer = as_json({**APPLIED, "new_field": {"deep": 1}})
    assert fields(INTERNAL.decode(newer)) == fields([TransferApplied.model_validate(APPLIED)])
    assert refusal(PUBLIC.decode(as_json({**DEPOSIT, "new_field": 1}))).reason == "schema_invalid"


def test_our_own_streams_are_not_limited_like_public_ones() -> None:
    """A batch of our own events may be larger than what outsiders may send."""
    many = b"[" + b",".join([as_json(APPLIED)] * 400) + b"]"
    assert len(many) > MAX_PUBLIC_PAYLOAD_BYTES
    assert len(INTERNAL.decode(many)) == 400


def test_a_reader_of_our_own_streams_makes_what_tells_faults_when_there_is_one() -> None:
    decoder = Decoder(TRADING_EVENTS, public=False)
    assert isinstance(decoder.decode(encode(EXAMPLES[TransferApplied]))[0], msgspec.Struct)
    assert "_one" not in vars(decoder)
    assert [refusal.reason for refusal in decoder.decode(b'[{"type": "?"}]') if isinstance(refusal, Refusal)] == [
        "unknown_type"
    ]
    assert "_one" in vars(decoder)
    assert "_one" in vars(Decoder(COMMANDS, public=True)), "a stranger's first command does not wait for it"


def test_a_key_given_twice_is_read_one_way_only() -> None:
    """The last value of a doubled key counts, for the message and for what the dead letters say about it alike."""
    doubled = as_json(DEPOSIT)[:-1] + b', "amount": "99"}'
    message = only(PUBLIC.decode(doubled))
    assert isinstance(message, Deposit)
    assert message.amount == "99"
    assert json.loads(encode(message))["amount"] == "99"


def test_a_stream_with_one_contract_reads_like_the_others() -> None:
    """RISK carries one type; its decoder refuses others by the same codes."""
    decoder = Decoder(RISK_EVENTS, public=False)
    assert refusal(decoder.decode(as_json(DEPOSIT))).reason == "unknown_type"
    assert refusal(decoder.decode(b"{")).reason == "malformed_json"


@pytest.mark.parametrize("contract", ALL_MESSAGES, ids=lambda contract: str(contract.__name__))
def test_the_inner_reader_reads_every_contract_of_every_stream(contract: type[Message]) -> None:
    """Public streams too, when they are read back; choices between contracts included."""
    reader = Decoder(STREAM_FOR[contract].contracts, public=False)
    example = EXAMPLES[contract]
    (read,) = reader.decode(encode(example))
    assert not isinstance(read, Refusal)
    assert {name: getattr(read, name) for name in contract.model_fields} == {
        name: getattr(example, name) for name in contract.model_fields
    }
