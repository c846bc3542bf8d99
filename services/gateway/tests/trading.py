"""What traders do over HTTP, checked on services as they are: orders and money, read as soon as they are written."""

import asyncio
import os
import re
import shutil
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from unittest.mock import patch

from services.gateway.domain.access import Principal
from services.gateway.edge.authorisation import Authorisation
from services.gateway.tests.entrance import Entrance, Person
from tests.support.installation import ROOT, Installation
from tests.support.traffic import Traffic

MARKET = "BTC-PERP"
BUY = {"market": MARKET, "side": "buy", "size": "0.010", "price": "61000.0"}

WALLED: Final = {
    "": "walled",
    "/orders": "walled",
    "/orders?state=open": "walled",
    "/ledger": "777.0",
    "/transfers": "777.0",
    "/transfers/open": "7.000000",
    "/margin": "769.0",
    "/fees": "taker_fee",
    "/tail": "horizons",
    "/limits": "'max_leverage': 7",
    "/days": "770.0",
    "/portfolio": "770.0",
    "/what-if/prices?percent=-10": "769.0",
    "/vaults": "walled-",
    "/vaults/moves": "walled-",
}
"""Of each question about an account a word that only an answer about it has."""


@dataclass
class Floor:
    """A venue with one market and its door."""

    installed: Installation
    door: Entrance
    traffic: Traffic

    async def trader(self, cash: str = "5000") -> Person:
        """Somebody with money."""
        person = await self.door.sign_in()
        position = await self.traffic.deposit(person.user, cash)
        status, body, _ = await person.ask("GET", f"accounts/{person.user}/margin", Cleartide_After=str(position))
        assert (status, body["equity"]) == (200, f"{cash}.000000"), body
        return person


async def check_an_order_is_placed_changed_and_canceled(floor: Floor) -> None:
    """GW-ORDER-001: an order lives over HTTP as on the bus: placed, told, changed, canceled; figures are decimals."""
    ann = await floor.trader()
    orders = f"accounts/{ann.user}/orders"
    status, placed, _ = await ann.ask("POST", orders, {**BUY, "client_order_id": "mine-1"})
    assert (status, placed["state"], placed["client_order_id"]) == (201, "accepted", "mine-1"), placed
    accepted = next(event for event in placed["events"] if event["type"] == "OrderAccepted")
    assert (accepted["price"], accepted["size"], accepted["causation_id"]) == ("61000.0", "0.010", placed["command_id"])
    status, one, _ = await ann.ask("GET", f"{orders}/mine-1", Cleartide_After=str(placed["position"]))
    assert (status, one["order_id"], one["state"]) == (200, placed["order_id"], "open")
    status, amended, _ = await ann.ask("PATCH", f"{orders}/mine-1", {"market": MARKET, "price": "61001.5"})
    assert (status, amended["order_id"]) == (200, placed["order_id"])
    after = {"Cleartide_After": str(amended["position"])}
    assert (await ann.ask("GET", f"{orders}/mine-1", **after))[1]["price"] == "61001.5"
    terms = {"time_in_force": "gtt", "expires_at": 4_102_444_800_000_000, "display_size": "0.006"}
    status, placed, _ = await ann.ask("POST", orders, {**BUY, **terms, "client_order_id": "mine-2"})
    assert (status, placed["state"]) == (201, "accepted"), placed
    changed = {"market": MARKET, "expires_at": 4_102_444_900_000_000, "display_size": "0.004"}
    status, amended, _ = await ann.ask("PATCH", f"{orders}/mine-2", changed)
    assert status == 200, amended
    told = (await ann.ask("GET", f"{orders}/mine-2", Cleartide_After=str(amended["position"])))[1]
    assert (told["expires_at"], told["display"], told["price"]) == (4_102_444_900_000_000, "0.004", "61000.0")
    status, refused, _ = await ann.ask(
        "PATCH", f"{orders}/mine-1", {"market": MARKET, "expires_at": changed["expires_at"]}
    )
    assert (status, refused["error"]["code"]) == (422, "expires_at_not_allowed"), refused
    for order in ("mine-2", "mine-1"):
        status, canceled, _ = await ann.ask("DELETE", f"{orders}/{order}?market={MARKET}")
        assert (status, canceled["state"]) == (200, "canceled")
    status, page, _ = await ann.ask("GET", f"{orders}?state=open", Cleartide_After=str(canceled["position"]))
    assert (status, page["orders"], page["next"]) == (200, [], None)


