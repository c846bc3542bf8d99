"""Records the examples of answers in the API's document, from a venue that runs: `make api-examples`."""

import asyncio
import json
import time
from typing import Any, Final

from cleartide.contracts import OrderTerms, SetVenueMode
from cleartide.contracts.farms import OpenFarm
from cleartide.rules.sealing import digest_of

from benchmarks.rooms import room
from services.gateway.edge.reference.document import EXAMPLES, operations
from services.gateway.tests.batching import SEALED, listing
from services.gateway.tests.entrance import Entrance, EvmWallet, Installed, Person, serving
from tests.support.traffic import START_TICKS, Traffic

MARKET: Final = "BTC-PERP"
SERVICES: Final = ("matching", "risk", "funding", "earnings", "analytics", "vaults", "ingestor", "product")
PROSE: Final = ("/alerts/stream", "/metrics", ".csv")
LONGEST: Final = 2
VAULT_TERMS: Final = {"performance_fee_bps": 1_000, "management_fee_bps": 100, "capacity": "1000000"}
BODIES: Final[dict[str, dict[str, Any]]] = {
    "order": {"market": MARKET, "side": "buy", "size": "0.010", "price": "61000.0", "client_order_id": "mine-1"},
    "filling": {"market": MARKET, "side": "buy", "size": "0.010", "price": "61800.0", "time_in_force": "ioc"},
    "batch": {
        "market": MARKET,
        "instructions": [
            {"action": "cancel", "client_order_id": "mine-1"},
            {"action": "place", "client_order_id": "mine-2", "side": "buy", "size": "0.010", "price": "60900.0"},
        ],
    },
    "key": {"name": "desk", "scopes": ["account:read", "orders:write"], "signs": True},
    "hook": {"url": "http://127.0.0.1:9/hook", "kinds": ["order.filled"]},
    "rights": {"trade": True, "cancel": True},
    "profile": {"choices": {}, "quiet_hours": {"begin": "22:00", "end": "07:00", "time_zone": "UTC"}},
}


class Recorder:
    """Asks, and keeps what was answered."""

    def __init__(self, person: Person, names: dict[str, str]) -> None:
        self.person = person
        self.names: dict[str, Any] = {"account": person.user, "market": MARKET, **names}
        self.found: dict[str, Any] = {}
        self.refused: list[str] = []

    async def ask(self, operation: str, body: Any = None, query: str = "", **names: Any) -> Any:
        """One operation, by its name in the document."""
        method, path = operation.split(" ", 1)
        try:
            filled = path.format(**{**self.names, **names}).removeprefix("/api/v1/")
        except KeyError as missing:
            self.refused.append(f"{operation}: this venue has no {missing.args[0]}")
            return {}
        status, answer, _ = await self.person.ask(method, filled + query, body)
        if status < 300 and answer:
            self.found[operation] = _short(answer)
        else:
            self.refused.append(f"{operation}: {status} {answer}")
        return answer


async def main() -> None:
    """Run a venue, ask everything, and write the examples."""
    async with room() as installed, installed.client() as operator:
        await installed.start(*SERVICES)
        async with serving(Installed(installed), installed) as door:
            user = (await door.sign_in(EvmWallet(7))).user
        settings: dict[str, Any] = {"admin_users": (user,), "webhook_networks": ("127.0.0.0/8",)}
        async with serving(Installed(installed), installed, **settings) as door:
            recorder = await _recorded(door, Traffic(operator, accounts=("maker",)))
    for line in recorder.refused:
        print(f"not recorded: {line[:160]}")
    text = json.dumps({**json.loads(EXAMPLES.read_text()), **recorder.found}, indent=1, sort_keys=True)
    EXAMPLES.write_text(f"{text}\n")
    print(f"{len(recorder.found)} answers in {EXAMPLES}")


async def _recorded(door: Entrance, traffic: Traffic) -> Recorder:
    ann, ben = await door.sign_in(EvmWallet(7)), await door.sign_in(EvmWallet(8))
    async with door.truth.acting() as truth:
        await truth.change("users", {"id": ann.user}, scopes=["venue:read"])
    ann = await door.sign_in(EvmWallet(7))
    await traffic.open_market()
    for person in (ann, ben):
        await traffic.deposit(person.user, "5000")
    await traffic.order("maker", "sell", 100, START_TICKS)
    await traffic.order("maker", "buy", 100, START_TICKS - 100)
    wrong = SetVenueMode(id="wrong", occurred_at=1, source="tests", mode="demo")
    await traffic.send(wrong)
    recorder = Recorder(ann, {"delegate": ben.user, "user": ben.user, "chain": "ethereum"})
    await _writes(recorder)
    await _vault(recorder, traffic)
    await _competing(recorder, traffic, ben, await door.sign_in(EvmWallet(6)))
    await traffic.price(START_TICKS - 50)
    await asyncio.sleep(2)  # a moment for what reads along: examples of a venue at rest
    await _reads(recorder, (await door.http.get(f"{door.url}/api/openapi.json")))
    await _last(recorder)
    return recorder


