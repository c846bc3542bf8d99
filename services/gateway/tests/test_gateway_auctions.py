"""Auctions over the WebSocket: what everybody hears of them, in order, and on after a break."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from decimal import Decimal
from typing import Any

import pytest
from cleartide.contracts import JitAuctionOpened, JitAuctionSettled, JitQuoteAccepted, JitQuoteRejected, TradeExecuted
from cleartide.contracts.codec import encode
from cleartide.contracts.examples import EXAMPLES
from cleartide.money import Grid
from cleartide.rest import RestClient
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode

from services.gateway.live.auctions import Running, auction_view
from services.gateway.tests.ears import Frame, listener
from services.gateway.tests.entrance import Installed, serving
from services.gateway.tests.trading import BUY, MARKET, Floor
from tests.support.installation import Installation
from tests.support.traffic import START_TICKS, Traffic, price_text

START = price_text(START_TICKS)
AUCTIONED: dict[str, Any] = {**BUY, "price": "62000.0", "time_in_force": "ioc"}
AUCTIONED["auction"] = {"start": START, "end": "61900.0", "slots": 150}
GRID = Grid.of("0.1", "0.001")


@pytest.fixture
async def floor(installed: Installation) -> AsyncIterator[Floor]:
    """Matching with a market."""
    await installed.start("matching")
    async with installed.client() as operator, serving(Installed(installed), installed) as door:
        traffic = Traffic(operator, accounts=("maker",))
        await traffic.open_market()
        yield Floor(installed, door, traffic)


def _followed(frames: list[Frame]) -> dict[int, dict[str, Any]]:
    """The auctions that run, as a client keeps them who begins with a snapshot and goes on by what is told."""
    held: dict[int, dict[str, Any]] = {}
    for frame in frames:
        if frame["op"] == "snapshot":
            held = {one["auction_id"]: {**one, "quotes": [*one["quotes"]]} for one in frame["data"]}
            continue
        told = frame["data"]
        one = held.get(told["auction_id"], {})
        match told["type"]:
            case "JitAuctionOpened":
                held[told["auction_id"]] = {"side": told["side"], "remaining": told["size"], "quotes": []}
            case "JitQuoteAccepted":
                gone = (told["replaced_quote_id"],)
                one["quotes"] = [quote for quote in one["quotes"] if quote["quote_id"] not in gone]
                one["quotes"].append({name: told[name] for name in ("quote_id", "price", "size")})
            case "JitQuoteRejected":
                one["quotes"] = [quote for quote in one["quotes"] if quote["quote_id"] != told["quote_id"]]
            case "TradeExecuted":
                one["remaining"] = str(Decimal(one["remaining"]) - Decimal(told["size"]))
            case "JitAuctionSettled":
                del held[told["auction_id"]]
    return held


async def test_an_auction_is_followed(floor: Floor) -> None:
    """GW-AUCTION-002: opened, offered, bettered, traded, settled: told to everybody, in order, and by whom to nobody.

    GW-AUCTION-003: who comes later begins with what runs; who was away goes on behind the last that he heard.
    """
    ann, ben = await floor.trader(), await floor.trader()
    async with listener(floor.door) as ear, listener(floor.door, ann) as hers:
        first = await ear.subscribe("auctions", market=MARKET)
        assert (first["op"], first["data"]) == ("snapshot", [])
        await hers.subscribe("account", account=ann.user)
        status, placed, _ = await ann.ask("POST", f"accounts/{ann.user}/orders", AUCTIONED)
        assert status == 201, placed
        number = placed["order_id"]
        opened = await ear.until(lambda frame: frame["op"] == "update")
        shown = {name: opened["data"][name] for name in ("type", "auction_id", "side", "size", "start", "end", "slots")}
        assert shown == {
            "type": "JitAuctionOpened",
            "auction_id": number,
            "side": "buy",
            "size": "0.010",
            "start": START,
            "end": "61900.0",
            "slots": 150,
        }
        assert "62000.0" not in str(opened), "its limit is the taker's own business"
        quotes = f"accounts/{ben.user}/auctions/{number}/quotes"
        for price, size in (("61895.0", "0.004"), ("61890.0", "0.004")):
            status, told, _ = await ben.ask("POST", quotes, {"market": MARKET, "price": price, "size": size})
            assert status == 201, told
        bettered = await ear.until(lambda frame: frame["data"].get("replaced_quote_id") is not None)
        async with listener(floor.door) as late:
            held = _followed([await late.subscribe("auctions", market=MARKET)])
            assert [quote["price"] for quote in held[number]["quotes"]] == ["61890.0"]
            assert held == {number: {**held[number], **_followed(ear.heard)[number]}}, "both know the same"
        status, told, _ = await ben.ask("POST", quotes, {"market": MARKET, "price": START, "size": "0.004"})
        assert status == 201, told
        traded = (await _passing(floor, ear.until(lambda frame: frame["data"]["type"] == "TradeExecuted")))["data"]
        assert (traded["auction_id"], traded["price"], traded["size"]) == (number, START, "0.004")
        assert traded["met"] == "quote"
        name = placed["client_order_id"]
        assert (await ann.ask("DELETE", f"accounts/{ann.user}/orders/{name}?market={MARKET}"))[0] == 200
        settled = await ear.until(lambda frame: frame["data"]["type"] == "JitAuctionSettled")
        assert (await hers.until(lambda frame: frame["data"].get("type") == "JitAuctionSettled"))["topic"] == "other"
        assert (settled["data"]["filled"], settled["data"]["maker"], settled["data"]["unfilled"]) == (
            "0.004",
            "0.004",
            "0.006",
        )
        assert _followed(ear.heard) == {}
        assert [frame["seq"] for frame in ear.heard] == sorted({frame["seq"] for frame in ear.heard})
        assert not [name for name in (ann.user, ben.user, "account") if name in str(ear.heard)]
        await ear.socket.send_json({"op": "unsubscribe", "channel": "auctions", "market": MARKET})
        assert (await ear.until(lambda frame: frame["op"] == "unsubscribed"))["of"] == MARKET
        after = [frame for frame in ear.heard if frame["op"] == "update" and frame["seq"] > bettered["seq"]]
    async with RestClient.connect(floor.door.url) as client:
        missed = client.subscribe("auctions", market=MARKET, after_seq=bettered["seq"])
        assert [await asyncio.wait_for(anext(missed), 30) for _ in after] == after
    async with listener(floor.door) as ear:
        beyond = await ear.subscribe("auctions", market=MARKET, after_seq=10**9)
        assert beyond["error"]["code"] == "after_seq_beyond_feed"
        assert (await ear.subscribe("auctions", market="NONE-PERP"))["error"]["code"] == "unknown_market"


async def _passing(floor: Floor, wanted: Coroutine[Any, Any, Frame]) -> Frame:
    """Slots pass with what is sent, until this has come."""
    waiting = asyncio.ensure_future(wanted)
    async with asyncio.timeout(120):
        while not waiting.done():
            await floor.traffic.deposit("maker", "1")
            await asyncio.wait([waiting], timeout=0.3)
    return await waiting


def _event(contract: Any, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = decode(encode(EXAMPLES[contract].model_copy(update=fields)))
    return found


@pytest.mark.parametrize("contract", [JitAuctionOpened, JitQuoteAccepted, JitQuoteRejected, JitAuctionSettled])
def test_nobody_is_told_whose_it_is(contract: Any) -> None:
    """GW-AUCTION-004: of no event an account, a limit or a reason; figures are decimals."""
    event = _event(contract)
    told = auction_view(event, GRID)
    assert {"account", "limit", "reason", "causation_id", "id"}.isdisjoint(told)
    assert event["account"] not in str(told)
    assert not [name for name in told if name.endswith(("_ticks", "_lots", "_quanta"))]


def test_a_quote_that_was_refused_is_its_makers_business() -> None:
    """GW-AUCTION-004: only one that stood and left is everybody's."""
    running = Running([7])
    assert running.hear(_event(JitQuoteRejected, auction_id=7, quote_id=3))
    assert not running.hear(_event(JitQuoteRejected, auction_id=7, quote_id=None))


def _story(taken: dict[int, list[bool]]) -> list[dict[str, Any]]:
    """Auctions one after the other: before each a trade at once, then trades of it or of other orders."""
    story: list[dict[str, Any]] = []
    for number, trades in taken.items():
        story.append(_trade(number))
        story.append(_event(JitAuctionOpened, auction_id=number))
        story += [_trade(number if its else 900 + number) for its in trades]
        story.append(_event(JitAuctionSettled, auction_id=number))
        story.append(_trade(900 + number))
    return story


def _trade(number: int) -> dict[str, Any]:
    return _event(TradeExecuted, taker_side="buy", buy_order_id=number, sell_order_id=None)


@given(st.dictionaries(st.integers(1, 50), st.lists(st.booleans(), max_size=4), max_size=4), st.integers(0, 60))
def test_from_any_place_the_same_is_told(taken: dict[int, list[bool]], place: int) -> None:
    """GW-AUCTION-005: who goes on from any place is told of exactly the events that he would have heard there."""
    story = _story(taken)
    whole = Running([])
    heard = [whole.hear(event) for event in story]
    late = Running([], story[place:])
    assert [late.hear(event) for event in story[place:]] == heard[place:]