async def check_what_matching_refuses_is_told_by_its_reason(floor: Floor) -> None:
    """GW-ORDER-002: a refusal is 422 with matching's reason; another's order, or none, is 404 or 422, never a 5xx."""
    ann = await floor.trader("10")
    orders = f"accounts/{ann.user}/orders"
    status, body, _ = await ann.ask("POST", orders, {**BUY, "size": "90.000"})
    assert (status, body["error"]["code"]) == (422, "insufficient_margin")
    status, body, _ = await ann.ask("POST", orders, {**BUY, "price": "61000.05"})
    assert status == 422, body
    assert (await ann.ask("GET", f"{orders}/nothing"))[0] == 404
    status, body, _ = await ann.ask("DELETE", f"{orders}/nothing?market={MARKET}")
    assert (status, body["error"]["code"]) == (422, "unknown_order")
    assert (await ann.ask("POST", orders, {**BUY, "market": "NONE-PERP"}))[0] == 422


async def check_the_same_idempotency_key_places_one_order(floor: Floor) -> None:
    """GW-ORDER-003: repeated with its Idempotency-Key an order is one order, also without an id of its own."""
    ann = await floor.trader()
    orders, once = f"accounts/{ann.user}/orders", {"Idempotency_Key": uuid.uuid4().hex}
    answers = await asyncio.gather(*(ann.ask("POST", orders, BUY, **once) for _ in range(5)))
    assert {status for status, _, _ in answers} == {201}
    assert len({body["order_id"] for _, body, _ in answers}) == 1
    place = {"Cleartide_After": str(answers[0][1]["position"])}
    assert len((await ann.ask("GET", orders, **place))[1]["orders"]) == 1


async def check_a_batch_answers_each_instruction_and_cancel_all_ends_them(floor: Floor) -> None:
    """GW-ORDER-004: a batch goes through in order, what is refused in it beside what is not; then all are canceled."""
    ann = await floor.trader()
    orders = f"accounts/{ann.user}/orders"
    terms = {"action": "place", "side": "buy", "size": "0.010"}
    batch: list[dict[str, Any]] = [
        {**terms, "client_order_id": "b-1", "price": "60000.0"},
        {**terms, "client_order_id": "b-2", "price": "60001.0", "size": "500.000"},
        {"action": "amend", "client_order_id": "b-1", "price": "60002.0"},
        {**terms, "client_order_id": "b-3", "price": "59999.0", "stop_loss": {"trigger_price": "58000.0"}},
    ]
    status, told, _ = await ann.ask("POST", f"{orders}/batch", {"market": MARKET, "instructions": batch})
    assert status == 200, told
    said = [(event["type"], event["client_order_id"]) for event in told["events"] if "client_order_id" in event]
    assert said[:3] == [("OrderAccepted", "b-1"), ("OrderRejected", "b-2"), ("OrderAmended", "b-1")]
    assert said[3] == ("OrderAccepted", "b-3")
    status, told, _ = await ann.ask("DELETE", f"{orders}?market={MARKET}")
    assert (status, told["events"][-1]["type"], told["events"][-1]["canceled"]) == (200, "OrdersCanceled", 2)


async def check_a_fill_tells_nothing_of_the_other_side(floor: Floor) -> None:
    """GW-ORDER-005: of a trade each side is told its own; neither learns who the other was."""
    ann, ben = await floor.trader(), await floor.trader()
    resting = {**BUY, "side": "sell", "price": "61800.0", "client_order_id": "ask-1"}
    assert (await ben.ask("POST", f"accounts/{ben.user}/orders", resting))[0] == 201
    taking = {**BUY, "price": "61800.0", "time_in_force": "ioc", "client_order_id": "bid-1"}
    status, told, _ = await ann.ask("POST", f"accounts/{ann.user}/orders", taking)
    assert (status, told["state"]) == (201, "filled"), told
    [fill] = [event for event in told["events"] if event["type"] == "PositionChanged"]
    assert (fill["fill"], fill["fill_price"]) == ("0.010", "61800.0")
    assert ben.user not in str(told)
    place = {"Cleartide_After": str(told["position"])}
    status, risk, _ = await ann.ask("GET", f"accounts/{ann.user}", **place)
    assert (status, [row["size"] for row in risk["positions"]]) == (200, ["0.010"])
    status, ledger, _ = await ann.ask("GET", f"accounts/{ann.user}/ledger?limit=3", **place)
    assert (status, ledger["next"] is not None) == (200, True)
    seen = [entry["transaction_id"] for entry in ledger["entries"]]
    status, rest, _ = await ann.ask("GET", f"accounts/{ann.user}/ledger?before={ledger['next']}", **place)
    assert status == 200
    assert not set(seen) & {entry["transaction_id"] for entry in rest["entries"]}


