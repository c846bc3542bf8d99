"""No bytes that anybody may send stop a service: every payload is folded or becomes a dead letter."""

import json
from typing import Any

from cleartide.bus.folder import Folder
from cleartide.bus.ports import Delivery, Epoch, Progress
from cleartide.bus.streams import COMMANDS
from cleartide.contracts import COMMANDS as CONTRACTS
from cleartide.contracts import DEAD_LETTER_EVENTS, DeadLettered
from cleartide.contracts.codec import MAX_PUBLIC_PAYLOAD_BYTES, Decoder, Refusal, encode
from cleartide.fold import Changes, Repository
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.messages import messages

REASONS = {
    "oversized",
    "malformed_json",
    "bad_batch_size",
    "schema_invalid",
    "unknown_type",
    "unsupported_version",
    "wrong_subject",
    "forbidden_source",
}
LETTERS = Decoder(DEAD_LETTER_EVENTS, public=False)
VALID = st.sampled_from(CONTRACTS).flatmap(messages).map(encode)
BROKEN_JSON = (
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b'"',
    b"\\",
    b"\x00",
    b"\xff",
    b"null",
    b"true",
    b"NaN",
    b"-",
    b"1e999",
)
FRAGMENTS = (b'"type":"Deposit"', b'"version":2', b'"\\ud800"', b'"\\u0000"', b"9" * 400, b"[" * 300, b'{"a":' * 300)
DEFAULTS_BYTES = len(b'"version":1,"seq":0,"causation_id":"","correlation_id":"","by":"","note":"",') + 100
WORDS = st.sampled_from(BROKEN_JSON + FRAGMENTS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


class Nothing(Repository[None]):
    """Keeps nothing: only the reading is of interest."""

    tables = ()

    def restore(self, rows: Any) -> None:
        """No state."""

    def collect(self, state: None) -> Changes:
        """No rows."""
        return Changes()


def fold(*payloads: bytes, subject: str = "orders.BTC-PERP") -> list[DeadLettered]:
    """One batch of payloads; returns what was buried."""
    epoch = Epoch(1, Progress(), {}, {})
    folder = Folder(
        service="matching",
        stream=COMMANDS,
        handlers={},
        repository=Nothing(),
        state=None,
        epoch=epoch,
        journal=True,
    )
    deliveries = [Delivery(number, 1, subject, payload, "", 0) for number, payload in enumerate(payloads, start=1)]
    commit, counts = folder.fold(folder.decode(deliveries), "", "created")
    assert commit.after.position == len(payloads)
    letters = [letter for row in commit.outbox for letter in LETTERS.decode(row.payload)]
    assert len(letters) == counts.dead
    return letters  # type: ignore[return-value]


def check(payload: bytes) -> None:
    """The payload between two good neighbours: it is read or buried with a known reason, they are not touched."""
    letters = fold(b"{}", payload, b"{}")
    assert (letters[0].stream_seq, letters[-1].stream_seq) == (1, 3)
    for letter in letters[1:-1]:
        assert not isinstance(letter, Refusal)
        assert letter.stream_seq == 2
        assert letter.reason in REASONS
        # A message that could be read is kept as it was understood, with the envelope's defaults written out.
        assert letter.payload_bytes <= len(payload) + DEFAULTS_BYTES


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_random_bytes(payload: bytes) -> None:
    """Noise is a dead letter, never a crash."""
    check(payload)


@settings(max_examples=70)
@given(st.lists(WORDS, max_size=30))
def test_random_pieces_of_json(pieces: list[bytes]) -> None:
    """Deep nesting, huge integers, lone surrogates, NULs and unfinished text are dead letters, never a crash."""
    check(b"".join(pieces))


@settings(max_examples=70)
@given(JSON)
def test_any_json(value: Any) -> None:
    """Whatever is JSON, but no command, is a dead letter."""
    check(json.dumps(value).encode())


@settings(max_examples=70)
@given(VALID, st.data())
def test_a_damaged_command(payload: bytes, data: st.DataObject) -> None:
    """A command cut, overwritten or with something pushed in is a dead letter or still a command."""
    start = data.draw(st.integers(0, len(payload)))
    end = data.draw(st.integers(start, min(len(payload), start + 40)))
    check(payload[:start] + data.draw(WORDS | st.binary(max_size=20)) + payload[end:])


@settings(max_examples=70)
@given(VALID, st.data())
def test_a_command_with_a_strange_value(payload: bytes, data: st.DataObject) -> None:
    """Any value in any field, and any field given twice, is a dead letter or still a command."""
    fields = json.loads(payload)
    name = data.draw(st.sampled_from(sorted(fields)))
    value = json.dumps(data.draw(JSON)).encode()
    check(payload[:-1] + b"," + json.dumps(name).encode() + b":" + value + b"}")
    check(json.dumps({**fields, name: json.loads(value)}).encode())


def test_a_batch_at_the_size_limit() -> None:
    """The largest payload that outsiders may send is looked at; one byte more is refused unread."""
    filler = b'{"type":"Deposit","note":"%s"}'
    full = filler % (b"x" * (MAX_PUBLIC_PAYLOAD_BYTES - len(filler) + 2))
    assert len(full) == MAX_PUBLIC_PAYLOAD_BYTES
    assert [letter.reason for letter in fold(full, full + b" ")] == ["schema_invalid", "oversized"]


def test_the_dead_letter_holds_what_was_sent() -> None:
    """A letter is complete: who refused it, why, where it came from, and the bytes themselves."""
    (letter,) = fold(b'{"type":"Donate"}', subject="orders.BTC-PERP")
    assert (letter.service, letter.reason, letter.stream, letter.stream_seq) == (
        "matching",
        "unknown_type",
        "COMMANDS",
        1,
    )
    assert letter.subject_of_origin == "orders.BTC-PERP"
    assert letter.causation_id == letter.correlation_id == "commands:1"
    assert letter.payload_bytes == 17


def test_a_very_long_subject_does_not_stop_the_dead_letter() -> None:
    """A subject of any length is cut, not tripped over."""
    (letter,) = fold(b"{}", subject="orders." + "x" * 4_000)
    assert len(letter.subject_of_origin) == 255
