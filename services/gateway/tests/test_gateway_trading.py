"""Trading over HTTP, and its rooms over the WebSocket, on services as they are: books, trades, candles, accounts."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.gateway.live.mailbox import Mailbox
from services.gateway.tests.ears import SECONDS, Frame, listener
from services.gateway.tests.entrance import Installed, serving
from services.gateway.tests.trading import BUY, CHECKS, MARKET, Floor
from services.gateway.tests.vault_pages import PAGE_CHECKS
from services.gateway.tests.vaulting import VAULT_CHECKS
from tests.support.installation import Installation
from tests.support.traffic import Traffic


@pytest.fixture
async def floor(installed: Installation) -> AsyncIterator[Floor]:
    """The services that rooms are made of."""
    await installed.start("matching", "risk", "analytics", "funding")
    async with installed.client() as operator, serving(Installed(installed), installed) as door:
        traffic = Traffic(operator, accounts=("maker",))
        await traffic.open_market()
        yield Floor(installed, door, traffic)


async def check_a_book_is_followed(floor: Floor) -> None:
    """GW-ROOM-001: a book's snapshot and its numbered changes are the book, level by level, as REST tells it."""
    ann = await floor.trader()
    orders = f"accounts/{ann.user}/orders"
    async with listener(floor.door) as ear:
        first = await ear.subscribe("book", market=MARKET)
        assert first["op"] == "snapshot"
        sides = {side: dict(first["data"][side]) for side in ("bids", "asks")}
        place = 0
        for number in range(3):
            order = {**BUY, "price": f"6100{number}.0", "client_order_id": f"book-{number}"}
            assert (await ann.ask("POST", orders, order))[0] == 201
        status, told, _ = await ann.ask("DELETE", f"{orders}/book-1?market={MARKET}")
        assert status == 200
        place = told["position"]
        status, book, _ = await floor.door.ask("GET", f"markets/{MARKET}/book?depth=200", Cleartide_After=str(place))
        seq = first["seq"]
        while seq < book["book_seq"]:
            frame = await ear.until(lambda frame: frame["op"] == "update")
            assert frame["previous_seq"] <= seq < frame["seq"]
            for side, levels in frame["data"].items():
                sides[side].update(levels)
            seq = frame["seq"]
        held = {side: {price: size for price, size in sides[side].items() if float(size)} for side in sides}
        assert held == {side: dict(book[side]) for side in ("bids", "asks")}
    assert (await ann.ask("DELETE", orders))[0] == 200


async def check_an_account_is_told_everything_of_its_own(floor: Floor) -> None:
    """GW-ROOM-002: an account hears its orders, fills and money, in decimals and order, and goes on after a break."""
    ann, ben = await floor.trader(), await floor.trader()
    async with listener(floor.door, ann) as ear:
        first = await ear.subscribe("account", account=ann.user)
        assert (first["op"], first["data"]["cash"]) == ("snapshot", "5000.000000"), first
        sell = {**BUY, "side": "sell", "price": "61800.0"}
        assert (await ben.ask("POST", f"accounts/{ben.user}/orders", sell))[0] == 201
        taken = {**BUY, "price": "61800.0", "client_order_id": "room-1"}
        assert (await ann.ask("POST", f"accounts/{ann.user}/orders", taken))[0] == 201
        last = await ear.until(lambda frame: frame["op"] == "update" and frame["data"]["type"] == "OrderClosed")
        told = [(frame["topic"], frame["data"]["type"]) for frame in ear.heard if frame["op"] == "update"]
        assert ("orders", "OrderAccepted") in told
        assert ("fills", "PositionChanged") in told
        places = [frame["seq"] for frame in ear.heard]
        assert places == sorted(places)
        assert ben.user not in str(ear.heard)
    assert (await ann.ask("POST", f"accounts/{ann.user}/orders", {**BUY, "client_order_id": "room-2"}))[0] == 201
    async with listener(floor.door, ann) as ear:
        missed = await ear.subscribe("account", account=ann.user, after_seq=last["seq"], topics=["orders"])
        assert (missed["op"], missed["data"]["client_order_id"]) == ("update", "room-2")
        beyond = await ear.subscribe("account", account=ann.user, after_seq=10**9)
        assert beyond["error"]["code"] == "after_seq_beyond_feed"


async def check_rooms_have_doors(floor: Floor) -> None:
    """GW-ROOM-003: a stranger and another tenant hear nothing of an account; who says who he is on the way in, does."""
    ann, ben = await floor.trader(), await floor.trader()
    async with listener(floor.door) as ear:
        assert (await ear.subscribe("account", account=ann.user))["error"]["code"] == "sign_in_required"
        await ear.socket.send_json({"op": "auth", "token": "nonsense"})
        assert (await ear.until(lambda _: True))["error"]["code"] == "token_invalid"
        await ear.socket.send_json({"op": "auth", "token": ann.session["access_token"]})
        assert (await ear.until(lambda _: True)) == {"op": "authenticated", "user": ann.user}
        assert (await ear.subscribe("account", account=ann.user))["op"] == "snapshot"
        assert (await ear.subscribe("book", market="NONE-PERP"))["error"]["code"] == "unknown_market"
        assert (await ear.subscribe("account", account=ben.user))["error"]["code"] == "not_permitted"


