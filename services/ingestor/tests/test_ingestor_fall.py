"""Prices that fall on demand: the course, the hand on it, and what a feed on real sockets makes of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import aiohttp
import pytest
from cleartide.ops.demo.hand import DemoError, Hand
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.markets import MARKETS
from deploy.local.venues import FOLDER
from services.ingestor.adapters import events
from services.ingestor.simulator.__main__ import traded_of
from services.ingestor.simulator.course import RETURN_PPM, Course
from services.ingestor.simulator.host import RECORDED, Host
from services.ingestor.simulator.recording import Recording
from services.ingestor.simulator.replay import Pace, Replay
from services.ingestor.tests.rig import feeding, first_lines, venue
from services.ingestor.tests.support import SYMBOL
from services.ingestor.tests.venues.stand import standing, top_of
from tests.support.servers import Broker

LINES = 6_000
BASE = Decimal("61800.05")
TICK = Decimal("0.1")
FALL = Decimal("-7416.0")
TOKEN = "a token of tests"


def plunge(offset: Decimal = FALL) -> Course:
    """At its low from the first step on."""
    return Course(BASE, Decimal(0), offset, Decimal(0), Decimal(600), TICK)


class TestCourse:
    @given(
        drop=st.integers(5_000, 500_000),
        start=st.integers(0, 30_000),
        fall=st.integers(1, 600),
        rest=st.integers(0, 600),
        times=st.lists(st.integers(0, 5_000_000), min_size=2),
    )
    def test_prices_fall_rest_and_come_back(
        self, drop: int, start: int, fall: int, rest: int, times: list[int]
    ) -> None:
        """ING-SIM-020: down to the low, no lower; back to the recording's prices and no higher, no faster than is said.

        Every offset is on the recording's grid."""
        begun = -Decimal(start)
        low = begun - (BASE + begun) * drop / 1_000_000
        course = Course(BASE, begun, low, Decimal(fall), Decimal(rest), TICK)
        assert course.at(Decimal(0)) == begun
        assert abs(course.at(Decimal(fall + rest)) - low) <= TICK
        for earlier, later in zip(sorted(times), sorted(times)[1:], strict=False):
            first, then = course.at(Decimal(earlier) / 1_000), course.at(Decimal(later) / 1_000)
            assert first % TICK == 0
            assert low - TICK <= then <= 0
            if later <= fall * 1_000:
                assert then <= first
            elif earlier >= fall * 1_000:
                seconds = Decimal(later - earlier) / 1_000
                most = (BASE + first) * (1 + Decimal(RETURN_PPM) / 1_000_000) ** seconds
                assert BASE + first - TICK <= BASE + then <= most + 2 * TICK
        assert course.at(Decimal(100_000)) == 0
        assert course.phase(Decimal(100_000)) == "still"

    def test_it_says_where_it_is(self) -> None:
        """ING-SIM-020."""
        course = Course(BASE, Decimal(0), FALL, Decimal(20), Decimal(60), TICK)
        assert [course.phase(Decimal(at)) for at in (0, 19, 20, 79, 80, 500, 900)] == [
            *("falling", "falling", "low", "low", "returning", "returning", "still")
        ]


