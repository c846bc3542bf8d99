"""Writes the Python client's operations from the API's document: `make client`."""

import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import cleartide.answers
from typing_extensions import is_typeddict

from services.gateway.edge.reference.document import documented, operations
from services.gateway.tests.answers import bare_api

Operation = dict[str, Any]
ROOT: Final = Path(__file__).parents[3]
FOLDER: Final = ROOT / "libs/common/cleartide/rest"
JSON: Final = "application/json"
GROUPS: Final = ("markets", "liquidity", "orders", "vaults", "accounts", "earnings", "auth", "me", "use", "admin")
CLASSES: Final = {
    "markets": "Market",
    "liquidity": "Liquidity",
    "orders": "Order",
    "vaults": "Vault",
    "accounts": "Account",
    "earnings": "Earnings",
    "auth": "SignIn",
    "me": "My",
    "use": "Use",
    "admin": "Admin",
}
STREAMS: Final = "GET /api/v1/alerts/stream"
"""Given by the client as a stream, `alert_events`."""
NAMES: Final = {
    "GET /api/v1/accounts/{account}": "account",
    "GET /api/v1/accounts/{account}/orders/{client_order_id}": "order",
    "GET /api/v1/accounts/{account}/transfers/open": "open_transfers",
    "GET /api/v1/earnings/{account}": "earnings",
    "GET /api/v1/earnings/{account}/days.csv": "earnings_days_csv",
    "GET /api/v1/earnings/{account}/months.csv": "earnings_months_csv",
    "GET /api/v1/me": "me",
    "GET /api/v1/me/webhooks/{endpoint}": "my_webhook",
    "GET /api/v1/admin/dead-letters/{seq}": "admin_dead_letter",
    "GET /api/v1/admin/trace/{message}": "trace",
    "GET /api/v1/admin/rules/{name}": "admin_rule",
    "POST /api/v1/accounts/{account}/orders": "place_order",
    "POST /api/v1/accounts/{account}/orders/batch": "submit_orders",
    "PATCH /api/v1/accounts/{account}/orders/{client_order_id}": "amend_order",
    "DELETE /api/v1/accounts/{account}/orders/{client_order_id}": "cancel_order",
    "DELETE /api/v1/accounts/{account}/orders": "cancel_all_orders",
    "POST /api/v1/accounts/{account}/commitments": "commit_order",
    "POST /api/v1/accounts/{account}/commitments/{commitment}/reveal": "reveal_order",
    "POST /api/v1/accounts/{account}/auctions/{auction}/quotes": "quote_auction",
    "POST /api/v1/accounts/{account}/liquidations": "request_liquidation",
    "POST /api/v1/accounts/{account}/swaps": "swap_collateral",
    "PUT /api/v1/accounts/{account}/referrer": "set_referrer",
    "POST /api/v1/accounts/{account}/referrals/claims": "claim_referral_rewards",
    "POST /api/v1/accounts/{account}/transfers": "transfer",
    "POST /api/v1/accounts/{account}/withdrawals": "request_withdrawal",
    "DELETE /api/v1/accounts/{account}/withdrawals/{withdrawal}": "cancel_withdrawal",
    "POST /api/v1/accounts/{account}/alerts/{alert}/answers": "answer_alert",
    "PUT /api/v1/accounts/{account}/delegates/{delegate}": "grant_delegate",
    "DELETE /api/v1/accounts/{account}/delegates/{delegate}": "revoke_delegate",
    "GET /api/v1/accounts/{account}/vaults": "account_venue_vaults",
    "GET /api/v1/accounts/{account}/vaults/moves": "account_venue_vault_moves",
    "GET /api/v1/vaults/venue": "venue_vaults",
    "GET /api/v1/vaults/venue/{vault}": "venue_vault",
    "GET /api/v1/vaults/venue/{vault}/history": "venue_vault_history",
    "GET /api/v1/venue/vaults": "venue_vault_performance",
    "POST /api/v1/accounts/{account}/vaults": "open_vault",
    "POST /api/v1/accounts/{account}/vaults/{vault}/deposits": "deposit_in_vault",
    "POST /api/v1/accounts/{account}/vaults/{vault}/withdrawals": "withdraw_from_vault",
    "DELETE /api/v1/accounts/{account}/vaults/{vault}/withdrawals/{exit_id}": "leave_vault_queue",
    "PUT /api/v1/accounts/{account}/vaults/{vault}/terms": "set_vault_terms",
    "PUT /api/v1/accounts/{account}/vaults/{vault}/state": "set_vault_state",
    "POST /api/v1/accounts/{account}/vaults/{vault}/rebalances": "rebalance_vault",
    "POST /api/v1/accounts/{account}/vaults/{vault}/harvests": "harvest_vault",
    "POST /api/v1/accounts/{account}/vaults/{vault}/compounds": "compound_vault",
    "PUT /api/v1/accounts/{account}/leverage/{market}": "set_leverage",
    "PUT /api/v1/accounts/{account}/limits": "set_account_limits",
    "POST /api/v1/auth/nonce": "sign_in_nonce",
    "POST /api/v1/auth/sign-in": "sign_in",
    "POST /api/v1/auth/external": "sign_in_external",
    "POST /api/v1/auth/refresh": "refresh",
    "POST /api/v1/auth/sign-out": "sign_out",
    "PATCH /api/v1/me": "change_profile",
    "DELETE /api/v1/me/sessions": "end_all_sessions",
    "DELETE /api/v1/me/sessions/{session}": "end_session",
    "POST /api/v1/me/wallets": "link_wallet",
    "POST /api/v1/me/wallets/nonce": "wallet_nonce",
    "DELETE /api/v1/me/wallets/{chain}/{address}": "unlink_wallet",
    "POST /api/v1/me/keys": "create_key",
    "POST /api/v1/me/keys/{key}/rotate": "rotate_key",
    "DELETE /api/v1/me/keys/{key}": "revoke_key",
    "POST /api/v1/me/accounts": "open_subaccount",
    "POST /api/v1/me/webhooks": "create_webhook",
    "PATCH /api/v1/me/webhooks/{endpoint}": "change_webhook",
    "DELETE /api/v1/me/webhooks/{endpoint}": "remove_webhook",
    "POST /api/v1/me/webhooks/{endpoint}/rotate": "rotate_webhook_secret",
    "POST /api/v1/me/webhooks/{endpoint}/ping": "ping_webhook",
    "POST /api/v1/me/webhooks/{endpoint}/replay": "replay_webhook",
    "POST /api/v1/me/notifications/read": "read_notifications",
    "PUT /api/v1/me/notifications/profile": "set_notification_profile",
    "POST /api/v1/me/price-alerts": "create_price_alert",
    "DELETE /api/v1/me/price-alerts/{alert}": "remove_price_alert",
    "PUT /api/v1/me/privacy": "set_recording",
    "DELETE /api/v1/me/privacy/recorded": "erase_recorded",
    "POST /api/v1/product/events": "tell_product_events",
    "POST /api/v1/admin/dead-letters/{seq}/redrive": "redrive",
    "PUT /api/v1/admin/roles/{user}": "set_role",
    "PUT /api/v1/admin/networks": "set_networks",
    "PUT /api/v1/admin/rules/{name}": "set_rule",
    "DELETE /api/v1/admin/rules/{name}": "remove_rule",
    "PUT /api/v1/admin/venue/mode": "set_mode",
    "PUT /api/v1/admin/venue/switches/{switch}": "set_switch",
    "PUT /api/v1/admin/venue/limits/{mode}": "set_mode_limits",
    "PUT /api/v1/admin/terms/{whose}": "set_terms",
    "POST /api/v1/admin/alerts/{whose}/{alert}/answers": "answer_venue_alert",
    "PATCH /api/v1/admin/people/{user}": "change_person",
}
_PREFIXES: Final = {"me": "my", "accounts": "account", "markets": "market"}
_VERBS: Final = {"PUT": "set", "POST": "create", "DELETE": "remove", "PATCH": "change"}
_PLAIN: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_FORMAT: Final = "format"
_FORMATS: Final = 'Literal["json", "csv", "parquet"]'
_FILES: Final = 'format: Literal["csv", "parquet"]'
"""Text, or the bytes of a Parquet file."""


