"""The AsyncAPI document: the stream table for people and generators."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cleartide.bus.streams import READS, SERVICES, STREAMS
from cleartide.contracts import ALL_MESSAGES
from cleartide.contracts.asyncapi import asyncapi
from cleartide.contracts.schemas import documents
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

DOCUMENT = asyncapi()
FILES = {f"./{path}": document for path, document in documents().items()}
REGISTRY: Registry[Any] = Registry().with_resources(
    (path, Resource.from_contents(document)) for path, document in FILES.items() if path != "./asyncapi.json"
)


def references(node: Any) -> Iterator[str]:
    """Every $ref below a node."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(reference: str) -> Any:
    """The node that a reference inside the document, or to a schema file, stands for."""
    if not reference.startswith("#/"):
        return FILES[reference]
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def who(action: str, channel: str) -> set[str]:
    """Who sends or receives on a channel."""
    return {
        tag["name"]
        for operation in DOCUMENT["operations"].values()
        if operation["action"] == action and operation["channel"]["$ref"] == f"#/channels/{channel}"
        for tag in operation["tags"]
    }


def test_every_reference_leads_somewhere() -> None:
    """CON-ASYNC-001: A generator can follow all of them, also to the schema files beside the document."""
    for reference in references(DOCUMENT):
        assert resolve(reference) is not None


def test_there_is_one_channel_per_subject_pattern() -> None:
    """The stream table, no more and no less."""
    addresses = [channel["address"] for channel in DOCUMENT["channels"].values()]
    assert addresses == [subject for stream in STREAMS for subject in stream.subjects]


def test_every_message_is_on_a_channel() -> None:
    """CON-ASYNC-001: each contract can be found from a channel, alone or in its stream's array."""
    on_channels = {
        reference.removeprefix("./events/").removesuffix(".json")
        for channel in DOCUMENT["channels"].values()
        for message in channel["messages"].values()
        for reference in references(resolve(message["$ref"])["payload"])
    }
    assert on_channels == {Path(path).stem for path in FILES if path.startswith("./events/")}
    assert len(on_channels) == len(ALL_MESSAGES)


def test_trading_events_are_said_by_matching_alone() -> None:
    """And read by the services that fold them, and live by the gateway."""
    assert who("send", "EVENTS.trading") == {"matching"}
    assert who("receive", "EVENTS.trading") == {"risk", "funding", "earnings", "analytics", "gateway"}


def test_anyone_with_the_viewers_password_receives_risk_alerts() -> None:
    """Alerts are a product of their own."""
    assert who("send", "RISK.risk") == {"risk"}
    assert who("receive", "RISK.risk") == {"gateway", "viewer"}


def test_orders_are_sent_at_the_edge_and_settled_by_matching() -> None:
    """No inner service places an order."""
    assert who("send", "COMMANDS.orders") == {"gateway", "trader"}
    assert who("send", "COMMANDS.liquidations") == {"risk"}
    assert who("receive", "COMMANDS.orders") == {"matching"}


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_receives_the_stream_it_reads(service: str) -> None:
    """All of its subjects."""
    stream = READS[service]
    received = [key for key in DOCUMENT["operations"] if key.startswith(f"{service}.receive.{stream.name}.")]
    assert len(received) == len(stream.subjects)


@pytest.mark.parametrize("name", DOCUMENT["components"]["messages"])
def test_every_payload_example_validates(name: str) -> None:
    """Single events as objects, packed ones as arrays."""
    message = DOCUMENT["components"]["messages"][name]
    validator = Draft202012Validator(message["payload"]["schema"], registry=REGISTRY)
    for example in message["examples"]:
        validator.validate(example["payload"])


def test_the_server_is_a_variable() -> None:
    """No host of anybody is in the document."""
    server = DOCUMENT["servers"]["nats"]
    assert server["host"] == "{host}:{port}"
    assert set(server["variables"]) == {"host", "port"}
    assert "://" not in json.dumps(DOCUMENT)
