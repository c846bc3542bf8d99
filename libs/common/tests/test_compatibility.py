"""Contracts change without breaking anybody: old readers read new messages, new readers read old ones."""

import copy
import io
import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cleartide.bus.streams import STREAM_OF
from cleartide.contracts import ALL_MESSAGES, ListMarket, PlaceOrder, RiskAlertRaised, TradeExecuted, VenueBook
from cleartide.contracts.codec import Decoder, Refusal, encode
from cleartide.contracts.compatibility import Schema, breaking, compare
from cleartide.contracts.schemas import documents, message_schema

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = sorted((ROOT / "schemas" / "golden").glob("*.json"))
Change = Callable[[Schema], object]


def directions(old: Schema, new: Schema) -> set[tuple[str, str]]:
    """Who fails, and on which field."""
    return {(finding.direction, finding.path) for finding in compare(old, new)}


def changed(schema: Schema, change: Change) -> Schema:
    """A copy of the schema with one change."""
    copied = copy.deepcopy(schema)
    change(copied)
    return copied


def _rename(schema: Schema) -> None:
    schema["properties"]["purchaser"] = schema["properties"].pop("buyer")
    schema["required"][schema["required"].index("buyer")] = "purchaser"


def _remove(schema: Schema) -> None:
    del schema["properties"]["buyer"]
    schema["required"].remove("buyer")


def _allow_null(schema: Schema) -> None:
    schema["properties"]["buyer"] = {"anyOf": [schema["properties"]["buyer"], {"type": "null"}]}


def _refuse_null(schema: Schema) -> None:
    schema["properties"]["buy_order_id"] = schema["properties"]["buy_order_id"]["anyOf"][0]


OLD, NEW = "old reader", "new reader"
BREAKS: dict[str, tuple[Change, str, set[str]]] = {
    "a field removed": (_remove, "buyer", {OLD}),
    "an optional field removed": (lambda s: s["properties"].pop("outside_trade_id"), "outside_trade_id", {OLD}),
    "a field retyped": (lambda s: s["properties"]["size_lots"].update(type="string"), "size_lots", {OLD, NEW}),
    "an enum widened": (lambda s: s["properties"]["origin"]["enum"].append("auction"), "origin", {OLD}),
    "an enum narrowed": (lambda s: s["properties"]["origin"]["enum"].remove("outside"), "origin", {NEW}),
    "a value fixed": (lambda s: s["properties"]["origin"].update(const="book"), "origin", {NEW}),
    "a bound tightened": (lambda s: s["properties"]["quote_quanta"].update(maximum=10), "quote_quanta", {NEW}),
    "a bound dropped": (lambda s: s["properties"]["quote_quanta"].pop("maximum"), "quote_quanta", {OLD}),
    "a bound widened": (lambda s: s["properties"]["trade_id"].update(minimum=-1), "trade_id", {OLD}),
    "a pattern changed": (lambda s: s["properties"]["buyer"].update(pattern="^[a-z]+$"), "buyer", {OLD, NEW}),
    "a pattern dropped": (lambda s: s["properties"]["buyer"].pop("pattern"), "buyer", {OLD}),
    "null allowed": (_allow_null, "buyer", {OLD}),
    "null refused": (_refuse_null, "buy_order_id", {NEW}),
    "a required field made optional": (lambda s: s["required"].remove("buyer"), "buyer", {OLD}),
    "an optional field made required": (lambda s: s["required"].append("seq"), "seq", {NEW}),
    "a default changed": (lambda s: s["properties"]["seq"].update(default=1), "seq", {OLD}),
    "unknown fields refused": (lambda s: s.update(additionalProperties=False), "", {NEW}),
}


@pytest.mark.parametrize(("change", "path", "who"), BREAKS.values(), ids=BREAKS)
def test_a_breaking_change_is_named_with_who_it_breaks(change: Change, path: str, who: set[str]) -> None:
    """CON-COMPAT-001: each kind of break is found, on its field, for the side that fails."""
    old = message_schema(TradeExecuted)
    assert directions(old, changed(old, change)) == {(side, path) for side in who}


def test_a_renamed_field_is_one_that_went_and_one_that_came() -> None:
    """Old readers miss the old name, new readers miss the new one in what was written before."""
    old = message_schema(TradeExecuted)
    assert directions(old, changed(old, _rename)) == {(OLD, "buyer"), (NEW, "purchaser")}


def test_a_new_field_without_default_breaks_readers_of_old_messages() -> None:
    """Old messages lack it: required, it refuses them; optional without default, it has no meaning for them."""
    old = message_schema(TradeExecuted)
    required = changed(old, lambda s: (s["properties"].update(tax={"type": "integer"}), s["required"].append("tax")))
    optional = changed(old, lambda s: s["properties"].update(tax={"type": "integer"}))
    assert directions(old, required) == directions(old, optional) == {("new reader", "tax")}


def test_a_new_optional_field_with_a_default_is_allowed() -> None:
    """CON-COMPAT-002: the one way to extend an event within its version."""
    old = message_schema(TradeExecuted)
    new = changed(old, lambda s: s["properties"].update(tax={"type": "integer", "default": 0}))
    assert compare(old, new) == []