async def test_the_recorded_venue_falls_without_a_gap(broker: Broker) -> None:
    """ING-SIM-021: one difference frame carries the book over; quotes, trades and snapshots are down there too."""
    async with venue(LINES, pace=Pace(0.0)) as (replay, address), feeding(broker, replay, address) as rig:
        await rig.until(lambda: replay.position > LINES // 3)
        replay.begin(plunge())
        await rig.over()
        market = replay.market
        await rig.until(lambda: rig.book_update == market.last + market.shift.updates)
        book = rig.core.symbol(SYMBOL).sync.book
        assert book is not None
        ticks = [Decimal(side[0][0]) / 10 for side in book.top(1)]
        await rig.stop()
        said = await rig.said()
    best = max(map(Decimal, market.bids)), min(map(Decimal, market.asks))
    assert market.offset == FALL
    assert tuple(ticks) == best
    assert [each for each in said if each.type == "VenueGap"] == []
    last = [each for each in said if each.type == "VenueTrade"][-1]
    assert abs(Decimal(last.price_ticks) / 10 - best[0]) < 100


@pytest.mark.parametrize("name", ["bybit", "hyperliquid", "okx", "binance-coinm"])
async def test_every_derived_venue_falls_with_it(name: str) -> None:
    """ING-SIM-021: on every kind of book, a stream of changes and whole ones, checked sums among them."""
    async with standing(name, LINES) as stand:
        await stand.until(lambda: stand.replay.position > LINES // 3)
        stand.replay.begin(plunge())
        await stand.played()
        assert stand.said(events.Gap) == []
        best = max(map(Decimal, stand.replay.market.bids))
        bids, asks = top_of(stand.core, stand.symbol)
        assert bids[0][0] < asks[0][0]
        assert abs(Decimal(stand.said(events.Trade)[-1].price_ticks) / 10 - best) < 100
        assert abs(Decimal(bids[0][0]) / 10 - best) < 100


@asynccontextmanager
async def hand(lines: int = LINES, token: str = TOKEN) -> AsyncIterator[tuple[Replay, aiohttp.ClientSession, str]]:
    """A host of three venues that has played its recording, and a session that brings the token."""
    replay = Replay(first_lines(lines), Pace(0.0))
    host = Host([replay], {RECORDED: (), "bybit": (), "hyperliquid": ()}, token=token)
    url = f"http://127.0.0.1:{await host.start()}/control"
    try:
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
            yield replay, session, url
    finally:
        await host.stop()


async def test_the_hand_on_the_market_needs_its_token() -> None:
    """ING-SIM-022: without a token there is no control, with another one no right to it."""
    async with hand(token="") as (_, session, url), session.get(url) as answer:
        assert answer.status == 404
    async with hand() as (replay, session, url):
        for headers in ({"Authorization": "Bearer wrong"}, {"Authorization": ""}):
            async with session.post(f"{url}/fall", headers=headers, json={}) as answer:
                assert answer.status == 401
        async with session.get(url) as answer:
            standing_ = await answer.json()
        assert list(standing_["markets"]) == [SYMBOL]
        market = standing_["markets"][SYMBOL]
        assert market["venues"] == {RECORDED: ["BTCUSDT"], "bybit": ["BTCUSDT"], "hyperliquid": ["BTC"]}
        assert (market["phase"], replay.phase) == ("still", "still")


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ({"symbol": SYMBOL, "ppm": 4_999, "seconds": 20, "rest_seconds": 0}, 409, "0.5 % to 50 %"),
        ({"symbol": SYMBOL, "ppm": 500_001, "seconds": 20, "rest_seconds": 0}, 409, "0.5 % to 50 %"),
        ({"symbol": SYMBOL, "ppm": 120_000, "seconds": 0, "rest_seconds": 0}, 409, "1 to 600 seconds"),
        ({"symbol": SYMBOL, "ppm": 120_000, "seconds": 20, "rest_seconds": 601}, 409, "1 to 600 seconds"),
        ({"symbol": SYMBOL, "ppm": "12%", "seconds": 20, "rest_seconds": 0}, 400, "Expected `int`"),
        ({"symbol": SYMBOL, "ppm": 120_000, "seconds": 20}, 400, "rest_seconds"),
        ({"ppm": 120_000, "seconds": 20, "rest_seconds": 0}, 400, "symbol"),
        (
            {"symbol": "DOGEUSDT", "ppm": 120_000, "seconds": 20, "rest_seconds": 0},
            409,
            "no market DOGEUSDT is replayed; there are BTCUSDT",
        ),
    ],
)
async def test_what_cannot_be_is_refused(asked: dict[str, object], status: int, says: str) -> None:
    """ING-SIM-022."""
    async with hand() as (replay, session, url):
        await replay.run()
        async with session.post(f"{url}/fall", json=asked) as answer:
            assert (answer.status, says in (await answer.json())["error"]) == (status, True)
        assert replay.phase == "still"


