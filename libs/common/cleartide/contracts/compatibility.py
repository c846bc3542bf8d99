"""What a new schema of the same version would break, by the one question: what may be written that is not read?

Asked with an old reader of new messages, and with a new reader of old ones. Only one change passes both: a new optional
field with a default. On a stream whose readers refuse unknown fields it is sound once the readers run the new code.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

Schema = dict[str, Any]
Direction = Literal["old reader", "new reader", "order"]

_BOUNDS: Final = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
_ANNOTATIONS: Final = frozenset({"$schema", "$id", "$defs", "title", "description", "examples", "default"})
_COMPARED: Final = frozenset(
    {"type", "const", "enum", "pattern", "anyOf", "items", "prefixItems", "properties", "required", "$ref"}
    | {"additionalProperties", "exclusiveMinimum", "exclusiveMaximum", *_BOUNDS}
)


@dataclass(frozen=True)
class Finding:
    """direction: who fails. "order": nobody, provided that the readers are brought up to date before the writers."""

    direction: Direction
    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.direction}: {self.path or 'message'}: {self.problem}"


def compare(old: Schema, new: Schema) -> list[Finding]:
    """Everything that differs to somebody's harm. Raises ValueError on schemas that it cannot judge."""
    return [
        *(Finding("old reader", path, problem) for path, problem in _unread(_View(new), _View(old), "")),
        *(Finding("new reader", path, problem) for path, problem in _unread(_View(old), _View(new), "")),
        *_changed_fields(_View(old), _View(new), ""),
    ]


def breaking(old: Schema, new: Schema) -> list[Finding]:
    """Those findings that no order of upgrading helps."""
    return [finding for finding in compare(old, new) if finding.direction != "order"]


class _View:
    """A schema node with its references resolved."""

    def __init__(self, node: Schema, root: Schema | None = None) -> None:
        self.root = node if root is None else root
        while "$ref" in node:
            node = self.root["$defs"][node["$ref"].removeprefix("#/$defs/")]
        unknown = set(node) - _COMPARED - _ANNOTATIONS
        if unknown:
            raise ValueError(f"cannot compare schemas with {', '.join(sorted(unknown))}")
        self.node = node

    def at(self, node: Schema) -> "_View":
        """A node inside this one."""
        return _View(node, self.root)

    @property
    def choices(self) -> list["_View"]:
        """The alternatives; the node itself where there are none."""
        return [choice for each in self.node.get("anyOf", ()) for choice in self.at(each).choices] or [self]

    @property
    def values(self) -> list[Any] | None:
        """The only values allowed, or None."""
        if "const" in self.node:
            return [self.node["const"]]
        values: list[Any] | None = self.node.get("enum")
        return values

    @property
    def fields(self) -> dict[str, "_View"]:
        """The fields of an object."""
        return {name: self.at(field) for name, field in self.node.get("properties", {}).items()}

    @property
    def required(self) -> frozenset[str]:
        """The fields that are always there."""
        return frozenset(self.node.get("required", ()))

    @property
    def closed(self) -> bool:
        """Whether unknown fields are refused."""
        return self.node.get("additionalProperties") is False


def _unread(writer: _View, reader: _View, path: str) -> Iterator[tuple[str, str]]:
    """What the writer may write and the reader refuses, as (path, problem)."""
    readers = reader.choices
    for choice in writer.choices:
        problems = [list(_unread_choice(choice, each, path)) for each in readers]
        yield from min(problems, key=len)


def _unread_choice(writer: _View, reader: _View, path: str) -> Iterator[tuple[str, str]]:
    written, read = writer.node.get("type"), reader.node.get("type")
    if read is not None and written != read:
        yield path, f"type {written} is written, {read} is read"
        return
    yield from ((path, problem) for problem in _unread_values(writer, reader))
    yield from ((path, problem) for problem in _out_of_bounds(writer.node, reader.node))
    yield from _unread_items(writer, reader, path)
    yield from _unread_fields(writer, reader, path)


