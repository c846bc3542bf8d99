"""The venue simulator: true to the recording, to the venue's endpoints, and to its own loops."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from services.ingestor.adapters import events as structs
from services.ingestor.simulator.faults import Faults
from services.ingestor.simulator.market import next_funding
from services.ingestor.simulator.recording import Shift
from services.ingestor.simulator.replay import Pace
from services.ingestor.tests.rig import first_lines, venue
from services.ingestor.tests.support import BTCUSDT, RECORDING, ROOT, SYMBOL, events, new_core, play, recorded

MAX = Pace(0.0)
DEPTH = "btcusdt@depth@0ms"
ALL = (DEPTH, "btcusdt@bookTicker", "btcusdt@trade")


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


async def frames(session: aiohttp.ClientSession, url: str, count: int) -> list[bytes]:
    """The first messages of a socket."""
    got: list[bytes] = []
    async with session.ws_connect(url) as socket:
        while len(got) < count:
            got.append((await socket.receive(timeout=30)).data.encode())
    return got


async def get(session: aiohttp.ClientSession, address: str, path: str) -> tuple[int, Any, dict[str, str]]:
    async with session.get(f"http://{address}{path}") as response:
        return response.status, await response.json(), dict(response.headers)


class TestSockets:
    async def test_combined_streams_bring_the_recorded_bytes(self, session: aiohttp.ClientSession) -> None:
        """ING-SIM-001"""
        async with venue(999, pace=MAX) as (_, address):
            got = await frames(session, f"ws://{address}/public/stream?streams={'/'.join(ALL)}", 999)
        assert got == [raw for _, raw in recorded()[:1_000] if not raw.startswith(b'{"lastUpdateId"')]

    async def test_raw_streams_bring_the_payload_alone(self, session: aiohttp.ClientSession) -> None:
        """ING-SIM-001"""
        async with venue(200, pace=MAX) as (_, address):
            got = await frames(session, f"ws://{address}/public/ws/{DEPTH}", 5)
        assert [json.loads(raw)["e"] for raw in got] == ["depthUpdate"] * 5

    async def test_subscriptions_can_be_made_and_listed_and_dropped(self, session: aiohttp.ClientSession) -> None:
        """ING-SIM-003"""
        async with venue(200) as (_, address), session.ws_connect(f"ws://{address}/public/stream") as socket:
            answers = []
            for number, (method, streams) in enumerate(
                [("SUBSCRIBE", ["a@b", "c@d"]), ("UNSUBSCRIBE", ["a@b"]), ("LIST_SUBSCRIPTIONS", []), ("WHAT", [])]
            ):
                await socket.send_json({"method": method, "params": streams, "id": number})
                answers.append(await socket.receive_json(timeout=30))
            await socket.send_str("no json")
            answers.append(await socket.receive_json(timeout=30))
        assert [answer.get("result", "refused") for answer in answers] == [None, None, ["c@d"], "refused", "refused"]

    @pytest.mark.parametrize(("route", "served"), [("", False), ("/public", False), ("/market", True)])
    async def test_mark_prices_come_on_the_market_route_alone(
        self, session: aiohttp.ClientSession, route: str, served: bool
    ) -> None:
        """ING-SIM-004"""
        url = f"{route}/stream?streams=btcusdt@markPrice@1s/{DEPTH}"
        async with venue(600, pace=MAX) as (_, address):
            got = await frames(session, f"ws://{address}{url}", 2)
        assert {"markPrice" in json.loads(raw)["stream"] for raw in got} == {served}


class TestRest:
    async def test_depth_is_the_book_at_the_replays_position(self, session: aiohttp.ClientSession) -> None:
        """ING-SIM-002: as an independent core finds it from the same lines."""
        async with venue(3_999, pace=MAX, wait=False) as (replay, address):
            await replay.finished.wait()
            _, body, _ = await get(session, address, "/fapi/v1/depth?symbol=BTCUSDT&limit=1000")
        core = new_core()
        for _ in play(core, recorded()[:4_000]):
            pass
        book = core.symbol(SYMBOL).sync.book
        assert book is not None
        sides = [[(BTCUSDT.prices[p], BTCUSDT.sizes[s]) for p, s in body[side]] for side in ("bids", "asks")]
        assert tuple(sides) == book.top(1_000)
        assert body["lastUpdateId"] == core.symbol(SYMBOL).sync.last

    async def test_a_request_before_the_recorded_snapshot_gets_the_recorded_one(
        self, session: aiohttp.ClientSession
    ) -> None:
        """ING-SIM-002"""
        async with venue(3_999) as (_, address):
            asked = asyncio.create_task(get(session, address, "/fapi/v1/depth?symbol=BTCUSDT&limit=1000"))
            await asyncio.sleep(0.05)
            assert not asked.done()
            async with session.ws_connect(f"ws://{address}/public/stream?streams={DEPTH}"):
                _, body, _ = await asyncio.wait_for(asked, 30)
        assert body == json.loads(first_lines(3_999).snapshot_raw)

    async def test_instruments_time_funding_and_premium(self, session: aiohttp.ClientSession) -> None:
        """ING-SIM-005"""
        async with venue(999, pace=MAX, wait=False) as (replay, address):
            await replay.finished.wait()
            answers = [
                (await get(session, address, f"/fapi/v1/{name}"))[1]
                for name in ("exchangeInfo", "fundingInfo", "time", "premiumIndex?symbol=BTCUSDT", "ping")
            ]
        info, funding, clock, premium, ping = answers
        assert [each["symbol"] for each in info["symbols"]] == ["BTCUSDT"]
        assert (funding, ping) == ([], {})
        assert clock["serverTime"] == replay.market.now_millis
        assert premium["markPrice"] == premium["indexPrice"]
        assert premium["nextFundingTime"] % (8 * 3_600_000) == 0

    async def test_refusals_and_weights_are_the_venues(self, session: aiohttp.ClientSession) -> None:
        """ING-SIM-006"""
        async with venue(200, pace=MAX, wait=False) as (replay, address):
            await replay.snapshot_passed.wait()
            for query, code in (("symbol=XYZ", -1121), ("symbol=BTCUSDT&limit=7", -4021)):
                status, body, _ = await get(session, address, f"/fapi/v1/depth?{query}")
                assert (status, body["code"]) == (400, code)
            weights = []
            while True:
                status, _, headers = await get(session, address, "/fapi/v1/depth?symbol=BTCUSDT&limit=1000")
                if status != 200:
                    break
                weights.append(int(headers["X-MBX-USED-WEIGHT-1M"]))
        assert status == 429
        assert 1 <= int(headers["Retry-After"]) <= 60
        assert max(weights) <= 2_400

    def test_funding_times_are_the_venues(self) -> None:
        """ING-SIM-005"""
        midnight = 1_723_161_600_000
        assert next_funding(midnight - 1) == midnight
        assert next_funding(midnight) == midnight + 8 * 3_600_000


class TestLoops:
    async def test_ids_and_times_go_on_and_the_book_never_breaks(self, session: aiohttp.ClientSession) -> None:
        """ING-SIM-007"""
        core = new_core()
        said: list[Any] = []
        async with (
            venue(1_999, pace=Pace(0.0, loop=True)) as (replay, address),
            session.ws_connect(f"ws://{address}/public/stream?streams={'/'.join(ALL)}") as socket,
        ):
            while replay.loops < 4 or core.symbol(SYMBOL).sync.last < replay.market.last:
                out = core.frame((await socket.receive(timeout=30)).data, 1)
                said += [each for each in out if isinstance(each, structs.MarketStruct)]
                if not core.symbol(SYMBOL).synced:
                    _, body, _ = await get(session, address, "/fapi/v1/depth?symbol=BTCUSDT&limit=1000")
                    said += core.snapshot(SYMBOL, json.dumps(body).encode(), 1)
        assert events(said, structs.Gap) == []
        for kind in (structs.Trade, structs.Ticker):
            ids = [each.venue_seq for each in events(said, kind)]
            times = [each.venue_time for each in events(said, kind)]
            assert ids == sorted(set(ids))
            assert times == sorted(times)
        assert len(events(said, structs.Trade)) > 3 * 300

    async def test_times_can_be_moved_to_now(self, session: aiohttp.ClientSession) -> None:
        """ING-SIM-008"""
        async with venue(999, pace=Pace(1.0, shift_time=True)) as (_, address):
            got = await frames(session, f"ws://{address}/public/stream?streams={'/'.join(ALL)}", 40)
            now = time.time() * 1_000
        times = [json.loads(raw)["data"]["E"] for raw in got]
        assert all(now - 2_000 < each <= now for each in times)

    def test_a_replay_started_later_has_higher_ids(self) -> None:
        """ING-SIM-008: whatever part of a loop the earlier one had played."""
        recording = first_lines(3_999)
        for line in recording.lines[500::250]:
            if not line.stream:
                continue
            body, millis = line.body(), line.after_ns // 1_000_000 + 1_000
            later, join = recording.shift(10**9 + millis), recording.lines[0].body()
            earlier = recording.shift(10**9)
            assert join.pu + later.updates > body.u + earlier.updates
            assert recording.lines[2].body().t + later.trades > body.t + earlier.trades

    def test_without_a_shift_the_bytes_are_the_recorded_ones(self) -> None:
        """ING-SIM-001"""
        raw = recorded()[0][1]
        assert Shift().apply(raw) is raw
        moved = Shift(updates=1, trades=1, millis=1).apply(raw)
        assert len(moved) == len(raw)
        assert json.loads(moved)["data"]["b"] == json.loads(raw)["data"]["b"]


class TestFaults:
    def test_each_fault_does_what_it_says(self) -> None:
        """ING-SIM-009"""
        faults = Faults()
        for text in ("drop:1-2", "duplicate:3", "truncate:4", "badjson:5", "swap:6,7", "delay:8:250", "close:9"):
            faults.add(text)
        assert [len(faults.frames(number, b"0123")) for number in range(1, 7)] == [0, 0, 2, 1, 1, 1]
        assert faults.frames(4, b"0123") == [b"01"]
        assert (faults.swapped, faults.delayed, faults.closing) == ({6: 7, 7: 6}, {8: 0.25}, {9: 1001})

    @pytest.mark.parametrize("text", ["explode:1", "drop", "drop:x", "swap:1", ""])
    def test_an_unknown_fault_is_refused(self, text: str) -> None:
        """ING-SIM-009"""
        with pytest.raises(ValueError):
            Faults().add(text)

    async def test_a_delayed_frame_stalls_the_stream(self, session: aiohttp.ClientSession) -> None:
        """ING-SIM-009"""
        started = time.monotonic()
        async with venue(60, faults=["delay:10:400"], pace=MAX) as (_, address):
            await frames(session, f"ws://{address}/public/stream?streams={'/'.join(ALL)}", 40)
        assert time.monotonic() - started >= 0.4

    async def test_http_refusals_come_first_and_once(self, session: aiohttp.ClientSession) -> None:
        """ING-SIM-009"""
        async with venue(200, faults=["http429:1:3", "http418:1"], pace=MAX, wait=False) as (_, address):
            answers = [await get(session, address, "/fapi/v1/depth?symbol=BTCUSDT&limit=5") for _ in range(3)]
        assert [(status, headers.get("Retry-After")) for status, _, headers in answers] == [
            (429, "3"),
            (418, "1"),
            (200, None),
        ]


async def test_the_command_line_serves_until_it_is_told_to_stop(session: aiohttp.ClientSession) -> None:
    """ING-SIM-010"""
    arguments = ("--recording", str(RECORDING), "--until-line", "500", "--loop", "--shift-time", "--fault", "drop:9")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services.ingestor.simulator", *arguments),
        cwd=ROOT,
        env={"PYTHONPATH": "libs/common"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
    address = line.split("http://")[1].strip()
    assert (await get(session, address, "/fapi/v1/ping"))[0] == 200
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 30) == 0
