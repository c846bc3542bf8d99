"""Liquidity from the market stream to the page: what an adapter says is what the API tells and a browser shows."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from cleartide.contracts import MarketEvent, VenueFunding, VenueGap, VenueInstrument, VenueLiquidity
from cleartide.contracts.base import Message

from deploy.local.ports import free_port
from services.gateway.tests import browser
from services.gateway.tests.test_gateway_whole import eventually
from tests.support.installation import Installation
from tests.support.traffic import publish_surely

START = 1_763_740_800_000_000
SPAN = 10_000_000
MEASURES = 3


def told(contract: type[MarketEvent], kind: str, venue: str, at: int, **body: Any) -> Message:
    head: dict[str, Any] = {
        "id": f"{venue}:BTCUSDT:{kind}:{at}",
        "occurred_at": at,
        "source": "ingestor",
        "venue_seq": at % 10**6,
    }
    return contract(**head, venue=venue, symbol="BTCUSDT", venue_time=at, received_at=at, **body)


def measure(venue: str, at: int, depth: int) -> Message:
    """A book of so many quote units within every distance but the last, where there is twice as much."""
    depths, slip = (*[depth * 10**6] * 6, 2 * depth * 10**6), (8_000_000, 8_000_000, 12_000_000, 25_000_000)
    costs: dict[str, Any] = {
        f"{side}_{kind}": (*slip, None, None, None) for side in ("buy", "sell") for kind in ("slippages", "impacts")
    }
    prices: dict[str, Any] = {
        "bid_ticks": 634_899,
        "ask_ticks": 634_901,
        "bid_reach": 2 * 10**10,
        "ask_reach": 5 * 10**9,
    }
    return told(VenueLiquidity, "liquidity", venue, at, **prices, bid_depths=depths, ask_depths=depths, **costs)


def funding_said(venue: str, at: int, rate: int, predicted: int | None) -> Message:
    prices: dict[str, Any] = {"mark_ticks": 634_900, "index_ticks": 634_895}
    times: dict[str, Any] = {"interval_micros": 28_800 * 10**6, "next_funding_at": START + 28_800 * 10**6}
    rates: dict[str, Any] = {"rate_ppb": rate, "predicted_rate_ppb": predicted}
    return told(VenueFunding, "funding", venue, at, **prices, **times, **rates)


@pytest.fixture
async def measured(installed: Installation) -> AsyncIterator[str]:
    """A gateway and an ingestor that has heard of two venues; the gateway's address."""
    port = free_port()
    await installed.start("ingestor")
    urls = {name: f"http://127.0.0.1:{running.port}" for name, running in installed.processes.items()}
    await installed.start(
        "gateway", environment={"CLEARTIDE_GATEWAY_PORT": str(port), "CLEARTIDE_SERVICE_URLS": json.dumps(urls)}
    )
    grid: dict[str, Any] = {
        "tick_size": "0.1",
        "lot_size": "0.001",
        "size_step": "0.001",
        "funding_interval_micros": 28_800 * 10**6,
    }
    terms: dict[str, Any] = {
        "base": "BTC",
        "quote": "USDT",
        "contract_type": "linear",
        **grid,
        "maker_ppb": -50_000,
        "taker_ppb": 500_000,
    }
    async with installed.client() as client:
        for venue, depth in (("binance-usdm", 3_000), ("bybit", 1_000)):
            await publish_surely(client, told(VenueInstrument, "instrument", venue, START, **terms))
            missed: dict[str, Any] = {"expected_seq": 8, "reason": "out of order"}
            await publish_surely(client, told(VenueGap, "gap", venue, START, **missed))
            for number in range(MEASURES):
                # One venue predicts the next interval's rate, the other does not.
                predicted = -30_000 if venue == "bybit" else None
                rate = funding_said(venue, START + number * SPAN, 100_000 + number, predicted)
                await publish_surely(client, rate)
                await publish_surely(client, measure(venue, START + number * SPAN + 1, depth))
        async with aiohttp.ClientSession() as http:
            before = f"before={START + MEASURES * SPAN}"
            newest = f"http://127.0.0.1:{port}/api/v1/liquidity/history?venue=bybit&symbol=BTCUSDT&{before}"
            while len((await eventually(http, newest, "rows"))["rows"]) < MEASURES:
                pass
        yield f"http://127.0.0.1:{port}"