async def check_trades_candles_and_funding(floor: Floor) -> None:
    """GW-ROOM-004: trades go on from a place, candles grow as analytics has them, funding begins with what holds."""
    ann, ben = await floor.trader(), await floor.trader()

    async def trade() -> None:
        sell = {**BUY, "side": "sell", "price": "61800.0"}
        assert (await ben.ask("POST", f"accounts/{ben.user}/orders", sell))[0] == 201
        buy = {**BUY, "price": "61800.0", "time_in_force": "ioc"}
        assert (await ann.ask("POST", f"accounts/{ann.user}/orders", buy))[0] == 201

    await trade()
    async with listener(floor.door) as ear:
        await ear.subscribe("trades", market=MARKET)
        candles = await ear.subscribe("candles", market=MARKET, interval=60)
        assert candles["op"] == "snapshot"
        funding = await ear.subscribe("funding", market=MARKET)
        assert (funding["op"], funding["data"]["market"]) == ("snapshot", MARKET)
        await trade()
        heard = await ear.until(lambda frame: frame.get("channel") == "trades" and frame["op"] == "update")
        assert (heard["data"]["price"], heard["data"]["size"], heard["data"]["taker_side"]) == (
            "61800.0",
            "0.010",
            "buy",
        )
        assert not {ann.user, ben.user} & set(str(heard).split("'"))
        grown = await ear.until(lambda frame: frame.get("channel") == "candles" and frame["op"] == "update")
        assert grown["data"][-1]["close"] == "61800.0"
    await trade()
    async with listener(floor.door) as ear:
        seen = [await ear.subscribe("trades", market=MARKET, after_seq=heard["seq"])]
        while not (told := [row for frame in seen for row in _rows(frame)]):
            seen.append(await ear.until(lambda frame: frame["op"] == "update"))
        assert [row["seq"] > heard["seq"] for row in told] == [True]


async def check_a_portfolio_is_told_when_it_changes(floor: Floor) -> None:
    """GW-ROOM-006: whose account it is hears its portfolio, again when money came; nobody else."""
    ann, ben = await floor.trader(), await floor.trader()
    async with listener(floor.door, ann) as ear:
        first = await ear.subscribe("portfolio", account=ann.user, days=1)
        assert (first["op"], first["data"]["account"], first["days"]) == ("snapshot", ann.user, 1)
        await floor.traffic.deposit(ann.user, "1000")
        told = await ear.until(lambda frame: frame["op"] == "update" and frame["data"]["cash"] == "6000.000000")
        assert (told["channel"], told["account"], told["seq"]) == ("portfolio", ann.user, told["data"]["as_of"])
        assert (await ann.ask("GET", f"accounts/{ann.user}/portfolio"))[1]["cash"] == told["data"]["cash"]
        assert (await ear.subscribe("portfolio", account=ben.user))["error"]["code"] == "not_permitted"
        await ear.socket.send_json({"op": "unsubscribe", "channel": "portfolio", "account": ann.user})
        left = await ear.until(lambda frame: frame["op"] == "unsubscribed")
        assert (left["channel"], left["of"]) == ("portfolio", ann.user)


def _rows(frame: Frame) -> list[Frame]:
    return frame["data"] if isinstance(frame["data"], list) else [frame["data"]]


async def test_trading_and_its_rooms(floor: Floor) -> None:
    """GW-ORDER-001, GW-ROOM-001: one venue, everything that its traders do over HTTP, and what its rooms tell."""
    for check in (*CHECKS, *VAULT_CHECKS, *PAGE_CHECKS):
        await check(floor)
    await check_a_book_is_followed(floor)
    await check_an_account_is_told_everything_of_its_own(floor)
    await check_rooms_have_doors(floor)
    await check_trades_candles_and_funding(floor)
    await check_a_portfolio_is_told_when_it_changes(floor)


async def test_who_is_behind_finds_the_newest_alone() -> None:
    """GW-ROOM-005: of a book's frames one that was not taken gives way to a newer whole one; other frames stay."""
    mailbox = Mailbox(4)
    mailbox.offer(b"update 1", "book:BTC-PERP")
    mailbox.offer(b"pong")
    assert mailbox.holds("book:BTC-PERP")
    mailbox.offer(b"snapshot 9", "book:BTC-PERP")
    assert [await mailbox.take(), await mailbox.take()] == [b"snapshot 9", b"pong"]
    assert not mailbox.holds("book:BTC-PERP")
    async with asyncio.timeout(SECONDS):
        mailbox.offer(b"update 10", "book:BTC-PERP")
        assert await mailbox.take() == b"update 10"
