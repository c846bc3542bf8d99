"""The inner hop's reader, derived from the contracts: the same fields from the same definition, five times faster.

Events of the system's own streams were validated by their writer, so readers check the shape and the types, not the
patterns and bounds again. Values come as msgspec structs with the contract's attributes; fields that hold a contract
(`MarketListed.spec`) hold the very pydantic model. A test keeps both readers equal, event by event.
"""

import types
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Union, cast, get_args, get_origin

import msgspec
from pydantic import BaseModel, TypeAdapter

from cleartide.contracts.base import Message

_encode = msgspec.json.Encoder().encode


class _Event(msgspec.Struct, frozen=True, gc=False):
    """Base of the derived structs: what `Message` offers beside its fields."""

    @property
    def type(self) -> str:
        """The contract's name, which is the struct's tag."""
        return cast(str, self.__struct_config__.tag)


def _plain_type(annotation: Any) -> Any:
    """The annotation without pydantic's constraints."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _plain_type(get_args(annotation)[0])
    if origin in (Union, types.UnionType) and len(_contracts_in(annotation)) > 1:
        return _choice(annotation)
    if origin in (Union, types.UnionType):
        return Union[tuple(_plain_type(option) for option in get_args(annotation))]  # noqa: UP007 - built at run time
    if origin is tuple:
        items = tuple(item if item is ... else _plain_type(item) for item in get_args(annotation))
        return types.GenericAlias(tuple, items)
    if origin is Literal:
        return annotation
    return annotation


def _contracts_in(annotation: Any) -> list[type[BaseModel]]:
    options = (_plain_type(option) for option in get_args(annotation))
    return [option for option in options if isinstance(option, type) and issubclass(option, BaseModel)]


class _Choice:
    """Stands for one of several contracts, of which msgspec would take but one."""

    adapter: ClassVar[TypeAdapter[Any]]


def _choice(annotation: Any) -> type[_Choice]:
    return type("Choice", (_Choice,), {"adapter": TypeAdapter(annotation)})


def _struct(contract: type[Message]) -> type[msgspec.Struct]:
    required, optional = [], []
    for name, info in contract.model_fields.items():
        if name == "type":
            continue
        kind = _plain_type(info.annotation)
        if info.is_required():
            required.append((name, kind))
        else:
            optional.append((name, kind, info.default))
    return msgspec.defstruct(
        contract.__name__,
        [*required, *optional],
        bases=(_Event,),
        tag_field="type",
        tag=contract.model_fields["type"].default,
        kw_only=True,
        frozen=True,
        gc=False,
    )


def _contract_value(kind: type[Any], value: Any) -> Any:
    if issubclass(kind, _Choice):
        return kind.adapter.validate_json(_encode(value))
    if issubclass(kind, BaseModel):
        return kind.model_validate_json(_encode(value))
    # lint: allow not-implemented: what msgspec wants a hook to raise for a type it does not know
    raise NotImplementedError(f"no reader for {kind}")


class FastDecoder:
    """Reads payloads of one internal stream; raises msgspec.DecodeError on anything unexpected."""

    def __init__(self, contracts: Sequence[type[Message]]) -> None:
        union: Any = Union[tuple(_struct(contract) for contract in contracts)]  # noqa: UP007 - built at run time
        self._one: msgspec.json.Decoder[Any] = msgspec.json.Decoder(union, dec_hook=_contract_value)
        self._many: msgspec.json.Decoder[Any] = msgspec.json.Decoder(list[union], dec_hook=_contract_value)

    def decode(self, payload: bytes) -> list[Message]:
        """The payload's events. They have the contracts' attributes and are read-only, like them."""
        return cast(list[Message], self._many.decode(payload) if payload[:1] == b"[" else [self._one.decode(payload)])
