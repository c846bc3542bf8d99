"""Vaults of the venue over HTTP, checked on services as they are."""

import asyncio
import csv
import io
import uuid
from decimal import Decimal

from cleartide.contracts.farms import OpenFarm

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
    assert moves["next"] is None
    status, first, _ = await ann.ask("GET", f"{held}/moves?limit=1", **after)
    assert (status, [move["kind"] for move in first["moves"]]) == (200, ["withdrawal"])
    status, second, _ = await ann.ask("GET", f"{held}/moves?limit=1&before={first['next']}", **after)
    assert [move["kind"] for move in second["moves"]] == ["deposit"]
    for path, rows in (
        (f"{held}/moves", 2),
        ("vaults/venue", 1),
        ("venue/vaults", 1),
        (f"vaults/venue/{name}/history", 1),
    ):
        async with floor.door.http.get(f"{floor.door.url}/api/v1/{path}?format=csv", headers=ann.headers) as answer:
            lines = list(csv.DictReader(io.StringIO(await answer.text())))
        assert (answer.status, len(lines) >= rows) == (200, True), lines
    for _ in range(2):  # answers that are kept are kept apart from those about vaults on chains
        assert "moves" in (await ann.ask("GET", f"{held}/moves"))[1]
        assert (await ann.ask("GET", f"earnings/{ann.user}/moves"))[1].get("moves") is None


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


async def check_a_farm_pays_who_stakes(floor: Floor) -> None:
    """GW-VAULT-003: shares staked, a reward put in, its flow told to all, what waits to its owner, and claimed."""
    mia, ann = await floor.trader(), await floor.trader()
    name = f"farm-{uuid.uuid4().hex[:8]}"
    managed, held = f"accounts/{mia.user}/vaults", f"accounts/{ann.user}/vaults"
    assert (await mia.ask("POST", managed, {"vault": name}))[0] == 200
    await floor.traffic.send(OpenFarm(id=name, occurred_at=0, source="operator", vault=name, platform_fee_bps=2_000))
    status, told, _ = await ann.ask("POST", f"{held}/{name}/deposits", {"amount": "1000"})
    assert status == 200, told
    shares = told["events"][1]["shares"]
    status, told, _ = await ann.ask("POST", f"{held}/{name}/stakes", {"shares": shares})
    assert (status, told["events"][0]["staked_shares"]) == (200, shares), told
    status, told, _ = await mia.ask("POST", f"{managed}/{name}/rewards", {"amount": "50", "seconds": 1})
    assert status == 200, told
    pays, waits = floor.traffic, Decimal(0)
    async with asyncio.timeout(30):
        while waits < Decimal("49.999"):  # shares of a quantum stay in the farm
            place = await pays.deposit(mia.user, "1")  # time passes with what is sent
            _, told, _ = await ann.ask("GET", held, Cleartide_After=str(place))
            [holding] = told["holdings"]
            waits = Decimal(holding["rewards"])
    assert holding["staked_shares"] == shares
    _, one, _ = await floor.door.ask("GET", f"vaults/venue/{name}", Cleartide_After=str(place))
    assert (one["farm"]["platform_fee_bps"], Decimal(one["farm"]["to_come"]) < Decimal("0.001")) == (2_000, True)
    status, told, _ = await ann.ask("POST", f"{held}/{name}/claims")
    assert status == 200, told
    assert Decimal("39.999") < Decimal(told["events"][-1]["amount"]) <= 40
    status, told, _ = await ann.ask("POST", f"{held}/{name}/unstakes", {"shares": shares})
    assert (status, told["events"][0]["staked_shares"]) == (200, 0)


VAULT_CHECKS = (
    check_a_vault_takes_cash_trades_and_pays_it_back,
    check_the_same_deposit_twice_is_one,
    check_a_farm_pays_who_stakes,
)
