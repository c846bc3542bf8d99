"""The AsyncAPI 3.0 document: who says what on which subject, and who reads it, straight from the stream table."""

from typing import Any, Final

from cleartide.bus.permissions import OPERATOR, USERS, users  # lint: allow direction: see schemas.py
from cleartide.bus.streams import READS, STREAM_OF, STREAMS, Stream  # lint: allow direction: see schemas.py
from cleartide.contracts.base import Message
from cleartide.contracts.codec import MAX_EVENTS_PER_MESSAGE
from cleartide.contracts.examples import example_of

EVENTS: Final = "events"
SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"
DESCRIPTION: Final = """\
Every message of Cleartide, by stream. Integers carry their unit in the name: ticks, lots, quanta (1e-6 of the quote
asset), ppb (1e-9), micros since the Unix epoch (UTC).
Streams are NATS JetStream streams; `>` stands for the rest of a subject. A reader resumes by sequence and ignores
fields that it does not know; commands with unknown fields are refused.
"""

Document = dict[str, Any]


def name_of(contract: type[Message]) -> str:
    """`<Type>.v<version>`, the name of a message and of its files."""
    return f"{contract.model_fields['type'].default}.v{contract.model_fields['version'].default}"


def asyncapi() -> Document:
    """The whole document; deterministic."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Cleartide", "version": "1.0.0", "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {"nats": _server()},
        "channels": {
            _channel_key(stream, subject): _channel(stream, subject)
            for stream in STREAMS
            for subject in stream.subjects
        },
        "operations": {key: operation for stream in STREAMS for key, operation in _operations(stream)},
        "components": {"messages": {key: message for stream in STREAMS for key, message in _messages(stream).items()}},
    }


def _server() -> Document:
    return {
        "host": "{host}:{port}",
        "protocol": "nats",
        "description": "One user per service, with rights to no more than its own subjects.",
        "variables": {
            "host": {"default": "localhost", "description": "where the NATS server answers"},
            "port": {"default": "4222", "description": "its client port"},
        },
        "security": [{"type": "userPassword"}],
    }


def _channel_key(stream: Stream, subject: str) -> str:
    return f"{stream.name}.{subject.removesuffix('.>')}"


def _channel(stream: Stream, subject: str) -> Document:
    kept = f"{stream.max_age_seconds} s" if stream.max_age_seconds else "for good"
    order = "its events carry one gapless `seq`" if stream.single_writer else "position is the JetStream sequence"
    return {
        "address": subject,
        "title": f"{stream.name}: {subject}",
        "description": f"Stream {stream.name}, kept {kept}; {order}.",
        "servers": [{"$ref": "#/servers/nats"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _names(stream, subject)},
    }


def _names(stream: Stream, subject: str) -> list[str]:
    """Names of the messages that a subject pattern carries."""
    if _is_packed(stream):
        return [_pack_name(stream)]
    prefix = subject.removesuffix(">")
    return [name_of(contract) for contract in stream.contracts if contract.subject_template.startswith(prefix)]


def _messages(stream: Stream) -> dict[str, Document]:
    if _is_packed(stream):
        return {_pack_name(stream): _pack(stream)}
    return {name_of(contract): _message(contract) for contract in stream.contracts}


def _message(contract: type[Message]) -> Document:
    return {
        "name": name_of(contract),
        "title": contract.model_fields["type"].default,
        "summary": (contract.__doc__ or "").splitlines()[0],
        "contentType": "application/json",
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": _schema_of(contract)},
        "examples": [{"name": name_of(contract), "payload": example_of(contract)}],
        "x-subject": contract.subject_template,
    }


def _pack(stream: Stream) -> Document:
    """The one message of a stream that packs its events: a JSON array of them."""
    schema = {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_EVENTS_PER_MESSAGE,
        "items": {"anyOf": [_schema_of(contract) for contract in stream.contracts]},
    }
    first = stream.contracts[0]
    return {
        "name": _pack_name(stream),
        "title": f"Events of {stream.name}",
        "summary": "A JSON array of events, in order.",
        "contentType": "application/json",
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": schema},
        "examples": [{"name": name_of(first), "payload": [example_of(first)]}],
        "x-subjects": {name_of(contract): contract.subject_template for contract in stream.contracts},
    }


def _operations(stream: Stream) -> list[tuple[str, Document]]:
    """Every writer sends on its own subjects; readers of the whole stream and listeners on a part of it receive."""
    pairs = [
        *(("send", who, subjects) for who, subjects in stream.writers.items()),
        *(("receive", who, subjects) for who, subjects in _readers(stream).items()),
    ]
    return [
        (f"{who}.{action}.{_channel_key(stream, pattern)}", _operation(action, who, stream, pattern))
        for action, who, subjects in pairs
        for pattern in stream.subjects
        if any(_covers(pattern, subject) for subject in subjects)
    ]


def _readers(stream: Stream) -> dict[str, tuple[str, ...]]:
    """Who reads: by the stream table with a consumer, by the permission table as it happens."""
    consumers = {who: stream.subjects for who, read in READS.items() if read is stream}
    live = {user.name: user.subscribe for user in users(dict.fromkeys(USERS, "")) if user.name != OPERATOR}
    return live | consumers


def _operation(action: str, who: str, stream: Stream, pattern: str) -> Document:
    channel = _channel_key(stream, pattern)
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "title": f"{who} {action}s {pattern}",
        "tags": [{"name": who}],
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in _names(stream, pattern)],
    }


def _covers(pattern: str, subject: str) -> bool:
    return subject == pattern or subject.startswith(pattern.removesuffix(">"))


def _is_packed(stream: Stream) -> bool:
    return all(contract.packed for contract in stream.contracts)


def _pack_name(stream: Stream) -> str:
    return f"{stream.name}.events"


def _schema_of(contract: type[Message]) -> Document:
    assert contract in STREAM_OF, f"{contract.__name__} is on no stream"
    return {"$ref": f"./{EVENTS}/{name_of(contract)}.json"}
