"""Bytes to contracts and back: one fast path for what is well formed, one slow path that says what is wrong.

A payload is one JSON object, or a JSON array of objects where the stream packs events. Readers of the system's own
streams ignore fields they do not know (a newer writer may add optional ones); public commands refuse them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Final, Literal, Union

import msgspec
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from cleartide.contracts.base import Message
from cleartide.contracts.fast import FastDecoder

MAX_PUBLIC_PAYLOAD_BYTES: Final = 65_536
MAX_EVENTS_PER_MESSAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one event of a payload cannot be read. `reason` is a code of the dead-letter stream."""

    reason: str
    error: str
    index: int
    raw: bytes


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.__dict__
    # lint: allow not-implemented: what msgspec wants a hook to raise for a type it does not know
    raise NotImplementedError(f"cannot encode {type(value).__name__}")


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def encode(message: Message) -> bytes:
    """The message as one JSON object, whether it was built here or read by the inner hop's reader."""
    if not isinstance(message, BaseModel):
        return _encoder.encode(message)
    if silent := message.unsaid and message.unsaid - message.model_fields_set:
        return _encoder.encode({name: value for name, value in message.__dict__.items() if name not in silent})
    return _encoder.encode(message.__dict__)


def encode_body(fields: dict[str, Any]) -> bytes:
    """Already validated fields as one JSON object."""
    return _encoder.encode(fields)


class Decoder:
    """Reads the contracts of one stream: public ones field by field, the system's own by the derived reader."""

    def __init__(self, contracts: Sequence[type[Message]], *, public: bool) -> None:
        self._versions = {contract.model_fields["type"].default: contract for contract in contracts}
        self._extra: Literal["forbid", "ignore"] = "forbid" if public else "ignore"
        self._public = public
        self._fast = None if public else FastDecoder(contracts)
        union: Any = Union[tuple(contracts)]  # noqa: UP007 - built at run time from the stream's list
        self._any: Any = Annotated[union, Field(discriminator="type")] if len(contracts) > 1 else union
        if public:
            _ = self._one

    @cached_property
    def _one(self) -> TypeAdapter[Message]:
        """Made when it is needed: it takes a start longest, and the events of our own streams are well formed."""
        return TypeAdapter(self._any)

    @cached_property
    def _many(self) -> TypeAdapter[list[Message]]:
        return TypeAdapter(list[self._any])  # type: ignore[name-defined]

    def decode(self, payload: bytes) -> list[Message | Refusal]:
        """Every event of the payload in order; what cannot be read is a Refusal in its place."""
        if self._public and len(payload) > MAX_PUBLIC_PAYLOAD_BYTES:
            return [Refusal("oversized", f"{len(payload)} bytes, limit {MAX_PUBLIC_PAYLOAD_BYTES}", 0, payload)]
        if self._fast is not None:
            try:
                return list(self._fast.decode(payload))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValidationError):
                return self._diagnose(payload)
        try:
            if payload[:1] == b"[":
                many = self._many.validate_json(payload, extra=self._extra)
                if 0 < len(many) <= MAX_EVENTS_PER_MESSAGE:
                    return list(many)
            else:
                return [self._one.validate_json(payload, extra=self._extra)]
        except ValidationError:
            pass
        return self._diagnose(payload)

    def _diagnose(self, payload: bytes) -> list[Message | Refusal]:
        try:
            is_array = payload.lstrip()[:1] == b"["
            raws = msgspec.json.decode(payload, type=list[msgspec.Raw]) if is_array else [msgspec.Raw(payload)]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return [Refusal("malformed_json", str(error)[:300], 0, payload)]
        if not raws or len(raws) > MAX_EVENTS_PER_MESSAGE:
            return [Refusal("bad_batch_size", f"{len(raws)} events, limit {MAX_EVENTS_PER_MESSAGE}", 0, payload)]
        return [self._diagnose_one(bytes(raw), index) for index, raw in enumerate(raws)]

    def _diagnose_one(self, raw: bytes, index: int) -> Message | Refusal:
        try:
            return self._one.validate_json(raw, extra=self._extra)
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=False, include_input=False)
            text = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in details[:3])
        return Refusal(self._reason(raw), text[:300], index, raw)

    def _reason(self, raw: bytes) -> str:
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return "malformed_json"
        if not isinstance(value, dict):
            return "schema_invalid"
        contract = self._versions.get(value.get("type")) if isinstance(value.get("type"), str) else None
        if contract is None:
            return "unknown_type"
        version = value.get("version")
        supported = contract.model_fields["version"].default
        if isinstance(version, int) and not isinstance(version, bool) and version != supported:
            return "unsupported_version"
        return "schema_invalid"
