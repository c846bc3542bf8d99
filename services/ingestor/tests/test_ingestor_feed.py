"""The feed through real sockets and the real bus: nothing lost, nothing twice, and every fault of a venue survived."""

import time
from typing import Any

import pytest
from cleartide.contracts import VenueStatus

from services.ingestor.simulator.recording import Recording
from services.ingestor.simulator.replay import Pace
from services.ingestor.tests.rig import Rig, Top, feeding, first_lines, venue
from services.ingestor.tests.support import BTCUSDT
from tests.support.running import until
from tests.support.servers import Broker

LINES = 3_999
DEPTH_LINE = 1_505


def bodies(recording: Recording, event: str, skip: range = range(0)) -> list[Any]:
    """The recorded frames of one kind."""
    made = [(line.number, line.body()) for line in recording.lines if line.stream]
    return [body for number, body in made if body.e == event and number not in skip]


def depth_lines(count: int, after: int = DEPTH_LINE) -> list[int]:
    """Numbers of the first depth frames after a line."""
    return [line.number for line in first_lines(LINES).lines if line.is_depth and line.number > after][:count]


def top_of_venue(rig: Rig) -> Top:
    """The venue's own best levels at the replay's position, in ticks and lots."""
    market = rig.replay.market
    prices, sizes = BTCUSDT.prices, BTCUSDT.sizes
    bids = sorted(((prices[price], sizes[size]) for price, size in market.bids.items()), reverse=True)
    asks = sorted((prices[price], sizes[size]) for price, size in market.asks.items())
    return bids[:20], asks[:20]


async def gaps_of(rig: Rig, kind: str) -> list[Any]:
    return [gap for gap in await rig.said("VenueGap") if gap.reason.startswith(kind)]


async def test_every_quote_and_trade_is_on_the_stream_once_and_in_order(broker: Broker) -> None:
    """ING-FEED-001"""
    async with venue() as (replay, address), feeding(broker, replay, address) as rig:
        await rig.played()
        recording = first_lines(LINES)
        tickers, trades = await rig.said("VenueTicker"), await rig.said("VenueTrade")
        assert [each.venue_seq for each in tickers] == [body.u for body in bodies(recording, "bookTicker")]
        assert [each.trade_id for each in trades] == [str(body.t) for body in bodies(recording, "trade")]
        assert rig.final_top == top_of_venue(rig)
        assert await rig.said("VenueGap") == []
        assert rig.core.counts == {}


async def test_quotes_are_packed_and_books_and_mark_prices_are_there(broker: Broker) -> None:
    """ING-FEED-002"""
    async with venue() as (replay, address), feeding(broker, replay, address) as rig:
        await rig.played()
        assert rig.publisher.counts["messages"] < rig.publisher.counts["events"] / 4
        books, funding = await rig.said("VenueBook"), await rig.said("VenueFunding")
        assert len(books) >= 40
        assert 14 <= len(funding) <= 18
        assert {each.rate_ppb for each in funding} == {100_000}


async def test_a_subscriber_that_comes_later_joins_the_book_as_it_is(broker: Broker) -> None:
    """ING-SIM-002"""
    async with venue(wait=False) as (replay, address):
        await until(lambda: replay.position > 500)
        assert replay.position < 3_000
        async with feeding(broker, replay, address) as rig:
            await rig.played()
            assert rig.final_top == top_of_venue(rig)
            assert await gaps_of(rig, "book") == []


@pytest.mark.parametrize("fault", ["drop", "range", "truncate", "badjson", "swap"])
async def test_a_lost_or_spoilt_book_frame_is_said_and_the_book_resynced(broker: Broker, fault: str) -> None:
    """ING-FAULT-002"""
    one, two, three = depth_lines(3)
    text = {"range": f"drop:{one}-{two}", "swap": f"swap:{one},{two}"}.get(fault, f"{fault}:{one}")
    lines = first_lines(LINES).lines
    seen_at = {"range": three, "swap": two}.get(fault, two)
    async with venue(faults=[text]) as (replay, address), feeding(broker, replay, address) as rig:
        await rig.played()
        gaps = await gaps_of(rig, "book")
        assert [gap.venue_seq for gap in gaps] == [lines[seen_at].body().u]
        resynced = [book for book in await rig.said("VenueBook") if book.quality == "resynced"]
        assert len(resynced) == 1
        assert resynced[0].received_at - gaps[0].received_at < 1_000_000
        assert rig.final_top == top_of_venue(rig)
        skipped = range(one, two + 1) if fault == "range" else range(0)
        expected = [body.u for body in bodies(first_lines(LINES), "bookTicker", skipped)]
        assert [each.venue_seq for each in await rig.said("VenueTicker")] == expected
        assert rig.core.counts["malformed"] == (fault in ("truncate", "badjson"))


