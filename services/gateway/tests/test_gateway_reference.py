"""The API's document: in step with the routes, with examples that fit, and the walls that it promises, walked."""

import re
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from deploy.local.valkey import ValkeyServer
from services.gateway.edge.pages import STATIC
from services.gateway.edge.reference.document import JSON, Operation, operations
from services.gateway.edge.reference.samples import sample
from services.gateway.tests.entrance import Entrance, Person, entrance
from tests.support.servers import Broker, Database

PROSE: Final = ("/alerts/stream", "/metrics", ".csv")
REFUSED: Final = (403, 404)
GATEWAY: Final = Path(__file__).parents[1]
API: Final = GATEWAY.parents[1] / "docs" / "api.md"


@pytest.fixture
async def door(database: Database, broker: Broker, valkey: ValkeyServer) -> Any:
    """The edge with nothing behind it."""
    async with entrance(database, broker, redis_url=valkey.url) as opened:
        yield opened


async def document_of(door: Entrance) -> dict[str, Any]:
    """The document, as anybody gets it."""
    async with door.http.get(f"{door.url}/api/openapi.json") as answer:
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
        return found


def check_examples(document: dict[str, Any]) -> None:
    """GW-DOC-002: every operation has examples of its answer and of its body, each of which its schema takes."""
    parts = {"components": document["components"]}
    for name, operation in operations(document):
        if body := operation.get("requestBody"):
            told = body["content"][JSON]
            jsonschema.validate(told["example"], {**told["schema"], **parts})
        status = next(status for status in operation["responses"] if status.startswith("2"))
        assert operation["summary"], name
        if not name.endswith(PROSE):
            told = operation["responses"][status]["content"][JSON]
            assert "example" in told, name
            jsonschema.validate(told["example"], {**told["schema"], **parts})
        assert {"429", "503", "504"} <= set(operation["responses"]), name
        assert ({"401", "403"} <= set(operation["responses"])) == ("/api/v1/" in name), name


def check_form(document: dict[str, Any]) -> None:
    """GW-DOC-001: the document is OpenAPI 3.1 whose references lead somewhere, and every operation says who may ask."""
    assert document["openapi"].startswith("3.1")
    known = document["components"]["schemas"]
    for reference in _references(document):
        assert reference.rpartition("/")[2] in known, reference
    schemes = document["components"]["securitySchemes"]
    for name, operation in operations(document):
        assert all(kind in schemes for one in operation["security"] for kind in one), name
        assert operation["x-access"], name
        named = {part[1:-1] for part in name.split("/") if part.startswith("{")}
        paths = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert named == {part.removesuffix("}") for part in paths}, name


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for part in value.values() for found in _references(part)]
    return [found for part in value for found in _references(part)] if isinstance(value, list) else []


async def check_strangers(door: Entrance, document: dict[str, Any]) -> None:
    """GW-DOC-003: without credentials, every operation that is not public is 401, whatever is asked of it."""
    for name, operation in operations(document):
        if operation["security"]:
            status, body, _ = await _ask(door, None, name, operation, document, {"account": "a1"})
            assert (name, status, body["error"]["code"]) == (name, 401, "sign_in_required")


async def check_tenants(door: Entrance, document: dict[str, Any]) -> None:
    """GW-DOC-004: another tenant's accounts, keys, sessions, webhooks and alerts are 403 or 404 in every operation."""
    ann, ben = await door.sign_in(), await door.sign_in()
    key = (await ann.ask("POST", "me/keys", {"name": "k", "scopes": ["account:read"]}))[1]
    hook = (await ann.ask("POST", "me/webhooks", {"url": "https://example.com/h", "kinds": ["order.filled"]}))[1]
    hers = {"account": ann.user, "delegate": ben.user, "user": ann.user, "session": ann.session["session"]}
    hers |= {"key": key.get("id") or key["key"]["id"], "endpoint": hook.get("id", "e1"), "market": "BTC-PERP"}
    checked = 0
    for name, operation in operations(document):
        path = {part[1:-1] for part in name.split("/") if part.startswith("{")}
        asks_for = {one["name"] for one in operation["parameters"]}
        if not operation["security"] or not (path or "account" in asks_for or "/admin/" in name):
            continue
        status, body, _ = await _ask(door, ben, name, operation, document, hers)
        assert status in REFUSED, (name, status, body)
        checked += 1
    assert checked > 40
    status, mine, _ = await ann.ask("GET", "me/keys")
    assert (status, len(mine.get("keys", ()))) == (200, 1), mine
    assert (await ann.ask("GET", "me"))[0] == 200


async def check_readers(door: Entrance, document: dict[str, Any]) -> None:
    """GW-DOC-012: with a key that reads, nothing is written, not even of one's own: 403, whatever is asked of it."""
    ann = await door.sign_in()
    key = (await ann.ask("POST", "me/keys", {"name": "k", "scopes": ["account:read"]}))[1]["key"]
    checked = 0
    for name, operation in operations(document):
        if operation["security"] and not name.startswith("GET "):
            own = {"account": ann.user, "market": "BTC-PERP"}
            status, body, _ = await _ask(door, None, name, operation, document, own, X_API_Key=key)
            assert (name, status, body["error"]["code"]) == (name, 403, "not_permitted")
            checked += 1
    assert checked > 60


async def _ask(
    door: Entrance,
    person: Person | None,
    name: str,
    operation: Operation,
    document: dict[str, Any],
    names: dict[str, str],
    **headers: str,
) -> tuple[int, Any, Any]:
    method, path = name.split(" ", 1)
    known = document["components"]["schemas"]
    given = {
        one["name"]: names.get(one["name"]) or sample(one["schema"], known, one["name"]) or "x"
        for one in operation["parameters"]
    }
    query = "&".join(
        f"{one['name']}={given[one['name']]}"
        for one in operation["parameters"]
        if one["in"] == "query" and (one["required"] or one["name"] == "account")
    )
    body = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("example")
    filled = path.removeprefix("/api/v1/").format(**given)
    asked = f"{filled}?{query}" if query else filled
    return await (person or door).ask(method, asked, body, **headers)


async def test_the_document_is_what_the_door_does(door: Entrance) -> None:
    """GW-DOC-001: one document, and the door that it describes."""
    document = await document_of(door)
    check_form(document)
    check_examples(document)
    async with door.http.get(f"{door.url}/api/docs") as answer:
        text = await answer.text()
        assert (answer.status, "<script" in text) == (200, False)
        styles = re.findall(r'<link rel="(?:stylesheet|icon)" href="/([^"]+)"', text)
        assert styles
        assert all((STATIC / style).is_file() for style in styles)
        assert all(name in text for name, _ in operations(document))
    await check_strangers(door, document)
    await check_tenants(door, document)
    await check_readers(door, document)


def test_what_is_said_to_be_refused_is_and_is_tested() -> None:
    """GW-DOC-011: every refusal of docs/api.md is one that the gateway makes, and has a test."""
    told = API.read_text().partition("## What is refused, and how\n")[2].partition("\n## ")[0]
    codes = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", told))
    assert len(codes) >= 10
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__))
    parts = (path for folder in ("edge", "identity", "domain") for path in (GATEWAY / folder).rglob("*.py"))
    gateway = "".join(path.read_text() for path in parts)
    assert [code for code in sorted(codes) if code not in tests or f'"{code}"' not in gateway] == []
