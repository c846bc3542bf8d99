"""The OpenAPI 3.1 document: FastAPI's, of routes and models, with who may ask, how it fails, and examples.

What may be asked by whom is read from the tables that decide it. Examples of answers are recorded from a venue that ran
(`examples.json`, by `make api-examples`); those of bodies are the models' own, or values that fit their schema.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

from services.gateway.domain.access import SIGNED_SCOPES
from services.gateway.edge.authorisation import PUBLIC, READS, SCOPES
from services.gateway.edge.errors import error_body
from services.gateway.edge.guards import LIMITED_PREFIX
from services.gateway.edge.reference.samples import sample, shape

Operation = dict[str, Any]
JSON: Final = "application/json"
EXAMPLES: Final = Path(__file__).parent / "examples.json"
ADMIN: Final = "/api/v1/admin/"
SECURITY: Final = {
    "session": {"type": "http", "scheme": "bearer", "description": "The access token of `POST /api/v1/auth/sign-in`."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key; reads."},
    "signed_key": {
        "type": "apiKey",
        "in": "header",
        "name": "Cleartide-Signature",
        "description": "With Cleartide-Key and Cleartide-Timestamp: hex HMAC-SHA256 of the five lines in docs/api.md.",
    },
}
FAILURES: Final = {
    "400": ("bad_request", "The request cannot be read, or has two kinds of credentials."),
    "401": ("sign_in_required", "Sign in, or send an API key."),
    "403": ("not_permitted", "The account is not yours."),
    "404": ("not_found", "There is no such thing."),
    "408": ("body_too_slow", "The body did not come within 10 s."),
    "409": ("after_beyond_sequence", "No command has this position."),
    "413": ("body_too_large", "A body has at most 65536 bytes."),
    "422": ("invalid_parameter", "A parameter is not valid."),
    "429": ("rate_limited", "Too many requests."),
    "502": ("bad_upstream_reply", "A service answered in a form that the gateway does not know."),
    "503": ("service_unavailable", "The matching service is not running."),
    "504": ("upstream_timeout", "The matching service did not answer in time."),
}
PUBLIC_REFUSALS: Final = {
    "401": ("token_expired", "The access token is not good, or no longer."),
    "403": ("address_not_allowed", "This key may not be used from this address."),
}
"""Nobody has to say who he is; who does is not let in as a stranger when it does not hold."""
ABOUT: Final = (
    "Amounts, prices and sizes are decimal strings; instants are microseconds since the Unix epoch (UTC). Lists give "
    "`next`, the `before` of the page that follows. Every failure has one form, `error`, with a stable `code`. "
    "`Idempotency-Key` on a write makes it happen once. `Cleartide-After`, with the `position` of a write's answer, "
    "makes a read know what became of it."
)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    """Every operation by its name, `GET /api/v1/markets`."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


@cache
def recorded() -> dict[str, Any]:
    """Bodies of answers by operation."""
    found: dict[str, Any] = json.loads(EXAMPLES.read_text())
    return found


def documented(app: FastAPI) -> dict[str, Any]:
    """The whole document."""
    document: dict[str, Any] = FastAPI.openapi(app)
    document["info"]["description"] = ABOUT
    parts = document.setdefault("components", {})
    parts["securitySchemes"] = SECURITY
    form = {"$ref": "#/components/schemas/ErrorForm"}
    for name, operation in operations(document):
        operation["security"], operation["x-access"] = access(name, operation)
        _failures(name, operation, form)
        _parameters(name, operation)
        _body(operation, parts["schemas"])
        _answer(name, operation, parts["schemas"])
    return document


def access(name: str, operation: Operation) -> tuple[list[dict[str, list[str]]], str]:
    """Which credentials open an operation, for machines and in words."""
    method, path = name.split(" ", 1)
    scope = SCOPES.get(name)
    if name in PUBLIC:
        return [], "public"
    if path.startswith(ADMIN):
        return [{"session": []}], "a person with an operator's role"
    if scope is not None:
        return _holders(scope), f"its owner, with the scope {scope}"
    named = any(one["name"] == "account" for one in operation.get("parameters", ()))
    if method in READS and named:
        return _holders("account:read"), "its owner and delegates, with the scope account:read; readers for the venue"
    return [{"session": []}], "readers for the venue"


def _holders(scope: str) -> list[dict[str, list[str]]]:
    if scope == "identity:write":
        return [{"session": []}]
    keys = ("signed_key",) if scope in SIGNED_SCOPES else ("signed_key", "key")
    return [{kind: []} for kind in ("session", *keys)]


def _failures(name: str, operation: Operation, form: dict[str, str]) -> None:
    refusals = {**FAILURES, **PUBLIC_REFUSALS} if name in PUBLIC else FAILURES
    skipped = set() if LIMITED_PREFIX in name else set(PUBLIC_REFUSALS)
    for status, (code, message) in refusals.items():
        if status in skipped or (status in operation["responses"] and status != "422"):
            continue
        body = {"schema": form, "example": error_body(code, message)}
        operation["responses"][status] = {"description": message, "content": {JSON: body}}


def _parameters(name: str, operation: Operation) -> None:
    """A place is for reads of what services know; a write may name itself."""
    given = [one for one in operation.get("parameters", ()) if one["name"] != "cleartide-after"]
    if name.startswith("GET /api/v1/") and not name.startswith(("GET /api/v1/me", "GET /api/v1/admin")):
        schema = {"type": "integer", "minimum": 0}
        text = "The `position` of a command's answer: the read waits until its outcome is known, then 504."
        given.append(
            {"name": "Cleartide-After", "in": "header", "required": False, "schema": schema, "description": text}
        )
    if not name.startswith("GET"):
        schema = {"type": "string", "minLength": 1, "maxLength": 128}
        text = "The first request with it runs; whatever repeats it within a day gets its answer."
        given.append(
            {"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema, "description": text}
        )
    operation["parameters"] = given


def _body(operation: Operation, known: dict[str, Any]) -> None:
    content = operation.get("requestBody", {}).get("content", {}).get(JSON)
    if content is not None:
        content["example"] = sample(content["schema"], known)


def _answer(name: str, operation: Operation, known: dict[str, Any]) -> None:
    status = next(status for status in operation["responses"] if status.startswith("2"))
    content = operation["responses"][status].setdefault("content", {})
    if name.endswith(("/alerts/stream", "/metrics", ".csv")):
        kind = "text/csv" if name.endswith(".csv") else "text/event-stream" if "stream" in name else "text/plain"
        operation["responses"][status]["content"] = {kind: {"schema": {"type": "string"}}}
        return
    told = content.setdefault(JSON, {})
    example = recorded().get(name)
    if not told.get("schema"):
        told["schema"] = shape(example) if example is not None else {"type": "object"}
    told["example"] = example if example is not None else sample(told["schema"], known)