async def test_repeated_frames_change_nothing(broker: Broker) -> None:
    """ING-FAULT-003"""
    faults = [f"duplicate:{number}" for number in range(1_500, 1_600)]
    async with venue(faults=faults) as (replay, address), feeding(broker, replay, address) as rig:
        await rig.played()
        assert await rig.said("VenueGap") == []
        assert len(await rig.said("VenueTicker")) == len(bodies(first_lines(LINES), "bookTicker"))
        assert len(await rig.said("VenueTrade")) == len(bodies(first_lines(LINES), "trade"))


async def test_a_closed_socket_is_opened_again_and_what_was_missed_is_said(broker: Broker) -> None:
    """ING-CONN-003"""
    async with venue(faults=["close:1500:1011"]) as (replay, address), feeding(broker, replay, address) as rig:
        await rig.played()
        assert rig.final_top == top_of_venue(rig)
        statuses = [each.status for each in await rig.said("VenueStatus")]
        assert statuses.count("disconnected") >= 2
        trades = await rig.said("VenueTrade")
        missing = sum(int(gap.reason.split()[1]) for gap in await gaps_of(rig, "trade"))
        assert len(trades) + missing == len(bodies(first_lines(LINES), "trade"))


async def test_a_silent_socket_is_given_up_although_it_answers_pings(broker: Broker) -> None:
    """ING-STALE-004"""
    async with (
        venue(faults=["silence:1500"], pace=Pace(6.0)) as (replay, address),
        feeding(broker, replay, address, silent_limit=0.2) as rig,
    ):
        await rig.over()
        await rig.stop()
        reasons = [each.detail for each in await rig.said("VenueStatus") if each.status == "disconnected"]
        assert any("no data for" in reason for reason in reasons)
        assert [each.quality for each in await rig.said("VenueBook")].count("resynced") >= 1


async def test_a_venue_that_cuts_sockets_is_followed(broker: Broker) -> None:
    """ING-CONN-004: the 24 hour cut, every 200 ms."""
    async with venue(lifetime=0.2) as (replay, address), feeding(broker, replay, address) as rig:
        await rig.over()
        await rig.stop()
        statuses = await rig.said("VenueStatus")
        assert len([each for each in statuses if each.status == "connected"]) >= 6
        assert len({each.venue_seq for each in await rig.said("VenueTicker")}) == len(await rig.said("VenueTicker"))


async def test_sockets_are_renewed_before_the_venue_cuts_them(broker: Broker) -> None:
    """ING-CONN-004"""
    async with venue() as (replay, address), feeding(broker, replay, address, lifetime=0.3) as rig:
        await rig.over()
        await rig.stop()
        reasons = [each.detail for each in await rig.said("VenueStatus") if each.status == "disconnected"]
        assert any("renewed" in reason for reason in reasons)


async def test_limits_and_stale_snapshots_only_delay_the_book(broker: Broker) -> None:
    """ING-REST-001"""
    lost = depth_lines(1)[0]
    faults = ["http429:1:1", f"drop:{lost}", "stale_snapshot:2"]
    async with venue(faults=faults, pace=Pace(6.0)) as (replay, address), feeding(broker, replay, address) as rig:
        await rig.played()
        assert rig.rest.counts["pauses"] == 1
        assert rig.rest.counts["requests"] >= 4
        assert rig.final_top == top_of_venue(rig)


async def test_a_bus_that_goes_away_loses_nothing(broker: Broker) -> None:
    """ING-FEED-003"""
    async with venue(pace=Pace(8.0)) as (replay, address), feeding(broker, replay, address) as rig:
        await rig.until(lambda: replay.position > 1_000)
        await broker.server.stop()
        await rig.until(lambda: replay.position > 2_000)
        await broker.server.start()
        await rig.over()
        await rig.until(lambda: rig.publisher.pending == 0)
        await rig.stop()
        recording = first_lines(LINES)
        assert [each.venue_seq for each in await rig.said("VenueTicker")] == [
            body.u for body in bodies(recording, "bookTicker")
        ]
        assert [each.trade_id for each in await rig.said("VenueTrade")] == [
            str(body.t) for body in bodies(recording, "trade")
        ]


async def test_a_heartbeat_comes_every_second_whether_or_not_the_venue_speaks(broker: Broker) -> None:
    """ING-STALE-005"""
    async with venue(last_line=200) as (replay, address), feeding(broker, replay, address) as rig:
        await rig.over()
        began = time.monotonic()

        async def beats() -> list[VenueStatus]:
            return [each for each in await rig.said("VenueStatus") if ":heartbeat-" in each.id]

        async def three() -> bool:
            return len(await beats()) >= 3

        await until(three)
        await rig.stop()
        assert len(said := await beats()) <= time.monotonic() - began + 2
        assert len({each.id for each in said}) == len(said)
