"""Swaps, referrals, sealed orders, auctions and keepers over HTTP, on matching as it is."""

import asyncio
import secrets
import time
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, Final

import pytest
from cleartide.contracts import ChangeMarket, LiquidationRules, OrderTerms
from cleartide.rules.sealing import digest_of

from deploy.local.sandbox.market import SPEC
from services.gateway.edge.commands import refuses
from services.gateway.edge.decimals import told_to, whose
from services.gateway.tests.batching import SEALED, listing, operated
from services.gateway.tests.entrance import Answered, Installed, Person, serving
from services.gateway.tests.trading import BUY, MARKET, Floor
from tests.support.installation import Installation
from tests.support.traffic import START_TICKS, Traffic, price_text

FALLEN: Final = START_TICKS - 4_000
START: Final = price_text(START_TICKS)
AUCTIONED: Final = {
    **BUY,
    "price": "62000.0",
    "time_in_force": "ioc",
    "auction": {"start": START, "end": "61900.0", "slots": 150},
}


@pytest.fixture
async def floor(installed: Installation) -> AsyncIterator[Floor]:
    """Matching with a market whose keepers are paid, one that batches, and a further asset."""
    await installed.start("matching")
    async with installed.client() as operator, serving(Installed(installed), installed) as door:
        traffic = Traffic(operator, accounts=("maker",))
        await traffic.open_market()
        paying = SPEC.model_copy(update={"liquidation": LiquidationRules()})
        for command in (operated(ChangeMarket, spec=paying, expected_version=1), *listing()):
            await traffic.send(command)
        yield Floor(installed, door, traffic)


async def _ask(person: Person, method: str, path: str, body: Any = None, **headers: str) -> Answered:
    """What is answered; five orders a second are a free person's, who waits for more."""
    while True:
        answer = await person.ask(method, path, body, **headers)
        if answer[0] != 429:
            return answer
        await asyncio.sleep(0.3)


async def _refused(person: Person, path: str, body: Any, method: str = "POST") -> tuple[int, str]:
    status, told, _ = await _ask(person, method, path, body)
    return status, told["error"]["code"]


async def _code(person: Person) -> dict[str, Any]:
    """A person's own referral code, as a body."""
    return {"code": (await _ask(person, "GET", "me/referrals"))[1]["code"]}


