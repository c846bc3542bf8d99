"""The published schemas: up to date, complete, and enough by themselves to tell a good message from a bad one."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cleartide.bus.streams import STREAM_OF
from cleartide.contracts import ALL_MESSAGES, DeadLettered, Deposit, MarketListed, Message, RiskAlertRaised
from cleartide.contracts.asyncapi import name_of
from cleartide.contracts.codec import Decoder, Refusal, encode
from cleartide.contracts.examples import EXAMPLES, example_of
from cleartide.contracts.glossary import MEANINGS
from cleartide.contracts.schemas import check, documents, main, message_schema, write
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.validators import extend
from pydantic import ValidationError

from tests.support.messages import messages

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = ROOT / "schemas"
CONTRACTS = pytest.mark.parametrize("contract", ALL_MESSAGES, ids=lambda contract: contract.__name__)
WRONG: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 2, -1, 1.5, 2**40, 2**53 - 1, 2**53, 2**63, -(2**53), 10**12 + 1),
    *("", "0", "-0", "00", "1", "-1", "1.", "1.5", "1e3", "A", "a", "BTC-PERP\n", "a b", "é", "x" * 200),
    *([], [1], {}, {"a": 1}),
)


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError as Wrong

    # JSON Schema patterns are ECMA-262, where $ is the very end; Python's $ lets a last line break pass.
    if isinstance(value, str) and not re.search(pattern.replace("$", r"\Z"), value):
        yield Wrong(f"{value!r} does not match {pattern!r}")


VALIDATOR: Any = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
DECODERS = {
    stream.name: Decoder(stream.contracts, public=stream.public)
    for stream in {STREAM_OF[contract].name: STREAM_OF[contract] for contract in ALL_MESSAGES}.values()
}


def contract_accepts(contract: type[Message], message: dict[str, Any]) -> bool:
    """Whether the contract of record accepts a message as its stream's readers do."""
    try:
        contract.model_validate_json(json.dumps(message), extra="forbid" if STREAM_OF[contract].public else "ignore")
    except ValidationError:
        return False
    return True


@cache
def _validator(contract: type[Message]) -> Any:
    return VALIDATOR(message_schema(contract))


def schema_accepts(contract: type[Message], message: dict[str, Any]) -> bool:
    """Whether the published schema accepts a message."""
    return bool(_validator(contract).is_valid(message))


def reader_accepts(contract: type[Message], message: dict[str, Any]) -> bool:
    """Whether a service that reads the contract's stream can use a message."""
    (read,) = DECODERS[STREAM_OF[contract].name].decode(json.dumps(message).encode())
    return not isinstance(read, Refusal)