async def check_nobody_trades_or_pays_out_for_somebody_else(floor: Floor) -> None:
    """GW-ORDER-006: a stranger is 401, another 403; a delegate may what was granted, and no more."""
    ann, ben = await floor.trader(), await floor.trader()
    orders, payout = f"accounts/{ann.user}/orders", {"amount": "1", "destination": "0xabc"}
    assert (await floor.door.ask("POST", orders, BUY))[0] == 401
    assert (await ben.ask("POST", orders, BUY))[0] == 403
    assert (await ben.ask("POST", f"accounts/{ann.user}/withdrawals", payout))[0] == 403
    rights = {"trade": True, "cancel": True, "deposit": False, "withdraw": False, "transfer": False}
    assert (await ann.ask("PUT", f"accounts/{ann.user}/delegates/{ben.user}", rights))[0] in (200, 202)
    status, told, _ = await ben.ask("POST", orders, BUY)
    assert status == 201, told
    status, told, _ = await ben.ask("POST", f"accounts/{ann.user}/withdrawals", payout)
    assert (status, told["error"]["code"]) == (422, "not_permitted")


async def check_a_withdrawal_is_asked_for_and_taken_back(floor: Floor) -> None:
    """GW-ORDER-007: a withdrawal locks its amount and gives it back; more than there is stays; a transfer is within."""
    ann = await floor.trader("100")
    money = f"accounts/{ann.user}"
    status, told, _ = await ann.ask("POST", f"{money}/withdrawals", {"amount": "40", "destination": "0xabc"})
    assert status == 200, told
    asked = next(event for event in told["events"] if event["type"] == "WithdrawalProgressed")
    place = {"Cleartide_After": str(told["position"])}
    assert (await ann.ask("GET", f"{money}/margin", **place))[1]["equity"] == "60.000000"
    status, told, _ = await ann.ask("DELETE", f"{money}/withdrawals/{asked['withdrawal_id']}")
    assert status == 200, told
    place = {"Cleartide_After": str(told["position"])}
    assert (await ann.ask("GET", f"{money}/margin", **place))[1]["equity"] == "100.000000"
    status, told, _ = await ann.ask("POST", f"{money}/withdrawals", {"amount": "400", "destination": "0xabc"})
    assert status == 422, told
    status, told, _ = await ann.ask("POST", f"{money}/transfers", {"to_account": "maker", "amount": "1"})
    assert status == 422, told


async def check_a_place_that_nobody_has_is_told_at_once(floor: Floor) -> None:
    """GW-ORDER-008: a read after a place that no command has is 409, a bad place 422; neither is waited for."""
    ann = await floor.trader()
    status, told, _ = await ann.ask("GET", f"accounts/{ann.user}/margin", Cleartide_After="900000")
    assert (status, told["error"]["code"]) == (409, "after_beyond_sequence")
    assert (await ann.ask("GET", f"accounts/{ann.user}/margin", Cleartide_After="-1"))[0] == 422


async def check_a_service_that_stands_still_is_told_in_time(floor: Floor) -> None:
    """GW-ORDER-012: a read that waits for a service which does not come so far ends with 504 and Retry-After."""
    ann = await floor.trader()
    risk = floor.installed.processes["risk"]
    risk.freeze()
    try:
        position = await floor.traffic.deposit(ann.user, "1")
        path, place = f"accounts/{ann.user}", {"Cleartide_After": str(position)}
        status, told, _ = await ann.ask("GET", path, **place)
        assert (status, told["error"]["code"] in ("not_there_yet", "upstream_timeout")) == (504, True), told
    finally:
        risk.thaw()
    assert (await ann.ask("GET", f"accounts/{ann.user}/margin", **place))[0] == 200


async def check_orders_are_counted_and_cancels_are_not(floor: Floor) -> None:
    """GW-ORDER-009: orders count against the pace of their owner's tier, a batch by its length; cancels are free."""
    ann = await floor.trader()
    orders = f"accounts/{ann.user}/orders"
    before = floor.door.count("cleartide_quota_total", kind="orders", verdict="alone")
    assert (await ann.ask("POST", orders, {**BUY, "price": "60000.0"}))[0] == 201
    assert (await ann.ask("DELETE", orders))[0] == 200
    assert floor.door.count("cleartide_quota_total", kind="orders", verdict="alone") == before + 1