async def test_one_fall_at_a_time_and_none_before_the_market_is_there() -> None:
    """ING-SIM-022."""
    fall = {"symbol": SYMBOL, "ppm": 500_000, "seconds": 1, "rest_seconds": 600}
    async with hand() as (replay, session, url):
        async with session.post(f"{url}/fall", json=fall) as answer:
            assert (answer.status, "has not begun" in (await answer.json())["error"]) == (409, True)
        await replay.run()
        for expected in (200, 409):
            async with session.post(f"{url}/fall", json=fall) as answer:
                assert answer.status == expected
        replay.market.offset = -BASE * 7 / 10
        replay.begin(plunge(replay.market.offset))
        async with session.post(f"{url}/fall", json=fall) as answer:
            assert (answer.status, "too low" in (await answer.json())["error"]) == (409, True)


def two_markets() -> list[Replay]:
    """The captured market, and the first minute of one that was made for the sandbox."""
    return [Replay(first_lines(LINES), Pace(0.0)), Replay(Recording(FOLDER / MARKETS[1].recording, 700), Pace(0.0))]


async def test_one_market_falls_and_the_others_stay() -> None:
    """ING-SIM-024: on every venue, and on that market's own grid."""
    replays = two_markets()
    traded = traded_of(["binance-usdm", "bybit=BTCUSDT,ETHUSDT", "hyperliquid=BTC,ETH@ETHUSDT"])
    host = Host(replays, traded, token=TOKEN)
    hand_ = Hand(f"http://127.0.0.1:{await host.start()}/control", TOKEN)
    try:
        await host.play(wait=False)
        with pytest.raises(DemoError, match="no market DOGEUSDT is replayed; there are BTCUSDT, ETHUSDT"):
            await hand_.fall("DOGEUSDT", 120_000, 20, 0)
        before = (await hand_.standing())["markets"]
        assert before["ETHUSDT"]["venues"] == {RECORDED: ["ETHUSDT"], "bybit": ["ETHUSDT"], "hyperliquid": ["ETH"]}
        await hand_.fall("ETHUSDT", 120_000, 20, 0)
        assert [replay.phase for replay in replays] == ["still", "falling"]
        replays[1].market.lay(plunge(Decimal("-316.123456")).at(Decimal(1)))
        stages = host.stages.values()
        tops = [Decimal(stage.views[name].top(1)[0][0][0]) for stage in stages for name in stage.views]
        after = (await hand_.standing())["markets"]
        assert after["BTCUSDT"] == before["BTCUSDT"]
        assert Decimal(after["ETHUSDT"]["price"]) - Decimal(before["ETHUSDT"]["price"]) == Decimal("-316.1")
        assert [top > 60_000 for top in tops] == [True, False] * 2
        assert all(top < 2_400 for top in tops[1::2])
    finally:
        await host.stop()


async def test_the_market_of_an_index_is_found_by_all_of_its_sources() -> None:
    """LIB-DEMO-006: an index that no one recording moves is not let fall, and what it is made of is said."""
    host = Host(two_markets(), traded_of(["binance-usdm", "bybit=BTCUSDT,ETHUSDT"]), token=TOKEN)
    hand_ = Hand(f"http://127.0.0.1:{await host.start()}/control", TOKEN)
    eth = [{"venue": venue, "symbol": "ETHUSDT"} for venue in ("binance-usdm", "bybit")]
    try:
        assert await hand_.recorded("ETH-PERP", eth) == "ETHUSDT"
        mixed = [*eth, {"venue": "bybit", "symbol": "BTCUSDT"}]
        with pytest.raises(DemoError, match="ETHUSDT of bybit, BTCUSDT of bybit, which no one recording"):
            await hand_.recorded("MIX-PERP", mixed)
        with pytest.raises(DemoError, match="made from no venue"):
            await hand_.recorded("NEW-PERP", [])
    finally:
        await host.stop()
