"""The whole venue behind the edge: every route answers from the real services, and a browser shows it."""

import asyncio
import csv
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, Final, cast

import aiohttp
import pytest

from deploy.local.ports import free_port
from services.gateway.tests import browser
from services.gateway.tests.entrance import Entrance
from services.gateway.tests.fuzz import Fuzz, session_of
from tests.support.installation import Installation
from tests.support.traffic import START_TICKS, Traffic

AWAY: Final = ("vaults", "ingestor", "product")
SERVICES = ("matching", "risk", "funding", "earnings", "analytics")
LEVERAGED, MAKER = "leveraged", "maker"
FALLEN = START_TICKS - 4_000
SHOWN_ALERTS = "[...document.querySelectorAll('#alerts li')].map((item) => Number(item.dataset.key))"


@pytest.fixture
async def venue(installed: Installation) -> AsyncIterator[tuple[str, Traffic]]:
    """Six services, one market, and an account that a falling price has liquidated."""
    port = free_port()
    await installed.start(*SERVICES)
    urls = {name: f"http://127.0.0.1:{running.port}" for name, running in installed.processes.items()}
    own = {"CLEARTIDE_GATEWAY_PORT": str(port), "CLEARTIDE_SERVICE_URLS": json.dumps(urls)}
    patience = {"CLEARTIDE_RATE_BURST": "10000", "CLEARTIDE_UPSTREAM_TIMEOUT_SECONDS": "30"}
    await installed.start("gateway", environment={**own, **patience})
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(installed.client())
        traffic = Traffic(client, accounts=(MAKER,))
        await traffic.open_market()
        await traffic.deposit(LEVERAGED, "70")
        await traffic.order(MAKER, "sell", 100, START_TICKS)
        await traffic.order(LEVERAGED, "buy", 100, START_TICKS)
        await traffic.order(MAKER, "buy", 100, FALLEN - 50)
        await traffic.order(MAKER, "sell", 100, FALLEN + 50)
        await traffic.price(FALLEN)
        yield f"http://127.0.0.1:{port}", traffic


async def eventually(http: aiohttp.ClientSession, url: str, field: str, seconds: float = 60) -> Any:
    """The body of an answer, once the named list in it is not empty."""
    deadline = time.monotonic() + seconds
    while True:
        async with http.get(url) as response:
            body = await response.json()
            if response.status == 200 and body.get(field):
                return body
        assert time.monotonic() < deadline, f"{url}: {response.status} {body}"
        await asyncio.sleep(0.2)


async def test_every_route_answers_from_the_services(venue: tuple[str, Traffic]) -> None:
    """GW-API-001: what the dashboard and third parties read is what the services' read models say."""
    url = f"{venue[0]}/api/v1"
    async with aiohttp.ClientSession() as http:
        liquidation = (await eventually(http, f"{url}/liquidations", "liquidations"))["liquidations"][0]
        assert (liquidation["account"], liquidation["market"]) == (LEVERAGED, "BTC-PERP")
        [market] = (await eventually(http, f"{url}/markets", "markets"))["markets"]
        assert (market["taker_fee"], market["brackets"][0]["initial_margin"]) == ("0.000450000", "0.010000000")
        assert market["mark"] == market["stats"]["mark"]
        positions = (await eventually(http, f"{url}/positions", "positions"))["positions"]
        assert positions[0]["market"] == "BTC-PERP"
        assert {"health_factor", "level", "mark", "value", "unrealized_pnl"} <= set(positions[0])
        maker = await eventually(http, f"{url}/accounts/{MAKER}", "positions")
        assert maker["positions"][0]["entry_price"].startswith("61")
        assert {order["side"] for order in maker["orders"]} <= {"buy", "sell"}
        history = (await eventually(http, f"{url}/accounts/{MAKER}/orders?state=closed&limit=5", "orders"))["orders"]
        assert {order["state"] for order in history} <= {"filled", "canceled"}
        async with http.get(f"{url}/accounts/{MAKER}/orders?state=lost") as response:
            assert response.status == 422
        alerts = (await eventually(http, f"{url}/alerts?account={LEVERAGED}&after_seq=0", "alerts"))["alerts"]
        assert "liquidatable" in {alert["level"] for alert in alerts}
        assert alerts[0]["inputs"][0]["size"] == "0.100"
        candles = (await eventually(http, f"{url}/markets/BTC-PERP/candles?interval=300", "candles"))["candles"]
        assert candles[0]["open"] == "61800.0"
        trades = (await eventually(http, f"{url}/markets/BTC-PERP/trades", "trades"))["trades"]
        assert trades[-1]["price"] == "61800.0"
        assert (await eventually(http, f"{url}/markets/BTC-PERP/book", "asks"))["market"] == "BTC-PERP"
        funding = await eventually(http, f"{url}/markets/BTC-PERP/funding", "open")
        assert funding["open"]["interval_end"] - funding["open"]["interval_start"] == funding["interval_micros"]
        earnings = await eventually(http, f"{url}/earnings/{LEVERAGED}", "open_day")
        assert earnings["lifetime"]["pnl"].startswith("-")
        levels = (await eventually(http, f"{url}/risk", "levels"))["levels"]
        assert sum(levels.values()) >= 2
        await check_analysis(http, url)
        await check_days(http, url)
        await check_pages(http, url)
        await check_fuzzed(http, venue[0])
        reached = {
            row["service"]: row["reachable"]
            for row in (await eventually(http, f"{url}/services", "services"))["services"]
        }
        assert {name for name, there in reached.items() if there} == set(SERVICES)


