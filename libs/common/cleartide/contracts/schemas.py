"""The published form of the contracts: one JSON Schema per message and version, one AsyncAPI document, golden messages.

`python -m cleartide.contracts.schemas write` brings `schemas/` up to date, `check` fails where it is not.

A schema accepts what the contract accepts: public commands with unknown fields are refused, readers of the system's own
streams ignore them. It differs on three points. It asks every writer for `type` and `version`, which the contract fills
in; it takes 1.0 for an integer, which the contract does not; and it does not take true for version 1, which it does.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

# lint: allow direction: the generator of schemas/ tells the streams too; nothing that runs imports it
from cleartide.bus.streams import STREAM_OF
from cleartide.contracts import ALL_MESSAGES
from cleartide.contracts.asyncapi import EVENTS, asyncapi, name_of
from cleartide.contracts.base import Message
from cleartide.contracts.examples import example_of
from cleartide.contracts.glossary import MEANINGS

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ASYNCAPI: Final = "asyncapi.json"
GOLDEN: Final = "golden"

Document = dict[str, Any]


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles that repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def message_schema(contract: type[Message]) -> Document:
    """The JSON Schema of one message."""
    schema = contract.model_json_schema(schema_generator=_Untitled)
    definitions = schema.pop("$defs", {})
    for node in (schema, *definitions.values()):
        _finish(node, closed=STREAM_OF[contract].public)
    for field in ("type", "version"):
        del schema["properties"][field]["default"]
    version = contract.model_fields["version"].default
    document = {
        "$schema": DIALECT,
        "$id": f"cleartide:{schema['title']}:{version}",
        "title": schema["title"],
        "description": schema["description"],
        "type": "object",
        "properties": schema["properties"],
        "required": ["type", "version", *schema["required"]],
        **({"additionalProperties": False} if STREAM_OF[contract].public else {}),
        "examples": [example_of(contract)],
    }
    return document | ({"$defs": definitions} if definitions else {})


def documents() -> dict[str, Document]:
    """Every generated document by its path below `schemas/`."""
    events = {f"{EVENTS}/{name_of(contract)}.json": message_schema(contract) for contract in ALL_MESSAGES}
    return {**events, ASYNCAPI: asyncapi()}


def golden() -> dict[str, Document]:
    """A first message of each version by its path. Written once and then kept: every later reader must read it."""
    return {f"{GOLDEN}/{name_of(contract)}.json": example_of(contract) for contract in ALL_MESSAGES}


def rendered(document: Document) -> str:
    """The text of a file; the same document always gives the same text."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> list[str]:
    """Bring the folder up to date; returns what was changed, one line each."""
    changes = []
    wanted = {path: rendered(document) for path, document in documents().items()}
    for path, text in wanted.items():
        if _text(folder / path) != text:
            changes.append(_put(folder, path, text))
    for path, document in golden().items():
        if not (folder / path).exists():
            changes.append(_put(folder, path, rendered(document)))
    for path in _superfluous(folder):
        (folder / path).unlink()
        changes.append(f"{path} removed")
    return changes


def check(folder: Path) -> list[str]:
    """What is not up to date, one line each; empty when all is well."""
    wanted = {path: rendered(document) for path, document in documents().items()}
    stale = [f"{path} is out of date" for path, text in wanted.items() if _text(folder / path) != text]
    missing = [f"{path} is missing" for path in golden() if not (folder / path).exists()]
    return stale + missing + [f"{path} is of no contract" for path in _superfluous(folder)]


def _finish(node: Document, *, closed: bool) -> None:
    """Open or closed as the readers have it, and every field with its meaning."""
    if not closed:
        node.pop("additionalProperties", None)
    owner = node["title"]
    node["properties"] = {name: _described(owner, name, field) for name, field in node["properties"].items()}


def _described(owner: str, name: str, field: Document) -> Document:
    inherited = next((choice["description"] for choice in field.get("anyOf", ()) if "description" in choice), None)
    meaning = MEANINGS.get(f"{owner}.{name}") or MEANINGS.get(name) or inherited
    return {"description": field.get("description") or meaning, **field}


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _put(folder: Path, path: str, text: str) -> str:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, encoding="utf-8")
    return f"{path} written"


def _superfluous(folder: Path) -> list[str]:
    """Schemas of types that are gone. Those of older versions stay: their messages are still in the streams."""
    types = {contract.model_fields["type"].default for contract in ALL_MESSAGES}
    present = sorted((folder / EVENTS).glob("*.json"))
    return [path.relative_to(folder).as_posix() for path in present if path.name.split(".")[0] not in types]


def main(arguments: list[str]) -> int:
    """Run one command; `check` answers 1 when something is out of date."""
    parser = argparse.ArgumentParser(prog="python -m cleartide.contracts.schemas", description="Published contracts")
    parser.add_argument("command", choices=("write", "check"))
    parser.add_argument("--folder", type=Path, default=Path("schemas"), help="default: ./schemas")
    parsed = parser.parse_args(arguments)
    lines = (write if parsed.command == "write" else check)(parsed.folder)
    for line in lines:
        sys.stdout.write(f"{line}\n")
    return 1 if lines and parsed.command == "check" else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