class TestTheFolder:
    def test_is_what_the_contracts_say_today(self) -> None:
        """CON-SCHEMA-001: whoever changes a contract runs `python -m cleartide.contracts.schemas write`."""
        assert check(SCHEMAS) == []

    def test_is_named_stale_file_by_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A change, a lost file and a stray file are each reported; writing repairs them and says what it did."""
        assert len(write(tmp_path)) == 2 * len(ALL_MESSAGES) + 1
        assert check(tmp_path) == []
        (tmp_path / "events" / "Deposit.v1.json").write_text("{}")
        (tmp_path / "golden" / "Withdraw.v1.json").unlink()
        (tmp_path / "events" / "Gone.v1.json").write_text("{}")
        assert main(["check", "--folder", str(tmp_path)]) == 1
        assert capsys.readouterr().out.splitlines() == [
            "events/Deposit.v1.json is out of date",
            "golden/Withdraw.v1.json is missing",
            "events/Gone.v1.json is of no contract",
        ]
        assert main(["write", "--folder", str(tmp_path)]) == 0
        assert main(["check", "--folder", str(tmp_path)]) == 0

    def test_keeps_golden_messages_and_older_versions(self, tmp_path: Path) -> None:
        """What was once published stays: writing neither refreshes golden messages nor drops older schemas."""
        write(tmp_path)
        (tmp_path / "golden" / "Deposit.v1.json").write_text("kept")
        (tmp_path / "events" / "Deposit.v0.json").write_text("kept")
        assert write(tmp_path) == []
        assert (tmp_path / "golden" / "Deposit.v1.json").read_text() == "kept"
        assert (tmp_path / "events" / "Deposit.v0.json").read_text() == "kept"

    def test_comes_out_the_same_every_time(self) -> None:
        """Two runs give the same bytes, so a difference is always a change of a contract."""
        assert json.dumps(documents()) == json.dumps(documents())


@CONTRACTS
class TestEverySchema:
    def test_is_a_schema_of_the_dialect_it_names(self, contract: type[Message]) -> None:
        """2020-12, with an identifier that names no host."""
        schema = message_schema(contract)
        Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
        assert schema["$id"] == "cleartide:{}:{}".format(*name_of(contract).split(".v"))

    def test_explains_itself_and_every_field(self, contract: type[Message]) -> None:
        """CON-SCHEMA-002: A reader without our source learns what each field is and in which unit."""
        schema = message_schema(contract)
        for node in (schema, *schema.get("$defs", {}).values()):
            assert len(node["description"]) > 15
            assert [name for name, field in node["properties"].items() if not field["description"]] == []

    def test_shows_a_message_that_it_and_the_readers_accept(self, contract: type[Message]) -> None:
        """CON-SCHEMA-003: the example is what a writer would send."""
        (example,) = message_schema(contract)["examples"]
        assert schema_accepts(contract, example)
        assert contract_accepts(contract, example)
        assert reader_accepts(contract, example)


def test_every_meaning_belongs_to_a_field() -> None:
    """The glossary holds nothing that no contract has."""
    nodes = [node for contract in ALL_MESSAGES for node in _objects(message_schema(contract))]
    fields = {(node["title"], name) for node in nodes for name in node["properties"]}
    assert set(MEANINGS) <= {name for _, name in fields} | {f"{owner}.{name}" for owner, name in fields}


def _objects(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [schema, *schema.get("$defs", {}).values()]


@CONTRACTS
class TestASchemaAlone:
    """A writer or reader in any language may rely on the JSON Schema: it judges as the contract does."""

    @settings(max_examples=15, deadline=None)
    @given(data=st.data())
    def test_accepts_every_good_message(self, contract: type[Message], data: st.DataObject) -> None:
        """CON-SCHEMA-004: whatever a writer may send validates, and reads."""
        message = json.loads(encode(data.draw(messages(contract))))
        assert schema_accepts(contract, message)
        assert contract_accepts(contract, message)
        assert reader_accepts(contract, message)

    @settings(max_examples=30, deadline=None)
    @given(data=st.data())
    def test_agrees_on_every_spoiled_message(self, contract: type[Message], data: st.DataObject) -> None:
        """CON-SCHEMA-005: a field lost, added or replaced: both accept it, and it is read, or both refuse it."""
        message = example_of(contract)
        _spoil(message, *data.draw(_spoilings(contract)))
        verdict = contract_accepts(contract, message)
        assert schema_accepts(contract, message) == verdict
        if verdict or STREAM_OF[contract].public:
            assert reader_accepts(contract, message) == verdict


@cache
def _spoilings(contract: type[Message]) -> st.SearchStrategy[tuple[int, str, Any]]:
    """Which place of the contract's example, what is done there, and what is put there."""
    count = sum(1 for _ in _places(example_of(contract)))
    return st.tuples(st.integers(0, count - 1), st.sampled_from(("replace", "add", "remove")), st.sampled_from(WRONG))


def _spoil(message: dict[str, Any], place: int, what: str, wrong: Any) -> None:
    holder, key = list(_places(message))[place]
    if what == "remove" and not (holder is message and key in ("type", "version")):
        del holder[key]
    elif what != "add":
        holder[key] = 2 if key == "version" and wrong is True else wrong
    elif isinstance(holder, dict):
        holder["a_field_of_tomorrow"] = 1
    else:
        holder.append(holder[key])


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    for key in node if isinstance(node, dict) else range(len(node)):
        yield node, key
        if isinstance(node[key], (dict, list)):
            yield from _places(node[key])


class TestWhereASchemaDiffers:
    """The documented exceptions, so that there is no other by accident."""

    def test_it_asks_writers_for_type_and_version(self) -> None:
        """A reader fills in what is missing; a writer that follows the schema never leaves it out."""
        for field in ("type", "version"):
            message = example_of(RiskAlertRaised)
            del message[field]
            assert not schema_accepts(RiskAlertRaised, message)
            assert contract_accepts(RiskAlertRaised, message)

    def test_it_does_not_take_true_for_version_one(self) -> None:
        """In the language of our readers true equals 1."""
        message = example_of(DeadLettered) | {"version": True}
        assert not schema_accepts(DeadLettered, message)
        assert contract_accepts(DeadLettered, message)

    def test_it_takes_one_point_zero_for_an_integer(self) -> None:
        """JSON Schema knows no difference; our readers want integers written as integers."""
        message = example_of(DeadLettered) | {"attempts": 1.0}
        assert schema_accepts(DeadLettered, message)
        assert not contract_accepts(DeadLettered, message)


class TestUnknownFields:
    def test_are_refused_in_commands(self) -> None:
        """CON-SCHEMA-006: A misspelt field of an order must not be ignored."""
        message = example_of(Deposit) | {"ammount": "1"}
        assert not schema_accepts(Deposit, message)
        assert not reader_accepts(Deposit, message)

    def test_are_ignored_in_events_at_any_depth(self) -> None:
        """CON-SCHEMA-006: A newer writer may add fields without stopping older readers."""
        message = example_of(MarketListed)
        message["spec"]["brackets"][0]["note"] = "new"
        assert schema_accepts(MarketListed, message)
        assert reader_accepts(MarketListed, message)


def test_there_is_one_example_of_every_message() -> None:
    """No contract without one."""
    assert set(EXAMPLES) == set(ALL_MESSAGES)