async def check_analysis(http: aiohttp.ClientSession, url: str) -> None:
    """GW-API-002: stress, exposure, the liquidation map, insurance, tails and what-if come from risk's own figures."""
    scenarios = (await eventually(http, f"{url}/risk/stress", "scenarios"))["scenarios"]
    fall = next(one for one in scenarios if one["name"] == "-50 %")
    assert {"liquidatable", "shortfall", "uncovered", "shocks"} <= set(fall)
    [market] = (await eventually(http, f"{url}/risk/exposure", "markets"))["markets"]
    assert market["market"] == "BTC-PERP"
    assert market["largest_account"] in (MAKER, LEVERAGED)
    assert len((await eventually(http, f"{url}/risk/liquidation-map?market=BTC-PERP", "steps"))["steps"]) == 101
    assert (await eventually(http, f"{url}/risk/insurance", "points"))["points"][0]["market"] == "BTC-PERP"
    assert len((await eventually(http, f"{url}/accounts/{MAKER}/tail", "horizons"))["horizons"]) == 2
    order = f"{url}/accounts/{MAKER}/what-if/order?market=BTC-PERP&side=buy&size=0.001"
    assert (await eventually(http, order, "after"))["after"]["initial_margin"] is not None
    moved = await eventually(http, f"{url}/accounts/{MAKER}/what-if/prices?percent=-10", "after")
    assert moved["after"]["equity"] != moved["before"]["equity"]
    for wrong in ("what-if/order?market=BTC-PERP&side=hold&size=1", "what-if/prices?percent=-100"):
        async with http.get(f"{url}/accounts/{MAKER}/{wrong}") as response:
            assert response.status == 422


async def check_pages(http: aiohttp.ClientSession, url: str) -> None:
    """GW-DOC-006: a full page says where the next one begins, and the last says that there is none."""
    for path, rows, by, most in (
        ("markets/BTC-PERP/trades", "trades", "seq", 500),
        ("markets/BTC-PERP/candles", "candles", "open_time", 500),
        ("liquidations", "liquidations", "seq", 500),
        ("markets/BTC-PERP/days", "days", "day", 366),
        ("venue/days", "days", "day", 366),
        (f"accounts/{MAKER}/days", "days", "day", 366),
        ("risk/insurance", "points", "seq", 500),
    ):
        whole = await eventually(http, f"{url}/{path}?limit={most}", rows)
        assert whole["next"] is None
        found: list[Any] = []
        page = await eventually(http, f"{url}/{path}?limit=1", rows)
        found += page[rows]
        while page["next"] is not None:
            assert page["next"] == found[-1][by]
            async with http.get(f"{url}/{path}?limit=1&before={page['next']}") as response:
                page = await response.json()
            found += page[rows]
        assert {row[by] for row in whole[rows]} <= {row[by] for row in found}


async def check_fuzzed(http: aiohttp.ClientSession, url: str) -> None:
    """GW-DOC-005: requests made of the document, right and wrong ones, are answered as it says, and never by a 5xx."""
    person = await Entrance(url, http, *[cast(Any, None)] * 3).sign_in()
    fuzz = Fuzz(url, session_of(person), cases=96, every=5, away=AWAY, fixed=True)
    await asyncio.to_thread(fuzz.run)
    assert fuzz.faults == []
    assert fuzz.statuses.total() >= 60
    assert {200, 422} <= set(fuzz.statuses)


