"""Publishing, REST and backoff, each against a real server."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from services.ingestor.adapters.events import MarketStruct
from services.ingestor.adapters.protocol import Request
from services.ingestor.adapters.venue import RateLimit
from services.ingestor.adapters.venues.binance import UsdmCore
from services.ingestor.tests.support import BTCUSDT, new_core, ticker, trade
from services.ingestor.transport import rest as rest_module
from services.ingestor.transport.backoff import Backoff, stopped_within
from services.ingestor.transport.metrics import FeedCollector
from services.ingestor.transport.publisher import EVENTS_PER_MESSAGE, Publisher, message_id
from services.ingestor.transport.rest import VenueRefused, VenueRest, Window
from tests.support.running import until
from tests.support.servers import Broker
from tests.support.streams import events_of

Answer = Callable[[web.Request], Awaitable[web.Response]]


def quotes(first: int, count: int) -> list[MarketStruct]:
    core = new_core()
    made = [core.frame(ticker(number, "100.0", "100.1", number), number) for number in range(first, first + count)]
    return [event for out in made for event in out if isinstance(event, MarketStruct)]


@asynccontextmanager
async def answering(*answers: tuple[int, dict[str, str]]) -> AsyncIterator[tuple[str, list[float]]]:
    """A server that gives these statuses and headers in turn, then 200; yields its address and the request times."""
    left, times = list(answers), []

    async def answer(_request: web.Request) -> web.Response:
        times.append(time.monotonic())
        status, headers = left.pop(0) if left else (200, {})
        return web.Response(status=status, headers=headers, body=b"x" * 100_000)

    app = web.Application()
    app.router.add_get("/path", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", times
    finally:
        await runner.cleanup()


class TestPublisher:
    async def test_events_of_a_subject_are_packed_and_keep_their_order(self, broker: Broker) -> None:
        """ING-PUB-001"""
        async with broker.client("ingestor") as client, broker.client() as operator:
            publisher = Publisher(client.jetstream())
            publisher.add(quotes(1, 450))
            await publisher.flush()
            assert publisher.counts["messages"] == 3
            assert publisher.counts["events"] == 450
            assert publisher.pending == 0
            said: list[Any] = [event async for event in events_of(operator, "MARKET")]
            assert [event.venue_seq for event in said] == list(range(1, 451))

    async def test_the_same_batch_is_stored_once(self, broker: Broker) -> None:
        """ING-PUB-002"""
        async with broker.client("ingestor") as client, broker.client() as operator:
            for _ in range(2):
                publisher = Publisher(client.jetstream())
                publisher.add(quotes(1, 10))
                await publisher.flush()
            assert publisher.counts["duplicates"] == 1
            assert len([event async for event in events_of(operator, "MARKET")]) == 10

    def test_message_ids_come_from_the_venues_sequence(self) -> None:
        """ING-PUB-002"""
        prefix = "binance-usdm:BTCUSDT:ticker"
        assert message_id(quotes(7, 3)) == f"{prefix}:7|{prefix}:9|3"

    async def test_a_full_message_does_not_wait_for_the_clock(self, broker: Broker) -> None:
        """ING-PUB-003"""
        async with broker.client("ingestor") as client:
            publisher = Publisher(client.jetstream())
            running = asyncio.create_task(publisher.run())
            publisher.add(quotes(1, EVENTS_PER_MESSAGE))
            publisher.add(new_core().heartbeat(1))
            await asyncio.wait_for(publisher.idle(), 30)
            running.cancel()
            assert publisher.counts["messages"] == 2

    async def test_a_bus_that_does_not_answer_holds_the_reader_back(self, broker: Broker) -> None:
        """ING-PUB-004"""
        async with broker.client("ingestor") as client:
            publisher = Publisher(client.jetstream(), max_pending=100)
            publisher.add(quotes(1, 100))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(publisher.room(), 0.05)
            await publisher.flush()
            await asyncio.wait_for(publisher.room(), 30)


class TestRest:
    async def test_a_body_is_read_whole(self) -> None:
        """ING-REST-002"""
        async with answering() as (url, _), aiohttp.ClientSession() as session:
            assert len(await VenueRest(session, url).ask(Request("/path"))) == 100_000

    @pytest.mark.parametrize("status", [429, 418])
    async def test_retry_after_is_obeyed_to_the_second(self, status: int) -> None:
        """ING-REST-001"""
        async with answering((status, {"Retry-After": "1"})) as (url, times), aiohttp.ClientSession() as session:
            rest = VenueRest(session, url)
            await asyncio.gather(rest.ask(Request("/path")), asyncio.sleep(0.1))
            assert times[1] - times[0] >= 1.0

    async def test_a_pause_holds_every_request_to_the_venue(self) -> None:
        """ING-REST-001"""
        async with answering((429, {"Retry-After": "1"})) as (url, times), aiohttp.ClientSession() as session:
            rest = VenueRest(session, url)
            first = asyncio.create_task(rest.ask(Request("/path")))
            await until(lambda: rest._resume_at > time.monotonic())
            await asyncio.gather(first, rest.ask(Request("/path")))
            assert len(times) == 3
            assert times[1] - times[0] >= 1.0

    async def test_without_retry_after_the_pause_is_a_minute(self) -> None:
        """ING-REST-001"""
        assert rest_module._retry_after(None) == rest_module._retry_after("soon") == 60.0
        assert rest_module._retry_after("120") == 120.0

    async def test_the_weight_budget_is_kept_before_the_venue_complains(self) -> None:
        """ING-REST-003"""
        async with answering((200, {"X-MBX-USED-WEIGHT-1M": "2160"})) as (url, _), aiohttp.ClientSession() as session:
            rest = VenueRest(session, url, (RateLimit(2_400, 60.0),), "X-MBX-USED-WEIGHT-1M")
            await rest.ask(Request("/path"))
            assert rest.counts["pauses"] == 1
            assert 0 < rest._resume_at - time.monotonic() <= 60

    async def test_requests_keep_within_every_window(self) -> None:
        """ING-REST-003: nine tenths of 10 a second and of 14 in two seconds."""
        async with answering() as (url, times), aiohttp.ClientSession() as session:
            rest = VenueRest(session, url, (RateLimit(10, 0.2), RateLimit(14, 0.6)))
            began = time.monotonic()
            await asyncio.gather(*(rest.ask(Request("/path", weight=3)) for _ in range(6)))
        assert len(times) == 6
        assert times[3] - began >= 0.2
        assert times[4] - began >= 0.6

    @given(st.lists(st.tuples(st.floats(0, 0.3), st.integers(1, 9)), max_size=60))
    def test_no_window_ever_holds_more_than_its_budget(self, asked: list[tuple[float, int]]) -> None:
        """ING-REST-003: whatever is asked when, by a clock that shows what it is told."""
        limits = (RateLimit(10, 0.2), RateLimit(14, 0.6))
        windows, now, sent = [Window(limit) for limit in limits], 0.0, list[tuple[float, int]]()
        for idle, weight in asked:
            now += idle
            while pause := max(window.wait(weight, now) for window in windows):
                now += pause + 1e-9
            for window in windows:
                window.spend(weight, now)
            sent.append((now, weight))
        for limit, budget in zip(limits, (9, 12), strict=True):
            for start, _ in sent:
                assert sum(weight for at, weight in sent if 0 <= at - start < limit.seconds - 1e-6) <= budget

    async def test_outages_are_tried_again(self) -> None:
        """ING-REST-002"""
        async with answering((503, {}), (500, {})) as (url, times), aiohttp.ClientSession() as session:
            await VenueRest(session, url).ask(Request("/path"))
            assert len(times) == 3

    async def test_a_refused_request_is_not_repeated(self) -> None:
        """ING-REST-002"""
        async with answering((400, {})) as (url, times), aiohttp.ClientSession() as session:
            with pytest.raises(VenueRefused):
                await VenueRest(session, url).ask(Request("/path"))
            assert len(times) == 1


class TestBackoff:
    def test_delays_double_up_to_a_bound_with_jitter(self) -> None:
        """ING-CONN-005"""
        backoff = Backoff(first=1.0, longest=8.0)
        for most in (1.0, 2.0, 4.0, 8.0, 8.0, 8.0):
            assert most / 2 <= backoff.next_delay() <= most
        backoff.reset()
        assert backoff.next_delay() <= 1.0

    def test_what_mostly_works_again_is_tried_at_once_before_that(self) -> None:
        """ING-CONN-005"""
        backoff = Backoff(first=5.0, longest=300.0, at_once=0.25)
        for _ in range(2):
            for most in (0.25, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0):
                assert most / 2 <= backoff.next_delay() <= most
            backoff.reset()

    async def test_waiting_ends_with_the_service(self) -> None:
        """ING-CONN-005"""
        stopping = asyncio.Event()
        assert not await stopped_within(stopping, 0.01)
        stopping.set()
        assert await stopped_within(stopping, 60)


async def test_the_feeds_figures_are_scraped(broker: Broker) -> None:
    """ING-OPS-001"""
    async with broker.client("ingestor") as client, aiohttp.ClientSession() as session:
        core: Any = UsdmCore([BTCUSDT])
        core.frame(trade(1), 1)
        core.frame(trade(1), 1)
        publisher = Publisher(client.jetstream())
        publisher.add(quotes(1, 3))
        await publisher.flush()
        registry = CollectorRegistry()
        registry.register(FeedCollector(core, publisher, VenueRest(session, "http://127.0.0.1:1"), lambda: 7))
        text = generate_latest(registry).decode()
    assert 'cleartide_venue_irregularities_total{kind="repeated",venue="binance-usdm"} 1.0' in text
    assert 'cleartide_venue_frames_total{venue="binance-usdm"} 7.0' in text
    assert 'cleartide_market_published_total{kind="events",venue="binance-usdm"} 3.0' in text
    assert 'cleartide_market_pending_events{venue="binance-usdm"} 0.0' in text