def _unread_values(writer: _View, reader: _View) -> Iterator[str]:
    if reader.values is not None:
        if writer.values is None:
            yield f"any value is written, only {reader.values} is read"
        elif extra := [value for value in writer.values if value not in reader.values]:
            yield f"{extra} is written, only {reader.values} is read"
    pattern = reader.node.get("pattern")
    if pattern is not None and pattern != writer.node.get("pattern"):
        yield f"pattern {writer.node.get('pattern')} is written, {pattern} is read"


def _out_of_bounds(writer: Schema, reader: Schema) -> Iterator[str]:
    ours, theirs = _bounds(writer), _bounds(reader)
    for name, bound in theirs.items():
        written = ours.get(name)
        if written is None or (written < bound if name.startswith("min") else written > bound):
            yield f"{name} {written} is written, {bound} is read"


def _bounds(node: Schema) -> dict[str, int]:
    """The bounds, all inclusive: every number of the contracts is an integer."""
    bounds: dict[str, int] = {name: node[name] for name in _BOUNDS if name in node}
    if "exclusiveMinimum" in node:
        above = node["exclusiveMinimum"] + 1
        bounds["minimum"] = max(above, bounds.get("minimum", above))
    if "exclusiveMaximum" in node:
        below = node["exclusiveMaximum"] - 1
        bounds["maximum"] = min(below, bounds.get("maximum", below))
    return bounds


def _unread_items(writer: _View, reader: _View, path: str) -> Iterator[tuple[str, str]]:
    written, read = writer.node.get("prefixItems", []), reader.node.get("prefixItems", [])
    for index, (ours, theirs) in enumerate(zip(written, read, strict=False)):
        yield from _unread(writer.at(ours), reader.at(theirs), f"{path}[{index}]")
    if len(written) != len(read):
        yield path, f"{len(written)} fixed items are written, {len(read)} are read"
    if "items" in reader.node and not isinstance(reader.node["items"], bool):
        yield from _unread(writer.at(writer.node.get("items", {})), reader.at(reader.node["items"]), f"{path}[]")


def _unread_fields(writer: _View, reader: _View, path: str) -> Iterator[tuple[str, str]]:
    for name in sorted(reader.required - writer.required):
        yield _join(path, name), "may be missing where it is written, must be there where it is read"
    for name, field in reader.fields.items():
        if name in writer.fields:
            yield from _unread(writer.fields[name], field, _join(path, name))


def _changed_fields(old: _View, new: _View, path: str) -> Iterator[Finding]:
    """Fields that came, went, or mean something else when they are missing; in objects at any depth."""
    for name in old.fields:
        if name not in new.fields:
            yield Finding("old reader", _join(path, name), "is not written any more")
    for name, field in new.fields.items():
        if name not in old.fields:
            yield from _added(old, new, path, name)
        else:
            yield from _changed_default(old.fields[name], field, _join(path, name))
            yield from _changed_inside(old.fields[name], field, _join(path, name))
    if new.closed and not old.closed:
        yield Finding("new reader", path, "unknown fields were allowed and are refused now")


def _added(old: _View, new: _View, path: str, name: str) -> Iterator[Finding]:
    if name not in new.required and "default" not in new.node["properties"][name]:
        yield Finding("new reader", _join(path, name), "is optional and has no default")
    if old.closed:
        yield Finding("order", _join(path, name), "is refused by readers that do not know it")


def _changed_default(old: _View, new: _View, path: str) -> Iterator[Finding]:
    absent = object()
    before, after = old.node.get("default", absent), new.node.get("default", absent)
    if before is not absent and after is not absent and before != after:
        yield Finding("old reader", path, f"missing meant {before!r} and means {after!r} now")


def _changed_inside(old: _View, new: _View, path: str) -> Iterator[Finding]:
    olds, news = _objects(old), _objects(new)
    for before, after in zip(olds, news, strict=False):
        yield from _changed_fields(before, after, path)


def _objects(view: _View) -> list[_View]:
    """The object that a field, or the items of its list, holds; empty where it holds none."""
    found = []
    for choice in view.choices:
        if "properties" in choice.node:
            found.append(choice)
        elif "items" in choice.node and not isinstance(choice.node["items"], bool):
            found += _objects(choice.at(choice.node["items"]))
    return found


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