def document() -> dict[str, Any]:
    """The API's document, of its routes and models alone."""
    return documented(bare_api())


def named(operation: str) -> str:
    """The method of an operation: given above, or the words of the path."""
    if operation in NAMES:
        return NAMES[operation]
    method, path = operation.split(" ", 1)
    parts = path.removeprefix("/api/").removeprefix("v1/").split("/")
    words = [part for part in parts if not part.startswith("{")]
    if len(parts) > 1:
        words[0] = _PREFIXES.get(words[0], words[0])
    name = re.sub(r"\W", "_", "_".join(words))
    return name if method == "GET" else f"{_VERBS[method]}_{name}"


def group_of(operation: str) -> str:
    """Which part of the client has it."""
    head, *rest = operation.split(" ", 1)[1].removeprefix("/api/v1/").split("/")
    if head == "product" or rest[:1] in (["product"], ["privacy"]):
        return "use"
    if head in ("liquidity", "earnings", "auth", "me", "admin"):
        return head
    if head == "vaults" and rest[:1] != ["venue"]:
        return "earnings"
    if re.search("/(orders|leverage|commitments|quotes|swaps)(/|$)|}/liquidations$", operation):
        return "orders"
    if "/vaults" in operation:
        return "vaults"
    if head in ("accounts", "positions", "alerts", "liquidations", "fees"):
        return "accounts"
    return "markets"