def _event(told: dict[str, Any], kind: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = [event for event in told["events"] if event["type"] == kind]
    assert len(found) == 1, told
    return found[0]


async def check_an_asset_is_swapped(floor: Floor) -> None:
    """GW-SWAP-001: one asset for another at the index less the fee, once by its key; what does not fit is refused."""
    ann, ben = await floor.trader(), await floor.trader()
    swaps, once = f"accounts/{ann.user}/swaps", {"Idempotency_Key": uuid.uuid4().hex}
    wish = {"sell_asset": "USDC", "sell_amount": "100", "buy_asset": "USDT", "least_amount": "98.5"}
    for _ in range(2):
        status, told, _ = await _ask(ann, "POST", swaps, wish, **once)
        assert status == 200, told
    done = _event(told, "CollateralSwapped")
    assert (done["sold_units"], done["bought_units"], done["kind"]) == (100_000_000, 99_000_000, "swap")
    _, margin, _ = await ann.ask("GET", f"accounts/{ann.user}/margin", Cleartide_After=str(told["position"]))
    assert ("USDT", Decimal(99)) in [(held["asset"], Decimal(held["balance"])) for held in margin["assets"]]
    assert await _refused(ann, swaps, {**wish, "least_amount": "99.5"}) == (422, "below_least_amount")
    assert await _refused(ann, swaps, {**wish, "sell_amount": "100000"}) == (422, "exceeds_balance")
    assert await _refused(ann, swaps, {**wish, "buy_asset": "USDC"}) == (422, "same_asset")
    assert await _refused(ann, swaps, {**wish, "buy_asset": "NONE"}) == (422, "unknown_asset")
    for amount in ("1e3", "-1", "", 1, "1." + 13 * "1"):
        assert await _refused(ann, swaps, {**wish, "sell_amount": amount}) == (422, "invalid_parameter")
    assert (await _refused(ann, swaps, {**wish, "sell_amount": "0.0000001"}))[0] == 422
    assert await _refused(ben, swaps, wish) == (403, "not_permitted")
    assert (await floor.door.ask("POST", swaps, wish))[0] == 401


async def check_a_referrer_is_set_and_claims(floor: Floor) -> None:
    """GW-REFER-001: a family says once who brought it; its fees bring the referrer what he claims, and nobody else."""
    ann, ben = await floor.trader(), await floor.trader()
    referrer, claims = f"accounts/{ben.user}/referrer", f"accounts/{ann.user}/referrals/claims"
    assert await _refused(ann, claims, None) == (422, "nothing_to_claim")
    hers, his = await _code(ann), await _code(ben)
    assert await _refused(ben, referrer, his, "PUT") == (422, "own_account")
    assert await _refused(ann, referrer, hers, "PUT") == (403, "not_permitted")
    assert await _refused(ben, referrer, {"code": "NOBODYHAS9"}, "PUT") == (422, "unknown_referral_code")
    for wrong in ({"code": "not one"}, {"code": ""}, {"referrer": ann.user}):
        assert await _refused(ben, referrer, wrong, "PUT") == (422, "invalid_parameter")
    stranger = await floor.door.sign_in()
    assert await _refused(ben, referrer, await _code(stranger), "PUT") == (422, "unknown_account")
    status, told, _ = await _ask(ben, "PUT", referrer, hers)
    assert (status, _event(told, "ReferrerSet")["referrer"]) == (200, ann.user), told
    assert await _refused(ben, referrer, hers, "PUT") == (422, "already_referred")
    await floor.traffic.order("maker", "sell", 10, START_TICKS)
    taking = {**BUY, "price": START, "time_in_force": "ioc"}
    status, told, _ = await _ask(ben, "POST", f"accounts/{ben.user}/orders", taking)
    assert (status, told["state"]) == (201, "filled"), told
    after = {"Cleartide_After": str(told["position"])}
    waiting = (await ann.ask("GET", f"accounts/{ann.user}/fees", **after))[1]["claimable"]
    assert await _refused(ben, claims, None) == (403, "not_permitted")
    status, told, _ = await _ask(ann, "POST", claims)
    assert status == 200, told
    paid = _event(told, "TransferApplied")
    assert (paid["kind"], paid["amount"], Decimal(waiting) > 0) == ("referral", waiting, True)
    assert await _refused(ann, claims, None) == (422, "nothing_to_claim")


async def check_an_order_is_sealed_and_opened(floor: Floor) -> None:
    """GW-SEAL-001: committed to by its hash, opened with what the hash was made of alone, and executed in its batch."""
    ann, ben = await floor.trader(), await floor.trader()
    resting = {**BUY, "market": SEALED, "side": "sell", "price": START, "post_only": True}
    assert (await _ask(ben, "POST", f"accounts/{ben.user}/orders", resting))[0] == 201
    order: dict[str, Any] = {"client_order_id": "sealed-1", "side": "buy", "size": "0.010", "price": START}
    order |= {"order_type": "limit", "time_in_force": "ioc"}
    salt, of = secrets.token_hex(32), f"accounts/{ann.user}/commitments"
    wish = {"market": SEALED, "digest": digest_of(ann.user, SEALED, salt, OrderTerms(**order))}
    assert await _refused(ben, of, wish) == (403, "not_permitted")
    assert await _refused(ann, of, {**wish, "market": MARKET}) == (422, "not_batched")
    assert await _refused(ann, of, {**wish, "digest": "5F"}) == (422, "invalid_parameter")
    status, told, _ = await _ask(ann, "POST", of, wish)
    assert status == 201, told
    made = _event(told, "OrderCommitted")
    _, listed, _ = await ann.ask("GET", of, Cleartide_After=str(told["position"]))
    [one] = listed["commitments"]
    assert (one["commitment_id"], one["bond"], one["revealed"]) == (made["commitment_id"], "5.000000", False)
    assert (await ben.ask("GET", of))[0] == 403
    place, opening = f"{of}/{one['commitment_id']}/reveal", {"market": SEALED, "salt": salt, "order": order}
    await asyncio.sleep(max(0.0, one["reveals_from"] / 1e6 - time.time()))
    other = {**opening, "order": {**order, "price": "61801.0"}}
    assert await _when_closed(ann, place, other) == (422, "digest_mismatch")
    hers = place.replace(ann.user, ben.user)
    assert await _refused(ben, hers, opening) == (422, "unknown_commitment")
    status, told, _ = await _ask(ann, "POST", place, opening)
    assert (status, _event(told, "OrderRevealed")["client_order_id"]) == (200, "sealed-1"), told
    assert await _refused(ann, place, opening) == (422, "already_revealed")
    await _executed(floor, ann, "sealed-1")


async def _when_closed(person: Person, place: str, body: Any) -> tuple[int, str]:
    """What is said of a reveal once its round takes no more commitments."""
    async with asyncio.timeout(30):
        while True:
            said = await _refused(person, place, body)
            if said != (422, "still_collecting"):
                return said
            await asyncio.sleep(0.3)


async def _executed(floor: Floor, person: Person, name: str) -> None:
    """The round ends as time passes, which it does with what is sent."""
    async with asyncio.timeout(60):
        while True:
            after = {"Cleartide_After": str(await floor.traffic.deposit("maker", "1"))}
            status, told, _ = await person.ask("GET", f"accounts/{person.user}/orders/{name}", **after)
            if status == 200:
                break
            await asyncio.sleep(0.3)
    assert (told["state"], told["average_price"]) == ("filled", f"{START}00000"), told
    assert (await person.ask("GET", f"accounts/{person.user}/commitments", **after))[1]["commitments"] == []


async def check_an_auction_is_quoted(floor: Floor) -> None:
    """GW-AUCTION-001: everybody sees what is auctioned and offered, not by whom; a maker quotes, better, and trades."""
    ann, ben = await floor.trader(), await floor.trader()
    auctioned = {**AUCTIONED, "client_order_id": "auctioned-1"}
    status, told, _ = await _ask(ann, "POST", f"accounts/{ann.user}/orders", auctioned)
    assert status == 201, told
    number, after = told["order_id"], {"Cleartide_After": str(told["position"])}
    quotes = f"accounts/{ben.user}/auctions/{number}/quotes"
    offer = {"market": MARKET, "price": "61890.0", "size": "0.010"}
    assert await _refused(ben, quotes, {**offer, "price": "61950.0"}) == (422, "price_beyond_end")
    assert await _refused(ben, quotes, {**offer, "price": "one"}) == (422, "invalid_parameter")
    assert (await _refused(ben, quotes, {**offer, "price": "61890.05"}))[0] == 422
    assert await _refused(ben, quotes.replace(f"/{number}/", "/900000/"), offer) == (422, "unknown_auction")
    assert await _refused(ann, quotes, offer) == (403, "not_permitted")
    assert await _refused(ann, quotes.replace(ben.user, ann.user), offer) == (422, "self_trade")
    assert (await floor.door.ask("POST", quotes, offer))[0] == 401
    status, told, _ = await _ask(ben, "POST", quotes, offer)
    assert (status, _event(told, "JitQuoteAccepted")["price"]) == (201, "61890.0"), told
    assert await _refused(ben, quotes, offer) == (422, "not_better")
    status, shown, _ = await floor.door.ask("GET", f"markets/{MARKET}/auctions", **after)
    [one] = shown["auctions"]
    assert (one["auction_id"], one["side"], one["remaining"]) == (number, "buy", "0.010")
    assert [(quote["price"], quote["size"]) for quote in one["quotes"]] == [("61890.0", "0.010")]
    assert ann.user not in str(shown) and ben.user not in str(shown)
    assert (await floor.door.ask("GET", "markets/NONE-PERP/auctions"))[0] == 404
    status, told, _ = await _ask(ben, "POST", quotes, {**offer, "price": START})
    assert status == 201, told
    async with asyncio.timeout(60):
        while told.get("state") != "filled":
            after = {"Cleartide_After": str(await floor.traffic.deposit("maker", "1"))}
            _, told, _ = await ann.ask("GET", f"accounts/{ann.user}/orders/auctioned-1", **after)
    assert Decimal(told["average_price"]) < Decimal("61890")
    assert (await floor.door.ask("GET", f"markets/{MARKET}/auctions", **after))[1]["auctions"] == []


async def check_a_delegate_commits_and_is_no_keeper(floor: Floor) -> None:
    """GW-SEAL-002: a delegate who may trade commits and swaps for the owner, counted as orders; he keeps for nobody."""
    ann, ben = await floor.trader(), await floor.trader()
    rights = {"trade": True, "cancel": True, "deposit": False, "withdraw": False, "transfer": False}
    assert (await _ask(ann, "PUT", f"accounts/{ann.user}/delegates/{ben.user}", rights))[0] == 202
    before = floor.door.count("cleartide_quota_total", kind="orders", verdict="alone")
    wish = {"market": SEALED, "digest": secrets.token_hex(32)}
    status, told, _ = await _ask(ben, "POST", f"accounts/{ann.user}/commitments", wish)
    assert (status, _event(told, "OrderCommitted")["account"]) == (201, ann.user), told
    swap = {"sell_asset": "USDC", "sell_amount": "1", "buy_asset": "USDT"}
    assert (await _ask(ben, "POST", f"accounts/{ann.user}/swaps", swap))[0] == 200
    assert floor.door.count("cleartide_quota_total", kind="orders", verdict="alone") == before + 2
    claims, referrer = f"accounts/{ann.user}/referrals/claims", f"accounts/{ann.user}/referrer"
    assert await _refused(ben, claims, None) == (422, "not_permitted")
    assert await _refused(ben, referrer, await _code(ben), "PUT") == (403, "not_permitted")
    target = {"target": "maker", "market": MARKET}
    assert await _refused(ben, f"accounts/{ann.user}/liquidations", target) == (403, "not_permitted")


async def check_a_keeper_is_paid(floor: Floor) -> None:
    """GW-KEEP-001: who asks for a liquidation that is due is paid, and told no more of it; others hear why not."""
    ann, ben, debtor = await floor.trader(), await floor.trader(), await floor.trader("70")
    asks, target = f"accounts/{ann.user}/liquidations", {"target": debtor.user, "market": MARKET}
    await floor.traffic.order("maker", "sell", 100, START_TICKS)
    buying = {**BUY, "size": "0.100", "price": START, "time_in_force": "ioc"}
    status, told, _ = await _ask(debtor, "POST", f"accounts/{debtor.user}/orders", buying)
    assert (status, told["state"]) == (201, "filled"), told
    assert await _refused(ann, asks, target) == (422, "healthy")
    assert await _refused(ann, asks, {**target, "target": ann.user}) == (422, "own_account")
    assert await _refused(ann, asks, {**target, "target": "nobody"}) == (422, "unknown_account")
    assert await _refused(ann, asks, {**target, "market": "NONE-PERP"}) == (404, "unknown_market")
    assert await _refused(ann, asks, {"target": debtor.user}) == (422, "invalid_parameter")
    await floor.traffic.order("maker", "buy", 100, FALLEN - 50)
    await floor.traffic.order("maker", "sell", 100, FALLEN + 50)
    await floor.traffic.price(FALLEN)
    assert await _refused(ben, asks, target) == (403, "not_permitted")
    status, told, _ = await _ask(ann, "POST", asks, target)
    assert (status, [event["type"] for event in told["events"]]) == (
        200,
        ["TransferApplied", "KeeperRewarded"],
    ), told
    paid = told["events"][-1]
    assert (paid["keeper"], Decimal(paid["reward"]) > 0) == (ann.user, True)
    _, margin, _ = await ann.ask("GET", f"accounts/{ann.user}/margin", Cleartide_After=str(told["position"]))
    assert Decimal(margin["equity"]) == 5_000 + Decimal(paid["reward"])


async def test_what_else_matching_takes_is_had_over_http(floor: Floor) -> None:
    """GW-SWAP-001, GW-REFER-001, GW-SEAL-001, GW-SEAL-002, GW-AUCTION-001, GW-KEEP-001"""
    await check_an_asset_is_swapped(floor)
    await check_a_referrer_is_set_and_claims(floor)
    await check_an_order_is_sealed_and_opened(floor)
    await check_an_auction_is_quoted(floor)
    await check_a_delegate_commits_and_is_no_keeper(floor)
    await check_a_keeper_is_paid(floor)


@pytest.mark.parametrize(
    ("event", "body", "refuses_it"),
    [
        ({"type": "CommitmentRejected", "account": "ann", "commitment_id": None}, {"account": "ann"}, True),
        ({"type": "OrderRejected", "account": "ann", "client_order_id": "sealed-1"}, {"account": "ann"}, False),
        ({"type": "OrderRejected", "account": "ann", "client_order_id": "a"}, {"client_order_id": "a"}, True),
        ({"type": "JitQuoteRejected", "account": "ann", "quote_id": 7}, {"account": "ann", "auction_id": 2}, False),
        ({"type": "JitQuoteRejected", "account": "ann", "quote_id": None}, {"account": "ann", "auction_id": 2}, True),
        ({"type": "LiquidationRejected", "account": "ben"}, {"keeper": "ann", "account": "ben"}, True),
        ({"type": "TransferRejected", "account": "ben"}, {"account": "ann"}, False),
        ({"type": "TransferRejected", "account": "ann"}, {"account": "ann"}, True),
        ({"type": "OrderRejected", "account": "ann", "client_order_id": "a"}, {"instructions": []}, False),
    ],
)
def test_a_command_is_refused_by_its_own_refusal_alone(
    event: dict[str, Any], body: dict[str, Any], refuses_it: bool
) -> None:
    """GW-ORDER-013: what happens to an earlier order or quote on the way is told, and is no refusal of the command."""
    assert refuses(event, body) is refuses_it


def test_what_a_keeper_was_paid_is_his_business() -> None:
    """GW-KEEP-002: who was liquidated hears neither who asked for it nor what that one has."""
    paid = {"type": "KeeperRewarded", "keeper": "ann", "account": "ben", "reward_quanta": 2_000_000, "cash_quanta": 9}
    step = {"type": "LiquidationStep", "account": "ben"}
    assert whose(paid) == "ann"
    assert told_to("ben", [paid, step], lambda _: None) == [step]
    assert [event["reward"] for event in told_to("ann", [paid, step], lambda _: None)] == ["2.000000"]
