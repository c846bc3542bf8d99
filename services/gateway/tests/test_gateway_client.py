"""The Python client offers what the API's document says, and does it."""

import asyncio
import inspect
import re
from typing import Any, get_overloads, get_type_hints

from cleartide.contracts.codec import encode
from cleartide.rest import Key, Refused, RestClient
from cleartide.rest.operations import OPERATIONS

from deploy.local.valkey import ValkeyServer
from services.gateway.edge.reference.document import operations
from services.gateway.tests.answers import type_of
from services.gateway.tests.client_maker import JSON, STREAMS, document
from services.gateway.tests.entrance import EvmWallet, entrance
from services.gateway.tests.support import MARKET, alert, answering
from tests.support.servers import Broker, Database, forget_addresses


def _asked(operation: dict[str, Any], known: dict[str, Any]) -> set[str]:
    """What an operation takes: places of its path, parameters, fields of its body."""
    schema = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema", {})
    if "$ref" in schema:
        schema = known[schema["$ref"].rsplit("/", 1)[1]]
    named = {one["name"] for one in operation["parameters"] if one["in"] in ("path", "query")}
    headers = {"Cleartide-After": "after", "Idempotency-Key": "once"}
    own = {headers[one["name"]] for one in operation["parameters"] if one["name"] in headers}
    return named | own | set(schema.get("properties", {}))


def test_every_operation_is_a_method() -> None:
    """GW-CLIENT-001: every operation of the document is a method that takes what it takes."""
    told = document()
    assert set(OPERATIONS) == {name for name, _ in operations(told)}, "make client"
    assert len(set(OPERATIONS.values())) == len(OPERATIONS)
    for name, operation in operations(told):
        if name == STREAMS:
            continue
        signature = inspect.signature(getattr(RestClient, OPERATIONS[name]))
        taken = {one for one in signature.parameters if one != "self"}
        assert (name, taken) == (name, _asked(operation, told["components"]["schemas"])), "make client"
        assert all(
            one.annotation is not inspect.Parameter.empty for one in signature.parameters.values() if one.name != "self"
        )


def test_every_method_answers_what_its_route_does() -> None:
    """GW-CLIENT-003: the type of a method's answer is the route's own; with `format` it is so but for files."""
    for name, method in OPERATIONS.items():
        if name == STREAMS:
            continue
        route = type_of(*re.sub(r"[{}]", "", name).split(" ", 1)) or str
        asked = getattr(RestClient, method)
        kinds = [get_type_hints(one)["return"] for one in get_overloads(asked) or [asked]]
        assert (name, kinds) in ((name, [route]), (name, [route, str | bytes])), "make client"
        assert (len(kinds) == 2) == ("format" in inspect.signature(asked).parameters)


async def test_the_client_signs_in_reads_and_follows(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-CLIENT-002: the client signs in by wallet, goes on by key, is told refusals, and follows both streams."""
    await forget_addresses(valkey)
    async with (
        entrance(database, broker, redis_url=valkey.url) as door,
        broker.client("matching") as matching,
        RestClient.connect(door.url) as stranger,
        RestClient.connect(door.url) as ann,
    ):
        await answering(matching, "query.matching.margin", {"ok": True, "data": {"equity": "1"}})
        await answering(matching, "query.matching.markets", {"ok": True, "data": {"markets": [MARKET]}})
        wallet = EvmWallet(31)
        opened = await ann.sign_in_by_wallet(chain="ethereum", address=wallet.address, sign=wallet.sign)
        assert (await ann.me())["id"] == opened["user"] == ann.user
        for asking in (stranger.me(), stranger.account_margin(ann.user)):
            try:
                await asking
            except Refused as refused:
                assert (refused.status, refused.code) == (401, "sign_in_required")
            else:
                raise AssertionError("a stranger was told")
        wish: dict[str, Any] = {"name": "desk", "scopes": ["account:read", "account:write"], "signs": True}
        made = await ann.create_key(**wish, once="key-1")
        assert made["signing_secret"] is not None
        assert await ann.create_key(**wish, once="key-1") == made, "once is once"
        key = Key(prefix=made["prefix"], signing_secret=made["signing_secret"])
        async with RestClient.connect(door.url, key=key) as desk:
            assert (await desk.account_margin(ann.user))["equity"] == "1"
            price = await desk.create_price_alert(market="BTC-PERP", direction="above", price="99000")
            assert str(price["id"]) in str(await desk.my_price_alerts())
        told = alert(1, ann.user, positions=0)
        row = {"account": ann.user, "level": told.level, "account_seq": 1, "occurred_at": told.occurred_at}
        async with door.truth.acting() as truth:
            await truth.add("alert_feed", seq=1, payload=encode(told).decode(), **row)
        first = await asyncio.wait_for(anext(ann.subscribe("alerts", account=ann.user)), 30)
        assert first["op"] == "snapshot"
        assert (await asyncio.wait_for(anext(ann.alert_events(account=ann.user, after_seq=0)), 30))["seq"] == 1
        assert (await ann.sign_out())["session"] == opened["session"]