async def check_days(http: aiohttp.ClientSession, url: str) -> None:
    """GW-API-003: days of markets, accounts and the venue, leaders and a portfolio; as JSON, CSV and Parquet alike."""
    [market] = (await eventually(http, f"{url}/markets/BTC-PERP/days", "days"))["days"]
    [venue_day] = (await eventually(http, f"{url}/venue/days", "days"))["days"]
    assert (market["quote_volume"], market["fees"]) == (venue_day["volume"], venue_day["fees"])
    leaders = (await eventually(http, f"{url}/leaderboard?by=trades&days=7", "accounts"))["accounts"]
    assert MAKER in {leader["account"] for leader in leaders}
    told = await eventually(http, f"{url}/accounts/{MAKER}/portfolio?days=7", "days")
    assert set(told["windows"]) == {"24h", "7d", "30d"}
    assert told["ratios"]["days"] == 1
    async with http.get(f"{url}/accounts/{MAKER}/days?format=csv") as response:
        assert response.headers["Content-Disposition"] == f'attachment; filename="{MAKER}-days.csv"'
        assert (await response.text()).startswith("day,closed,equity_start,equity_end,flows,pnl,funding,fees")
    for path, rows in (
        ("markets/BTC-PERP/days", "days"),
        ("markets/BTC-PERP/funding", "rates"),
        ("liquidations", "liquidations"),
        ("fees/revenue", "revenue"),
        (f"accounts/{MAKER}/portfolio", "positions"),
        ("statistics", "markets"),
        ("funding", "markets"),
        ("leaderboard", "accounts"),
        ("venue/days", "days"),
    ):
        async with http.get(f"{url}/{path}?format=parquet") as response:
            assert (await response.read())[:4] == b"PAR1"
        async with http.get(f"{url}/{path}?format=csv") as response:
            lines = list(csv.DictReader((await response.text()).splitlines()))
        async with http.get(f"{url}/{path}") as response:
            assert len(lines) == len((await response.json())[rows]), path
            assert lines or rows in {"rates", "liquidations"}
    async with http.get(f"{url}/markets/BTC-PERP/statistics?format=csv") as response:
        [one] = csv.DictReader((await response.text()).splitlines())
    assert (one["market"], one["trades_24h"]) == ("BTC-PERP", str(market["trades"]))
    for wrong in (f"accounts/{MAKER}/days?format=xml", "leaderboard?by=luck", f"accounts/{MAKER}/portfolio?days=0"):
        async with http.get(f"{url}/{wrong}") as response:
            assert response.status == 422


@pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium on this machine: the dashboard is not looked at")
@pytest.mark.parametrize(("theme", "width", "height"), [("light", 1440, 900), ("dark", 390, 844)])
async def test_the_pages_of_figures_show_them_without_a_complaint(
    venue: tuple[str, Traffic], theme: str, width: int, height: int
) -> None:
    """GW-UI-013: the portfolio page and the market page draw their days, and their tables have rows."""
    async with browser.browser() as page:
        await check_a_portfolio_that_changes(page, venue, theme, width)
        await page.show(f"{venue[0]}/portfolio.html#{MAKER}", width=width, height=height, theme=theme)
        for picture in ("equity", "sources", "shares"):
            await page.until(f"document.querySelector('#{picture} svg, #{picture} .empty') !== null")
        for rows in ("ratios", "days", "held"):
            await page.until(f"document.querySelectorAll('#{rows} tbody tr').length > 0")
        await page.keep(f"portfolio-{theme}")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.show(f"{venue[0]}/markets.html", width=width, height=height, theme=theme)
        await page.until("document.querySelector('#volume svg') !== null")
        for rows in ("days", "leaders", "revenue"):
            await page.until(f"document.querySelectorAll('#{rows} tbody tr').length > 0")
        await page.keep(f"markets-{theme}")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.complaints == []


async def check_a_portfolio_that_changes(
    page: browser.Page, venue: tuple[str, Traffic], theme: str, width: int
) -> None:
    """GW-UI-033: money that came is there by itself; of how many days is what the reader chose."""
    await page.show(f"{venue[0]}/portfolio.html?live#{LEVERAGED}", width=width, height=900, theme=theme)
    cash = "document.querySelector('#headline small').innerText"
    await page.until(f"{cash}.startsWith('cash')")
    before = await page.evaluate(cash)
    await venue[1].deposit(LEVERAGED, "777777")
    await page.until(f"{cash} !== '{before}' && {cash}.includes('777,')")
    await page.evaluate("document.querySelector('#span button').click()")
    await page.until("document.querySelector('#ratios-csv').href.includes('days=7')")
    await page.until("document.querySelector('#link').dataset.state === 'live'")
    await page.evaluate("location.hash = 'nobody-is-called-so'")
    await page.until("document.querySelector('#link').dataset.state === 'lost'")
    await page.until("document.querySelector('[data-of=equity]').innerText !== ''")
    await page.evaluate(f"location.hash = '{LEVERAGED}'")
    await page.until("document.querySelector('#link').dataset.state === 'live'")
    assert await page.evaluate("document.querySelector('[data-of=equity]').innerText") == ""
    asked = "performance.getEntriesByType('resource').filter(({ name }) => /api.v1.accounts/.test(name)).length"
    assert await page.evaluate(asked) == 0


@pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium on this machine: the dashboard is not looked at")
@pytest.mark.parametrize(("theme", "width", "height"), [("light", 1440, 900), ("dark", 390, 844)])
async def test_the_risk_page_shows_it_without_a_complaint(
    venue: tuple[str, Traffic], theme: str, width: int, height: int
) -> None:
    """GW-UI-012: the risk page draws health, liquidations by price, alerts and insurance, and answers what if."""
    async with browser.browser() as page:
        await page.show(f"{venue[0]}/risk.html", width=width, height=height, theme=theme)
        await page.until("document.querySelectorAll('#alerts tbody a[href^=\"/account.html#\"]').length > 0")
        names = "[...document.querySelectorAll('#headline dt')].map((name) => name.innerText)"
        assert (await page.evaluate(names))[:2] == ["Accounts with positions", "At an alert level"]
        for picture in ("health", "map", "insurance"):
            await page.until(f"document.querySelector('#{picture} svg, #{picture} .empty') !== null")
        await page.until("document.querySelectorAll('#stress tbody tr').length >= 10")
        await page.until("document.querySelectorAll('#tails tbody tr').length > 0")
        form = f"form.elements.account.value = '{MAKER}'; form.elements.percent.value = '-10'; form.requestSubmit();"
        await page.evaluate(f"(() => {{ const form = document.getElementById('whatif'); {form} }})()")
        await page.until("document.querySelectorAll('#outcome tbody tr').length === 4")
        await page.keep(f"risk-{theme}")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.complaints == []


@pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium on this machine: the dashboard is not looked at")
@pytest.mark.parametrize(("theme", "width", "height"), [("light", 1440, 900), ("dark", 390, 844)])
async def test_the_dashboard_shows_it_without_a_complaint(
    venue: tuple[str, Traffic], theme: str, width: int, height: int
) -> None:
    """GW-UI-010: the dashboard shows the venue, live, in light and dark, wide and narrow, without an error."""
    url, traffic = venue
    async with browser.browser() as page:
        await page.show(url, width=width, height=height, theme=theme)
        await page.until("document.querySelector('#link').dataset.state === 'live'")
        await page.until("document.querySelector('#headline dd').innerText.includes('61,')")
        await page.until("document.querySelectorAll('#positions tbody tr').length > 0")
        await page.until("document.querySelectorAll('#alerts li').length > 0")
        await page.until("document.querySelectorAll('#liquidations tbody tr').length > 0")
        await page.until("document.querySelectorAll('#services tbody tr').length === 9")
        await page.until("document.querySelectorAll('#canvas canvas').length > 0")
        await page.until("document.querySelector('#tv-attr-logo') !== null")
        before = await page.evaluate("document.querySelector('#headline dd').innerText")
        await traffic.price(FALLEN - 700)
        await page.until(f"document.querySelector('#headline dd').innerText !== {before!r}")
        await page.keep(f"index-{theme}")
        await page.evaluate("document.querySelector('#positions .link-button').click()")
        await page.until("document.querySelector('#account .sheet') !== null")
        await page.keep(f"index-account-{theme}")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.complaints == []


@pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium on this machine: the dashboard is not looked at")
async def test_the_dashboard_is_honest_when_stale_and_resumes(
    installed: Installation, venue: tuple[str, Traffic]
) -> None:
    """GW-UI-011: a lost gateway is said with its seconds; when it is back, the feed goes on where it stopped."""
    url, traffic = venue
    async with browser.browser() as page:
        await page.show(url, width=1280, height=800, theme="dark")
        await page.until("document.querySelectorAll('#alerts li').length > 0")
        seen = await page.evaluate(
            "[...document.querySelectorAll('#alerts li')].map((item) => Number(item.dataset.key))"
        )
        gateway = installed.processes["gateway"]
        gateway.kill()
        await page.until("!document.querySelector('#stale').hidden", 30)
        await page.keep("index-stale")
        assert "No word from the gateway" in await page.evaluate("document.querySelector('#stale').innerText")
        await traffic.deposit("second", "70")
        await traffic.order(MAKER, "sell", 100, FALLEN)
        await traffic.order("second", "buy", 100, FALLEN)
        await traffic.order(MAKER, "buy", 100, FALLEN - 4_050)
        await traffic.order(MAKER, "sell", 100, FALLEN - 3_950)
        await traffic.price(FALLEN - 4_000)
        port = url.rsplit(":", 1)[1]
        await installed.start("gateway", environment={"CLEARTIDE_GATEWAY_PORT": port})
        await page.until("document.querySelector('#stale').hidden", 30)
        await page.until(f"document.querySelectorAll('#alerts li').length > {len(seen)}", 30)
        told = await page.evaluate(
            "[...document.querySelectorAll('#alerts li')].map((item) => Number(item.dataset.key))"
        )
        assert told == list(range(told[0], told[-1] - 1, -1))
        assert set(seen) <= set(told)