async def test_the_api_tells_depth_slippage_and_shares(measured: str) -> None:
    """GW-API-020"""
    async with aiohttp.ClientSession() as http:
        url = f"{measured}/api/v1/liquidity"
        answer = await eventually(http, f"{url}?base=BTC&fees=true", "instruments")
        first, second = answer["instruments"]
        assert (first["venue"], first["bid"], first["ask"], first["spread"]) == (
            "binance-usdm",
            "63489.9",
            "63490.1",
            "0.0315",
        )
        assert first["bid_depths"] == [*["3000.000000"] * 6, "6000.000000"]
        assert first["buy_slippages"] == ["5.0800", "5.0800", "5.1200", "5.2500", None, None, None]
        assert second["ts"] == START + (MEASURES - 1) * SPAN
        assert [each["share"] for each in answer["shares"][:2]] == ["0.750000000", "0.250000000"]
        assert [each["partial"] for each in answer["shares"][-2:]] == [True, True], "asks reach 50 basis points"
        one = f"{url}/history?venue=bybit&symbol=BTCUSDT&limit=1"
        page = await (await http.get(f"{one}&before={START + MEASURES * SPAN}")).json()
        assert page["next"] == page["rows"][-1]["ts"] == START + (MEASURES - 1) * SPAN
        page = await (await http.get(f"{one}&before={page['next']}")).json()
        assert page["rows"][-1]["ts"] == START + (MEASURES - 2) * SPAN
        statistics = await (await http.get(f"{url}/statistics?venue=bybit&symbol=BTCUSDT")).json()
        assert statistics["funding"]["newest"] == "0.000100002"
        assert statistics["turnover"] is None
        listed = await (await http.get(f"{url}/instruments?venue=bybit")).json()
        assert [(each["maker_fee"], each["base"]) for each in listed] == [("-0.000050000", "BTC")]
        feeds = (await (await http.get(f"{url}/feeds")).json())["feeds"]
        assert [(each["venue"], each["gaps"], each["last_gap_at"] > 0) for each in feeds] == [
            ("binance-usdm", 1, True),
            ("bybit", 1, True),
        ]
        page = await (await http.get(f"{url}/gaps?limit=1&venue=bybit")).json()
        assert [(each["venue"], each["reason"]) for each in page["gaps"]] == [("bybit", "out of order")]
        assert page["next"] is None
        for wrong in ("?base=../x", "/history?venue=bybit", "/statistics?venue=bybit&symbol=BTCUSDT&hours=0"):
            async with http.get(f"{url}{wrong}") as response:
                assert response.status == 422


async def test_the_api_tells_what_venues_say_of_their_funding(measured: str) -> None:
    """GW-API-020"""
    async with aiohttp.ClientSession() as http:
        url = f"{measured}/api/v1/liquidity/funding"
        first, second = (await eventually(http, f"{url}?base=BTC", "funding"))["funding"]
        newest = {"ts": START + (MEASURES - 1) * SPAN, "mark": "63490.0", "index": "63489.5", "rate": "0.000100002"}
        due = {"interval_micros": 28_800 * 10**6, "next_funding_at": START + 28_800 * 10**6}
        same = {"symbol": "BTCUSDT", "base": "BTC", "quote": "USDT", **newest, **due}
        assert first == {"venue": "binance-usdm", **same, "predicted_rate": None}
        assert second == {"venue": "bybit", **same, "predicted_rate": "-0.000030000"}
        async with http.get(f"{url}?symbol=ETHUSDT") as response:
            assert await response.json() == {"funding": []}
        seen, query = [], "venue=bybit&symbol=BTCUSDT&limit=2"
        page = await (await http.get(f"{url}/history?{query}")).json()
        while True:
            seen += [(row["ts"], row["rate"]) for row in page["funding"]]
            if page["next"] is None:
                break
            page = await (await http.get(f"{url}/history?{query}&before={page['next']}")).json()
        assert seen == [(START + n * SPAN, f"0.00010000{n}") for n in reversed(range(MEASURES))]
        for wrong in ("?base=../x", "/history?venue=bybit", "/history?venue=bybit&symbol=BTCUSDT&limit=0"):
            async with http.get(f"{url}{wrong}") as response:
                assert response.status == 422


@pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium on this machine: the dashboard is not looked at")
async def test_the_liquidity_page_shows_it_without_a_complaint(measured: str) -> None:
    """GW-UI-020: venues, costs, parts of the depth and history are drawn, in light and dark, wide and narrow."""
    async with browser.browser() as page:
        for theme, width, height in (("light", 1440, 900), ("dark", 390, 844)):
            await page.show(f"{measured}/liquidity.html", width=width, height=height, theme=theme)
            await page.until("document.querySelectorAll('#venues tbody tr').length === 2")
            await page.until("document.querySelectorAll('#costs tbody tr').length === 2")
            await page.until("document.querySelectorAll('#feeds tbody tr').length === 2")
            await page.until("document.querySelectorAll('#feeds td.up').length === 2")
            await page.until("document.querySelector('#gaps tbody tr').innerText.includes('out of order')")
            await page.until("document.querySelectorAll('#shares rect').length === 14")
            await page.until("document.querySelector('#history path.bids') !== null")
            await page.evaluate("document.querySelector('#fees').click()")
            await page.until("document.querySelector('#costs tbody tr').innerText.includes('5.08')")
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            await page.keep(f"liquidity-{theme}")
        assert page.complaints == []
