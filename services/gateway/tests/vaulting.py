"""Vaults of the venue over HTTP, checked on services as they are."""

import asyncio
import uuid

from services.gateway.tests.trading import BUY, MARKET, Floor


async def check_a_vault_takes_cash_trades_and_pays_it_back(floor: Floor) -> None:
    """GW-VAULT-001: opened, paid into, put to work and left; its manager trades for it and takes nothing out."""
    mia, ann = await floor.trader(), await floor.trader()
    name = f"calm-{uuid.uuid4().hex[:8]}"
    managed, held = f"accounts/{mia.user}/vaults", f"accounts/{ann.user}/vaults"
    status, told, _ = await mia.ask("POST", managed, {"vault": name, "performance_fee_bps": 1_000})
    assert (status, told["events"][0]["type"]) == (200, "VaultCreated"), told
    status, told, _ = await ann.ask("POST", f"{held}/{name}/deposits", {"amount": "1000"})
    assert (status, [event["type"] for event in told["events"]]) == (
        200,
        ["TransferApplied", "VaultSharesIssued", "VaultValued"],
    )
    shares = told["events"][1]["shares"]
    after = {"Cleartide_After": str(told["position"])}
    status, one, _ = await floor.door.ask("GET", f"vaults/venue/{name}", **after)
    assert (status, one["assets"], one["holders"], one["manager"]) == (200, "1000.000000", 1, mia.user)
    assert (await mia.ask("POST", f"{managed}/{name}/rebalances", {"amount": "800"}))[0] == 200
    stake = {"shares": 1_000_000}
    assert (await ann.ask("POST", f"{held}/{name}/stakes", stake))[1]["error"]["code"] == "unknown_farm"
    strategy, order = f"accounts/{one['strategy']}", {**BUY, "client_order_id": "v-1", "post_only": True}
    status, placed, _ = await mia.ask("POST", f"{strategy}/orders", order)
    assert (status, placed["state"]) == (201, "accepted"), placed
    assert (await ann.ask("POST", f"{strategy}/orders", {**order, "client_order_id": "v-2"}))[0] == 403
    wish = {"amount": "1", "destination": "0xabc"}
    assert (await mia.ask("POST", f"{strategy}/withdrawals", wish))[1]["error"]["code"] == "not_permitted"
    assert (await mia.ask("DELETE", f"{strategy}/orders?market={MARKET}"))[0] == 200
    status, told, _ = await ann.ask("POST", f"{held}/{name}/withdrawals", {"shares": shares})
    assert status == 200, told
    assert "VaultSharesRedeemed" in [event["type"] for event in told["events"]]
    after = {"Cleartide_After": str(told["position"])}
    status, mine, _ = await ann.ask("GET", held, **after)
    assert (status, mine["holdings"], mine["exits"]) == (200, [], [])
    assert (await ann.ask("GET", f"accounts/{ann.user}/margin", **after))[1]["equity"] == "5000.000000"
    status, moves, _ = await ann.ask("GET", f"{held}/moves", **after)
    assert [move["kind"] for move in moves["moves"]] == ["withdrawal", "deposit"]


async def check_the_same_deposit_twice_is_one(floor: Floor) -> None:
    """GW-VAULT-002: repeated with its Idempotency-Key it is paid once; a refusal is 422 with matching's reason."""
    mia = await floor.trader()
    name, of = f"once-{uuid.uuid4().hex[:8]}", f"accounts/{mia.user}/vaults"
    assert (await mia.ask("POST", of, {"vault": name, "capacity": "150"}))[0] == 200
    once = {"Idempotency_Key": uuid.uuid4().hex}
    answers = await asyncio.gather(
        *(mia.ask("POST", f"{of}/{name}/deposits", {"amount": "100"}, **once) for _ in range(3))
    )
    assert {status for status, _, _ in answers} == {200}
    status, body, _ = await mia.ask("POST", f"{of}/{name}/deposits", {"amount": "100"})
    assert (status, body["error"]["code"]) == (422, "over_capacity")
    status, body, _ = await mia.ask("POST", of, {"vault": name})
    assert (status, body["error"]["code"]) == (422, "vault_exists")


VAULT_CHECKS = (check_a_vault_takes_cash_trades_and_pays_it_back, check_the_same_deposit_twice_is_one)