@cache
def answers() -> dict[str, str]:
    """Types of answers and the modules that they are in."""
    modules = [
        import_module(f"cleartide.answers.{one.name}") for one in pkgutil.iter_modules(cleartide.answers.__path__)
    ]
    return {
        name: module.__name__
        for module in modules
        for name, held in vars(module).items()
        if is_typeddict(held) and held.__module__ == module.__name__
    }


class Writer:
    """The text of one part."""

    def __init__(self, known: dict[str, Any]) -> None:
        self._known = known
        self.shapes: dict[str, str] = {}
        self.answers: set[str] = set()

    def type_of(self, schema: dict[str, Any]) -> str:
        """A schema as a type."""
        if "$ref" in schema:
            return self._shape(schema["$ref"].rsplit("/", 1)[1])
        if "const" in schema:
            return f'Literal["{schema["const"]}"]'
        if "enum" in schema:
            return f"Literal[{', '.join(map(json.dumps, schema['enum']))}]"
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return " | ".join(dict.fromkeys(self.type_of(one) for one in schema[several]))
        kind = schema.get("type")
        if kind == "array":
            return f"Sequence[{self.type_of(schema.get('items', {}))}]"
        if kind == "object":
            held = schema.get("additionalProperties")
            return f"Mapping[str, {self.type_of(held) if isinstance(held, dict) else 'Any'}]"
        return "None" if kind == "null" else _PLAIN.get(str(kind), "Any")

    def _shape(self, name: str) -> str:
        schema = self._known[name]
        if schema.get("type") != "object":
            return self.type_of(schema)
        short = re.sub(r"^.*__", "", name).removesuffix("Body")
        if short not in self.shapes:
            self.shapes[short] = ""
            required = set(schema.get("required", ()))
            fields = "".join(
                f"    {field}: {kind if field in required else f'NotRequired[{kind}]'}\n"
                for field, of in schema.get("properties", {}).items()
                for kind in [self.type_of(of)]
            )
            said = " ".join(schema.get("description", "").split("\n\n")[0].split())
            self.shapes[short] = f'class {short}(TypedDict):\n    """{said}"""\n\n{fields or "    pass"}\n\n'
        return short

    def method(self, operation: str, told: Operation) -> str:
        """One operation."""
        method, path = operation.split(" ", 1)
        places = [one for one in told["parameters"] if one["in"] == "path"]
        asked = [one for one in told["parameters"] if one["in"] == "query"]
        headers = {one["name"] for one in told["parameters"] if one["in"] == "header"}
        body = self._body(told)
        plain = [f"{one['name']}: {self.type_of(one['schema'])}" for one in places]
        named_ones = [(one["name"], one["schema"], one["required"]) for one in asked] + body
        must = [f"{name}: {self.type_of(schema)}" for name, schema, needed in named_ones if needed]
        may = [f"{name}: {_or_none(self.type_of(schema))} = None" for name, schema, needed in named_ones if not needed]
        taken = {name for name, _, _ in named_ones}
        place, once = "Cleartide-After" in headers and "after" not in taken, "Idempotency-Key" in headers
        extra = ["after: int | None = None"] * place + ["once: str | None = None"] * once
        keywords = [*must, *may, *extra]
        target = re.sub(r"\{(\w+)\}", r"{part(\1)}", path)
        given = [f'f"{target}"' if "{" in path else f'"{path}"']
        if asked:
            given.append("{" + ", ".join(f'"{one["name"]}": {one["name"]}' for one in asked) + "}")
        if body:
            needed = [f'"{name}": {name}' for name, _, must_be in body if must_be]
            left = [f'"{name}": {name}' for name, _, must_be in body if not must_be]
            fields = [*needed, *([f"**given({{{', '.join(left)}}})"] if left else [])]
            given.append(f"body={{{', '.join(fields)}}}")
        given += ["after=after"] * place + ["once=once"] * once
        told_as = self._answer(told)
        said = told["summary"].rstrip(".")
        call = f'await self._transport.ask("{method}", {", ".join(given)})'
        head, files = f"    async def {named(operation)}", f"{_FORMAT}: {_or_none(_FORMATS)} = None"
        overloads = ""
        if files in keywords:
            for wanted, kind in ((f'{_FORMAT}: Literal["json"] | None = None', told_as), (_FILES, "str | bytes")):
                taken_so = _signature(plain, [wanted if one == files else one for one in keywords])
                overloads += f"    @overload\n{head}({taken_so}) -> {kind}: ...\n\n"
            told_as += " | str | bytes"
        signature = _signature(plain, keywords)
        return (
            f'{overloads}{head}({signature}) -> {told_as}:\n        """{said}."""\n'
            f"        told: {told_as} = {call}\n        return told\n\n"
        )

    def _answer(self, told: Operation) -> str:
        """The type of an operation's answer; text where it is prose."""
        content = next(one for status, one in told["responses"].items() if status.startswith("2"))["content"]
        if JSON not in content:
            return "str"
        schema = content[JSON]["schema"]
        listed = schema.get("type") == "array"
        name = (schema["items"] if listed else schema)["$ref"].rsplit("/", 1)[1]
        self.answers.add(name)
        return f"list[{name}]" if listed else str(name)

    def _body(self, told: Operation) -> list[tuple[str, dict[str, Any], bool]]:
        schema = told.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema", {})
        if "$ref" in schema:
            schema = self._known[schema["$ref"].rsplit("/", 1)[1]]
        required = set(schema.get("required", ()))
        return [(name, of, name in required) for name, of in schema.get("properties", {}).items()]


