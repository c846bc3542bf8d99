"""Values that fit a JSON Schema: the examples of bodies for which nobody has written one."""

import re
from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]
TEXTS: Final = (
    "BTC-PERP",
    "u0123456789abcdef0123",
    "1.5",
    "mine-1",
    "USDC",
    "binance",
    "22:00",
    "2026-11-21",
    "2026-11",
    "order.filled",
    "UTC",
    "https://example.com/hook",
    "we_0123456789abcdef0123",
    "pa_0123456789abcdef0123",
    "ann@example.com",
    "0.02",
)
NAMED: Final = {
    "account": "u0123456789abcdef0123",
    "address": "0x52908400098527886E0F7030069857D2E4169EE7",
    "amount": "100",
    "command_id": "gateway-PlaceOrder-0657d2921a3b4f3eb53334de50dfe103",
    "display_name": "Ann",
    "market": "BTC-PERP",
    "message": "the statement, as signed",
    "name": "trading desk",
    "note": "seen",
    "owner": "u0123456789abcdef0123",
    "price": "61800.0",
    "refresh_token": "what the sign-in gave",
    "signature": "0x5f3c",
    "session": "s0123456789abcdef0123",
    "size": "0.010",
    "status": "ok",
    "token": "eyJhbGciOiJFUzI1NiJ9.e30.c2ln",
    "token_type": "Bearer",
    "url": "https://example.com/hook",
    "user": "u0123456789abcdef0123",
    "username": "ann",
}
MOST_DEPTH: Final = 6


def sample(schema: Schema, known: Mapping[str, Schema], name: str = "", depth: int = 0) -> Any:
    """A value that fits: the schema's own example or default, its first choice, or one that its bounds allow."""
    if reference := schema.get("$ref"):
        return sample(known[str(reference).rpartition("/")[2]], known, name, depth)
    for given in ("const", "default"):
        if given in schema and schema[given] is not None:
            return schema[given]
    for choices in ("examples", "enum"):
        if schema.get(choices):
            return schema[choices][0]
    for either in ("anyOf", "oneOf", "allOf"):
        if either in schema:
            return sample(schema[either][0], known, name, depth)
    return _of_type(schema, known, name, depth)


def _of_type(schema: Schema, known: Mapping[str, Schema], name: str, depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object":
        wanted = schema.get("required", ()) if depth else schema.get("properties", {})
        parts = schema.get("properties", {})
        return {part: sample(parts[part], known, part, depth + 1) for part in wanted if depth < MOST_DEPTH}
    if kind == "array":
        return [sample(schema.get("items", {}), known, name, depth + 1)] if schema.get("minItems") else []
    if kind in ("integer", "number"):
        return int(schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1))
    if kind == "boolean":
        return True
    return _text(schema, name) if kind == "string" else None


def _text(schema: Schema, name: str) -> str:
    pattern, most = schema.get("pattern", ""), schema.get("maxLength", 10_000)
    fitting = (
        text for text in (NAMED.get(name, ""), *TEXTS) if text and re.search(pattern, text) and len(text) <= most
    )
    return next(fitting, "")


def shape(value: Any) -> dict[str, Any]:
    """The schema of answers that look like a recorded one; whatever is null once may be anything."""
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"type": ["boolean", "null"]}
    if isinstance(value, int):
        return {"type": ["integer", "null"]}
    if isinstance(value, str):
        return {"type": ["string", "null"]}
    if isinstance(value, list):
        return {"type": "array", "items": shape(value[0]) if value else {}}
    if isinstance(value, Mapping):
        return {"type": ["object", "null"], "properties": {name: shape(part) for name, part in value.items()}}
    return {"type": ["number", "null"]}
