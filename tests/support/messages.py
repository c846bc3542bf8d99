"""Random valid messages of any contract, made from the contract's own bounds."""

import re
import types
from functools import cache
from operator import add
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from cleartide.contracts import Contract, Message
from hypothesis import strategies as st
from pydantic import StringConstraints

WIDEST: Final = 2**53 - 1
WORD: Final = re.compile(r"\^(\(\?:)?(\[[^]]+])?(\[[^]]+])\{(\d+)(?:,(\d+))?\}(?:\)\?)?\$")
"""A pattern of a name: perhaps a class of its own for the first letter, perhaps nothing at all."""
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


def messages(contract: type[Message]) -> st.SearchStrategy[Message]:
    """Valid instances of a contract."""
    return _contract(contract)  # type: ignore[return-value]


@cache  # what a strategy is made of costs more than a draw from it
def _contract(contract: type[Contract]) -> st.SearchStrategy[Contract]:
    fields = {
        name: _values(field.annotation, [*field.metadata])
        for name, field in contract.model_fields.items()
        if name not in ("type", "version")
    }
    return st.fixed_dictionaries(fields).map(lambda body: contract(**body))


def _values(annotation: Any, metadata: list[Any]) -> st.SearchStrategy[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return _values(inner, [*more, *metadata])
    if origin is Literal:
        return st.sampled_from(get_args(annotation))
    if origin in (Union, types.UnionType):
        return st.one_of(*(_values(option, metadata) for option in get_args(annotation)))
    if origin is tuple:
        return _tuples(get_args(annotation), _flat(metadata))
    if isinstance(annotation, type) and issubclass(annotation, Contract):
        return _contract(annotation)
    return _plain(annotation, _flat(metadata))


def _tuples(items: tuple[Any, ...], bounds: dict[type, Any]) -> st.SearchStrategy[Any]:
    if len(items) == 2 and items[1] is Ellipsis:
        smallest = bounds[MinLen].min_length if MinLen in bounds else 0
        largest = max(smallest, min(bounds[MaxLen].max_length if MaxLen in bounds else 4, 4))
        return st.lists(_values(items[0], []), min_size=smallest, max_size=largest).map(tuple)
    return st.tuples(*(_values(item, []) for item in items))


def _plain(annotation: Any, bounds: dict[type, Any]) -> st.SearchStrategy[Any]:
    if annotation is bool:
        return st.booleans()
    if annotation is type(None):
        return st.none()
    if annotation is int:
        return st.integers(_smallest(bounds), _largest(bounds))
    if annotation is not str:
        raise TypeError(f"no values for {annotation}")
    if StringConstraints in bounds and bounds[StringConstraints].pattern:
        return _patterned(bounds[StringConstraints].pattern)
    largest = min(bounds[MaxLen].max_length if MaxLen in bounds else 20, 20)
    return st.text(st.characters(codec="utf-8"), max_size=largest, min_size=1 if MinLen in bounds else 0)


def _patterned(pattern: str) -> st.SearchStrategy[str]:
    """Texts of a pattern; a name is drawn at once: following its pattern letter by letter was half of a test."""
    name = WORD.fullmatch(pattern)
    if name is None:
        return st.from_regex(pattern.replace("$", r"\Z"))
    may_be_empty, first, rest, least, most = name.groups()
    letters = st.text(_letters(rest), min_size=int(least), max_size=int(most or least))
    names = st.builds(add, st.sampled_from(_letters(first)), letters) if first else letters
    return st.just("") | names if may_be_empty else names


def _letters(of: str) -> str:
    return "".join(filter(re.compile(of).fullmatch, map(chr, range(128))))


def _flat(metadata: list[Any]) -> dict[type, Any]:
    """Every bound by its kind; a field description of a type alias carries its bounds one level down."""
    found: dict[type, Any] = {}
    for entry in metadata:
        for bound in (entry, *getattr(entry, "metadata", ())):
            found[type(bound)] = bound
    return found


def _smallest(bounds: dict[type, Any]) -> int:
    if Ge in bounds:
        return int(bounds[Ge].ge)
    return int(bounds[Gt].gt) + 1 if Gt in bounds else -WIDEST


def _largest(bounds: dict[type, Any]) -> int:
    if Le in bounds:
        return int(bounds[Le].le)
    return int(bounds[Lt].lt) - 1 if Lt in bounds else WIDEST