def _signature(places: list[str], keywords: list[str]) -> str:
    return ", ".join(["self", *places, *(["*"] if keywords else []), *keywords])


def _or_none(kind: str) -> str:
    return kind if "None" in kind.split(" | ") or kind == "Any" else f"{kind} | None"


HEAD: Final = '''"""{title}

Written by `make client` from the API's document: do not edit.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict, overload

{answers}
from cleartide.rest.transport import Transport, given, part


'''
TITLES: Final = {
    "markets": "Markets, prices, funding, vaults, risk and the venue: what is asked of no account.",
    "liquidity": "What other venues' books bear, what they say of their funding, and how they are followed.",
    "orders": "An account's orders, its quotes and swaps, and what it asks for as keeper.",
    "vaults": "The venue's own vaults.",
    "accounts": "One account: money, fees, positions, risk, alerts.",
    "earnings": "What an account has earned, by day and month, and vaults on chains.",
    "auth": "Who comes in, and goes.",
    "me": "Who asks: profile, wallets, keys, webhooks, notifications.",
    "use": "How the product is used, by all and by who asks, and what may be recorded.",
    "admin": "What operators do.",
}
TABLE: Final = '''"""Which method is which operation. Written by `make client`: do not edit."""

from typing import Final

OPERATIONS: Final[dict[str, str]] = {{
{table}}}
'''


def parts(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every file of the client's operations: its name and text, before it is formatted."""
    for group in GROUPS:
        writer = Writer(told["components"]["schemas"])
        methods = "".join(
            writer.method(name, operation)
            for name, operation in operations(told)
            if group_of(name) == group and name != STREAMS
        )
        shapes = "".join(writer.shapes.values())
        whole = (
            f'class {CLASSES[group]}Operations:\n    """{TITLES[group]}"""\n\n    _transport: Transport\n\n{methods}\n'
        )
        imported = "".join(f"from {answers()[name]} import {name}\n" for name in sorted(writer.answers))
        yield f"{group}.py", HEAD.format(title=TITLES[group], answers=imported) + shapes + whole
    found = {name: "alert_events" if name == STREAMS else named(name) for name, _ in operations(told)}
    table = "".join(f'    "{name}": "{method}",\n' for name, method in found.items())
    yield "operations.py", TABLE.format(table=table)


def main() -> None:
    """Write the files, formatted."""
    files = []
    for name, text in parts(document()):
        (FOLDER / name).write_text(text)
        files.append(str(FOLDER / name))
    ruff = str(Path(sys.executable).with_name("ruff"))
    subprocess.run([ruff, "check", "--quiet", "--fix", "--select", "I,F401", *files], check=True, cwd=ROOT)
    subprocess.run([ruff, "format", "--quiet", *files], check=True, cwd=ROOT)
    sys.stdout.write(f"{len(files)} files in {FOLDER.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
