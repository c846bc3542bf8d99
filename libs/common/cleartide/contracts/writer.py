"""The writer's side of the contracts: bodies to bytes, validated by what is derived from the contract itself.

An event that is written in volume is checked for its fields, types, choices and bounds by a struct that has them from
the contract: a fifth of the time, equal bytes. Patterns of texts are left to where a text comes from: names and ids of
events were those of commands, which are read field by field. Other events are validated by the contract itself.
"""

import types
from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel

from cleartide.contracts.base import Message
from cleartide.contracts.codec import encode_body

Write = Callable[[dict[str, Any]], bytes]
"""One event as a JSON object, of all its fields but `type` and `version`. Raises pydantic's ValidationError."""

BOUNDS: Final = ("gt", "ge", "lt", "le", "min_length", "max_length")


@cache
def writer(contract: type[Message]) -> Write:
    """How events of this contract are written. Made once per process: every epoch asks for it anew."""
    if not contract.packed or any(_holds_contract(info.annotation) for info in contract.model_fields.values()):
        validate = contract.__pydantic_validator__.validate_python
        return lambda body: encode_body(validate(body).__dict__)
    struct, encode, convert = _struct(contract), msgspec.json.Encoder().encode, msgspec.convert

    def write(body: dict[str, Any]) -> bytes:
        try:
            return encode(convert(body, struct, strict=True))
        except msgspec.ValidationError:
            contract.model_validate(body)  # says what is wrong
            raise

    return write


def _holds_contract(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return any(_holds_contract(argument) for argument in get_args(annotation))


def _struct(contract: type[Message]) -> type[msgspec.Struct]:
    fields = list[Any]()
    for name, info in contract.model_fields.items():
        kind = _with_bounds(info.annotation, info.metadata)
        fields.append((name, kind) if info.is_required() else (name, kind, info.default))
    return msgspec.defstruct(contract.__name__, fields, kw_only=True, frozen=True, gc=False, forbid_unknown_fields=True)


def _bounded(hint: Any) -> Any:
    """The type with the contract's bounds, as msgspec spells them."""
    origin = get_origin(hint)
    if origin is Annotated:
        kind, *constraints = get_args(hint)
        return _with_bounds(kind, constraints)
    if origin in (Union, types.UnionType):
        return Union[tuple(map(_bounded, get_args(hint)))]  # noqa: UP007 - built at run time
    if origin is tuple:
        return types.GenericAlias(tuple, tuple(item if item is ... else _bounded(item) for item in get_args(hint)))
    return hint


def _with_bounds(hint: Any, constraints: Sequence[Any]) -> Any:
    bounds = dict[str, Any]()
    for constraint in constraints:
        for part in getattr(constraint, "metadata", [constraint]):
            bounds |= {name: bound for name in BOUNDS if (bound := getattr(part, name, None)) is not None}
    if bounds and get_origin(hint) in (Union, types.UnionType):
        options = (hint if hint is types.NoneType else _with_bounds(hint, constraints) for hint in get_args(hint))
        return Union[tuple(options)]  # noqa: UP007 - built at run time
    return Annotated[_bounded(hint), msgspec.Meta(**bounds)] if bounds else _bounded(hint)