def test_a_new_optional_field_of_a_command_wants_its_readers_first() -> None:
    """Commands with unknown fields are refused, so whoever reads them must run the new code before anyone sends it."""
    old = message_schema(PlaceOrder)
    new = changed(old, lambda s: s["properties"].update(tag={"type": "string", "default": ""}))
    assert breaking(old, new) == []
    assert [str(finding) for finding in compare(old, new)] == ["order: tag: is refused by readers that do not know it"]


@pytest.mark.parametrize(
    ("contract", "change", "path"),
    [
        (RiskAlertRaised, lambda s: s["$defs"]["AlertInput"]["properties"].pop("value"), "inputs.value"),
        (RiskAlertRaised, lambda s: s["$defs"]["AlertInput"]["properties"]["lots"].update(minimum=0), "inputs[].lots"),
        (RiskAlertRaised, lambda s: s["properties"]["inputs"].update(maxItems=2), "inputs"),
        (VenueBook, lambda s: s["properties"]["bids"]["items"]["prefixItems"].append({"type": "integer"}), "bids[]"),
        (VenueBook, lambda s: s["properties"]["bids"]["items"]["prefixItems"][0].update(type="string"), "bids[][0]"),
        (ListMarket, lambda s: s["$defs"]["MarketSpec"]["properties"]["base"].update(maxLength=3), "spec.base"),
    ],
    ids=["a field", "a bound", "the length of a list", "the length of a tuple", "a place of a tuple", "a nested type"],
)
def test_breaks_inside_lists_and_nested_contracts_are_found(contract: Any, change: Change, path: str) -> None:
    """Not just the top level counts."""
    old = message_schema(contract)
    assert path in {finding.path for finding in breaking(old, changed(old, change))}


def test_prose_may_change() -> None:
    """Titles, descriptions and examples bind nobody; 0 < x and 1 <= x are the same integers."""
    old = message_schema(TradeExecuted)
    new = changed(old, lambda s: s.update(description="better", examples=[]))
    new["properties"]["size_lots"].pop("exclusiveMinimum")
    new["properties"]["size_lots"]["minimum"] = 1
    assert compare(old, new) == []


def test_a_schema_that_cannot_be_judged_is_refused() -> None:
    """A keyword that the comparison does not know is an error, not a pass."""
    old = message_schema(TradeExecuted)
    with pytest.raises(ValueError, match="multipleOf"):
        compare(old, changed(old, lambda s: s["properties"]["size_lots"].update(multipleOf=5)))


def committed(reference: str, folder: str) -> dict[str, Any]:
    """The JSON files of a folder as git holds them, by path; empty where that commit has none."""
    command = ["git", "-C", str(ROOT), "archive", "--format=tar", reference, folder]
    archive = subprocess.run(command, capture_output=True, check=False)
    if archive.returncode:
        return {}
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        return {
            member.name: json.load(content)
            for member in files.getmembers()
            if member.name.endswith(".json") and (content := files.extractfile(member)) is not None
        }


def baselines() -> list[str]:
    """The last commit and every release; skips where there is no history to compare with."""
    tags = subprocess.run(["git", "-C", str(ROOT), "tag", "--list", "v*"], capture_output=True, text=True, check=False)
    if tags.returncode:
        pytest.skip("no git history here, so there are no committed schemas to compare with")
    return ["HEAD", *tags.stdout.split()]


def test_the_contracts_break_nobody_who_runs_what_was_committed() -> None:
    """CON-COMPAT-003: against the last commit and every release. A break needs a new version."""
    current = {f"schemas/{path}": document for path, document in documents().items()}
    for reference in baselines():
        for path, old in committed(reference, "schemas/events").items():
            if path in current:
                assert [str(finding) for finding in breaking(old, current[path])] == [], f"{path} since {reference}"


def test_golden_messages_are_as_they_were_committed() -> None:
    """They stand for messages that are in streams for good, so nobody edits or removes them."""
    present = {f"schemas/golden/{path.name}": json.loads(path.read_text()) for path in GOLDEN}
    for reference in baselines():
        for path, message in committed(reference, "schemas/golden").items():
            assert present.get(path) == message, f"{path} since {reference}"


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_golden_message_is_still_read(path: Path) -> None:
    """CON-COMPAT-004: by today's reader of its stream, with every value it had."""
    golden = json.loads(path.read_text())
    stream = next(
        STREAM_OF[contract]
        for contract in ALL_MESSAGES
        if contract.model_fields["type"].default == path.name.split(".")[0]
    )
    (read,) = Decoder(stream.contracts, public=stream.public).decode(path.read_bytes())
    assert not isinstance(read, Refusal), read
    assert is_kept(golden, json.loads(encode(read)))


def is_kept(old: Any, new: Any) -> bool:
    """Whether every value is still there; a contract may have fields more by now, at any depth."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(name in new and is_kept(old[name], new[name]) for name in old)
    if isinstance(old, list):
        return isinstance(new, list) and len(old) == len(new) and all(map(is_kept, old, new))
    return bool(old == new)