async def _writes(recorder: Recorder) -> None:
    await _desk(recorder)
    ask, account = recorder.ask, "/api/v1/accounts/{account}"
    await ask(f"POST {account}/orders", BODIES["filling"])
    await ask(f"POST {account}/orders", BODIES["order"])
    recorder.names["client_order_id"] = "mine-1"
    await ask(f"PATCH {account}/orders/{{client_order_id}}", {"market": MARKET, "price": "61001.5"})
    await ask(f"PUT {account}/leverage/{{market}}", {"leverage": 10})
    told = await ask(f"POST {account}/withdrawals", {"amount": "40", "destination": "0xabc"})
    recorder.names["withdrawal"] = next(event["withdrawal_id"] for event in told["events"] if "withdrawal_id" in event)
    await ask(f"PUT {account}/limits", {"max_leverage": 5, "max_daily_loss": "250"})
    await ask("POST /api/v1/me/accounts", {"name": "hedge"})
    await ask(f"POST {account}/transfers", {"to_account": f"{recorder.person.user}--hedge", "amount": "10"})
    await ask(f"PUT {account}/delegates/{{delegate}}", BODIES["rights"])
    key = await ask("POST /api/v1/me/keys", BODIES["key"])
    recorder.names["key"] = key.get("id") or key["key"]["id"]
    hook = await ask("POST /api/v1/me/webhooks", BODIES["hook"])
    recorder.names["endpoint"] = hook["id"]
    price = await ask("POST /api/v1/me/price-alerts", {"market": MARKET, "direction": "above", "price": "99000"})
    recorder.names["alert"] = price["id"]
    await ask("PUT /api/v1/me/notifications/profile", BODIES["profile"])
    await ask("PATCH /api/v1/me", {"display_name": "Ann"})
    await ask("POST /api/v1/auth/nonce", {"chain": "ethereum"})
    await ask("POST /api/v1/me/wallets/nonce", {"chain": "solana"})
    await ask("PUT /api/v1/admin/roles/{user}", {"role": "support", "note": "on call"})
    await ask("PUT /api/v1/admin/networks", {"networks": []})
    await ask("PUT /api/v1/me/privacy", {"recording": True})
    await ask("POST /api/v1/product/events", {"events": [*_use(time.time_ns() // 1_000), {"kind": "click"}]})


async def _competing(recorder: Recorder, traffic: Traffic, ben: Person, cat: Person) -> None:
    """Swaps, referrals, a sealed order and an auction."""
    ask, account, user = recorder.ask, "/api/v1/accounts/{account}", recorder.person.user
    await traffic.deposit(cat.user, "5000")
    for command in listing():
        await traffic.send(command)
    await asyncio.sleep(1)  # five orders a second are a free person's
    await ask(f"POST {account}/swaps", {"sell_asset": "USDC", "sell_amount": "100", "buy_asset": "USDT"})
    mine, his = [{"code": (await one.ask("GET", "me/referrals"))[1]["code"]} for one in (recorder.person, ben)]
    await ask(f"PUT {account}/referrer", his)
    await cat.ask("PUT", f"accounts/{cat.user}/referrer", mine)
    await cat.ask("POST", f"accounts/{cat.user}/orders", BODIES["filling"])
    await ask(f"POST {account}/referrals/claims")
    salt, terms = "0c" * 32, {**BODIES["filling"], "client_order_id": "sealed-1", "order_type": "limit"}
    del terms["market"]
    digest = digest_of(user, SEALED, salt, OrderTerms(**terms))
    told = await ask(f"POST {account}/commitments", {"market": SEALED, "digest": digest})
    made = next(event for event in told["events"] if "reveals_from" in event)
    await asyncio.sleep(max(0.0, made["reveals_from"] / 1e6 - time.time()) + 0.1)
    opening = {"market": SEALED, "salt": salt, "order": terms}
    await ask(f"POST {account}/commitments/{{commitment}}/reveal", opening, commitment=made["commitment_id"])
    await ask(f"GET {account}/commitments")
    auctioned = {**BODIES["filling"], "auction": {"start": "61700.0", "end": "61790.0", "slots": 150}}
    _, told, _ = await cat.ask("POST", f"accounts/{cat.user}/orders", {**auctioned, "price": "61790.0"})
    offer = {"market": MARKET, "price": "61780.0", "size": "0.010"}
    await ask(f"POST {account}/auctions/{{auction}}/quotes", offer, auction=told["order_id"])
    await ask("GET /api/v1/markets/{market}/auctions")


async def _desk(recorder: Recorder) -> None:
    """What an operator changes, before anybody trades."""
    ask, desk = recorder.ask, "/api/v1/admin"
    await ask(f"PUT {desk}/venue/limits/{{mode}}", {"max_leverage": 50, "note": "to begin with"}, mode="live")
    for mode in ("live", "demo"):
        await ask(f"PUT {desk}/venue/mode", {"mode": mode, "note": "after the rehearsal"})
    for on in (True, False):
        await ask(f"PUT {desk}/venue/switches/{{switch}}", {"on": on}, switch="kill_switch")
    await ask(f"PUT {desk}/terms/{{whose}}", {"standing": "reduce_only"}, whose=recorder.names["delegate"])
    await ask(f"PATCH {desk}/people/{{user}}", {"kyc": "verified", "note": "papers seen"})
    recorder.names["name"] = "thin"
    rule = {"each": "account", "level": "watch", "when": "equity > 0 and positions > 0", "until": "positions == 0"}
    await ask(f"PUT {desk}/rules/{{name}}", {"rule": rule, "note": "to see who comes"})


async def _doors(recorder: Recorder) -> None:
    """A further wallet, a second session, and the end of all."""
    ask, door, further = recorder.ask, recorder.person.door, EvmWallet(9)
    proof = await door.statement(further, "me/wallets/nonce", **recorder.person.headers)
    wallet = await ask("POST /api/v1/me/wallets", proof)
    second = await ask("POST /api/v1/auth/sign-in", await door.statement(further))
    await ask("DELETE /api/v1/me/sessions/{session}", session=second.get("session"))
    await ask(
        "DELETE /api/v1/me/wallets/{chain}/{address}", **{name: wallet.get(name) for name in ("chain", "address")}
    )
    refreshed = await ask("POST /api/v1/auth/refresh", {"refresh_token": recorder.person.session["refresh_token"]})
    recorder.person.session.update(refreshed)
    await ask("POST /api/v1/auth/sign-out")
    recorder.person = await door.sign_in(EvmWallet(7))
    await ask("DELETE /api/v1/me/sessions")


async def _vault(recorder: Recorder, traffic: Traffic) -> None:
    """A vault with a farm, in which the person holds shares of which some wait to be paid."""
    ask, account = recorder.ask, "/api/v1/accounts/{account}/vaults"
    recorder.names["vault"] = "calm"
    of = f"{account}/{{vault}}"
    await ask(f"POST {account}", {"vault": "calm", **VAULT_TERMS})
    await traffic.send(OpenFarm(id="farm", occurred_at=1, source="operator", vault="calm", platform_fee_bps=1_000))
    await ask(f"POST {of}/deposits", {"amount": "100"})
    await ask(f"POST {of}/stakes", {"shares": 2 * 10**9})
    await ask(f"POST {of}/rewards", {"amount": "10", "seconds": 1})
    await ask(f"POST {of}/rebalances", {"amount": "80"})
    await ask(f"PUT {of}/terms", {**VAULT_TERMS, "performance_fee_bps": 800})
    for state in ("paused", "active"):
        await ask(f"PUT {of}/state", {"state": state})
    await ask(f"POST {of}/harvests")
    await ask(f"POST {of}/compounds")
    # What margins an order of the strategy cannot be paid out.
    resting = {**BODIES["order"], "client_order_id": "vault-1", "size": "0.050", "price": "60000.0"}
    await ask("POST /api/v1/accounts/{account}/orders", resting, account="vault--calm")
    await ask(f"POST {of}/withdrawals", {"shares": 10**9})
    told = await ask(f"POST {of}/withdrawals", {"shares": 90 * 10**9})
    exits = (event["exit_id"] for event in told.get("events", ()) if event.get("status") == "queued")
    recorder.names["exit_id"] = next(exits, 1)
    await ask(f"POST {of}/unstakes", {"shares": 10**9})
    await ask(f"POST {of}/claims")


def _use(now: int) -> list[dict[str, Any]]:
    """A visit of a person: a page, a feature, a step, and how long the first paint took."""
    told: tuple[dict[str, Any], ...] = (
        {"kind": "session_start", "device": "desktop"},
        {"kind": "page", "page": "/portfolio.html", "load_micros": 184_000},
        {"kind": "feature", "feature": "export_csv", "uses": 2},
        {"kind": "journey_step", "journey": "first_deposit", "step": 1},
        {"kind": "performance", "metric": "first_paint", "value": 312_000},
    )
    return [{**each, "id": f"e{n}", "at": now + n, "session": "s1"} for n, each in enumerate(told)]


async def _reads(recorder: Recorder, answer: Any) -> None:
    letters = await recorder.ask("GET /api/v1/admin/dead-letters")
    recorder.names["seq"] = next(row["seq"] for row in letters["dead_letters"] if row["subject"] == "admin.venue")
    recorder.names["message"] = recorder.found["POST /api/v1/accounts/{account}/orders"]["events"][0]["id"]
    queries = {
        "/risk/liquidation-map": f"?market={MARKET}",
        "/what-if/order": f"?market={MARKET}&side=buy&size=0.010",
        "/what-if/prices": "?percent=-10",
        "/liquidity/history": "?venue=sandbox&symbol=BTC-PERP",
        "/liquidity/funding/history": "?venue=sandbox&symbol=BTC-PERP",
        "/liquidity/statistics": "?venue=sandbox&symbol=BTC-PERP",
    }
    own = f"?account={recorder.person.user}"
    queries |= dict.fromkeys(("/v1/positions", "/v1/alerts"), own)
    for name, _ in operations(await answer.json()):
        if name.startswith("GET /api/v1/") and not name.endswith(PROSE) and name not in recorder.found:
            query = next((text for path, text in queries.items() if name.endswith(path)), "")
            await recorder.ask(name, query=query)


async def _last(recorder: Recorder) -> None:
    """What ends something."""
    ask, account = recorder.ask, "/api/v1/accounts/{account}"
    await ask("DELETE /api/v1/me/privacy/recorded")
    await ask(f"DELETE {account}/withdrawals/{{withdrawal}}")
    await ask(f"DELETE {account}/vaults/{{vault}}/withdrawals/{{exit_id}}")
    await ask(f"POST {account}/orders/batch", BODIES["batch"])
    await ask(f"POST {account}/orders", {**BODIES["order"], "client_order_id": "mine-3"})
    await ask(f"DELETE {account}/orders/{{client_order_id}}", query=f"?market={MARKET}", client_order_id="mine-3")
    await ask(f"DELETE {account}/orders")
    await ask(f"DELETE {account}/delegates/{{delegate}}")
    await ask("POST /api/v1/me/webhooks/{endpoint}/ping")
    await ask("PATCH /api/v1/me/webhooks/{endpoint}", {"description": "fills"})
    await ask("POST /api/v1/me/webhooks/{endpoint}/rotate")
    await ask("POST /api/v1/me/webhooks/{endpoint}/replay", {"state": "failed"})
    await ask("DELETE /api/v1/me/webhooks/{endpoint}")
    await ask("POST /api/v1/me/notifications/read", {})
    await ask("DELETE /api/v1/me/price-alerts/{alert}")
    rotated = await ask("POST /api/v1/me/keys/{key}/rotate")
    await ask("DELETE /api/v1/me/keys/{key}", key=rotated.get("id") or rotated["key"]["id"])
    await ask("POST /api/v1/admin/dead-letters/{seq}/redrive", {"note": "mended"})
    await ask("DELETE /api/v1/admin/rules/{name}", query="?note=seen%20enough")
    await _doors(recorder)


def _short(value: Any) -> Any:
    """Lists by their first rows: an example is there to be read; what opens something is not an example."""
    if isinstance(value, dict):
        secret = ("secret", "refresh_token", "access_token", "signature")
        if str(value.get("key", "")).startswith("ctk_"):
            value = {**value, "key": "ctk_..."}
        return {
            name: "..." if isinstance(part, str) and any(word in name for word in secret) else _short(part)
            for name, part in value.items()
        }
    return [_short(part) for part in value[:LONGEST]] if isinstance(value, list) else value


if __name__ == "__main__":
    asyncio.run(main())