async def check_the_wall_stands_without_the_check(floor: Floor) -> None:
    """GW-RLS-006: with the API's check taken away, another's account still has nothing to tell; one's own has."""
    ann, ben = await floor.trader("777"), await floor.trader("555")
    orders = f"accounts/{ann.user}/orders"
    assert (await ann.ask("POST", orders, {**BUY, "size": "0.001", "client_order_id": "walled"}))[0] == 201
    status, told, _ = await ann.ask("POST", f"accounts/{ann.user}/withdrawals", {"amount": "7", "destination": "0xabc"})
    assert status == 200
    status, told, _ = await ann.ask("PUT", f"accounts/{ann.user}/limits", {"max_leverage": 7})
    assert status in (200, 202), told
    name = f"walled-{uuid.uuid4().hex[:8]}"
    assert (await ann.ask("POST", f"accounts/{ann.user}/vaults", {"vault": name}))[0] == 200
    status, told, _ = await ann.ask("POST", f"accounts/{ann.user}/vaults/{name}/deposits", {"amount": "1"})
    assert status == 200, told
    place = {"Cleartide_After": str(told["position"])}

    async def nobody_checks(_: Authorisation, principal: Principal, account: str) -> None:
        assert account and principal.known

    with patch.object(Authorisation, "require_reading", nobody_checks):
        for path, mark in WALLED.items():
            status, mine, _ = await ann.ask("GET", f"accounts/{ann.user}{path}", **place)
            assert (path, status, mark in str(mine)) == (path, 200, True), mine
            status, hers, _ = await ben.ask("GET", f"accounts/{ann.user}{path}", **place)
            assert (path, status in (200, 404), mark in str(hers)) == (path, True, False), hers
    with patch.object(Principal, "owns", lambda *_: True):
        for person, known in ((ann, True), (ben, False)):
            async with floor.door.http.ws_connect(f"{floor.door.url}/api/v1/ws", headers=person.headers) as socket:
                await socket.send_json({"op": "subscribe", "channel": "account", "account": ann.user})
                frame = await socket.receive_json(timeout=30)
            assert (frame["op"], frame.get("data") is not None) == ("snapshot", known), frame


async def check_a_deposit_is_no_request(floor: Floor) -> None:
    """GW-ORDER-010: nobody credits himself: deposits are custody's to report."""
    ann = await floor.trader()
    for method in ("POST", "PUT"):
        assert (await ann.ask(method, f"accounts/{ann.user}/deposits", {"amount": "1"}))[0] in (404, 405)


async def check_the_first_screen_of_the_docs(floor: Floor) -> None:
    """GW-ORDER-011: what docs/api.md begins with works as it stands, with curl and openssl."""
    ann = await floor.trader()
    wish = {"name": "desk", "scopes": ["account:read", "orders:write"], "signs": True}
    key = (await ann.ask("POST", "me/keys", wish))[1]
    [script] = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/api.md").read_text(), re.DOTALL)
    given = {"URL": floor.door.url, "ACCOUNT": ann.user, "KEY": key["prefix"], "SECRET": key["signing_secret"]}
    shell = await asyncio.create_subprocess_exec(
        "sh", "-c", script, env={**os.environ, **given}, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await shell.communicate()
    assert (shell.returncode, b'"state":"accepted"' in said, b'"orders":[{' in said) == (0, True, True), said


CHECKS: Final[tuple[Callable[[Floor], Awaitable[None]], ...]] = (
    check_an_order_is_placed_changed_and_canceled,
    check_what_matching_refuses_is_told_by_its_reason,
    check_the_same_idempotency_key_places_one_order,
    check_a_batch_answers_each_instruction_and_cancel_all_ends_them,
    check_a_fill_tells_nothing_of_the_other_side,
    check_nobody_trades_or_pays_out_for_somebody_else,
    check_a_withdrawal_is_asked_for_and_taken_back,
    check_a_place_that_nobody_has_is_told_at_once,
    check_a_service_that_stands_still_is_told_in_time,
    check_orders_are_counted_and_cancels_are_not,
    check_the_wall_stands_without_the_check,
    check_a_deposit_is_no_request,
    *([check_the_first_screen_of_the_docs] if shutil.which("curl") and shutil.which("openssl") else []),
)
