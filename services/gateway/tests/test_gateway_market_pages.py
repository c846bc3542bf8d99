"""The market page and the account page in a real browser; the services answer as their own tests have them answer."""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from services.gateway.edge.reference.document import recorded
from services.gateway.tests import browser
from services.gateway.tests.entrance import Entrance, entrance
from services.gateway.tests.support import MARKET, START, answering
from tests.support.servers import Broker, Database

pytestmark = pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium on this machine: nothing is looked at")

CANDLES = [
    {
        "open_time": START - START % 60_000_000 + at * 60_000_000,
        "open": "97000.0",
        "high": "97080.0",
        "low": "96950.0",
        "close": f"97{at % 7 * 10:03}.0",
        "volume": "1.500",
        "quote_volume": "145500.000000",
        "closed": at < 89,
        "entries": 3,
    }
    for at in range(90)
]
BOOK = {
    "market": "BTC-PERP",
    "book_seq": 5,
    "complete": True,
    "tick_size": "0.1",
    "lot_size": "0.001",
    "asks": [[f"970{at:02}.5", f"0.{at + 1:03}"] for at in range(1, 13)],
    "bids": [[f"969{99 - at:02}.5", f"0.{at + 2:03}"] for at in range(12)],
}
TRADES = [
    {
        "seq": at,
        "at": START + at * 1_000_000,
        "price": "97000.5",
        "size": "0.010",
        "quote": "970.005000",
        "taker_side": "buy" if at % 3 else "sell",
        "origin": "book",
        "restated": False,
    }
    for at in range(40, 0, -1)
]
RATE = {
    "interval_start": START,
    "interval_micros": 3_600_000_000,
    "rate": "0.000012500",
    "samples": 720,
    "published_at": START,
    "average_premium_ppb": 1_000,
    "settlement": None,
}
FUNDING = {
    "market": "BTC-PERP",
    "as_of_seq": 1,
    "now": START,
    "interval_micros": 3_600_000_000,
    "rate": "0.000012500",
    "interval_start": START,
    "interval_end": START + 3_600_000_000,
    "seconds_left": 3_600,
    "samples": 1,
    "predicted_rate": "0.000012500",
    "average_premium_ppb": 0,
    "rates": [RATE],
}


def told(name: str) -> Any:
    """An answer as it was recorded from a venue."""
    return recorded()[f"GET /api/v1/accounts/{{account}}{name}"]


@pytest.fixture
async def door(database: Database, broker: Broker) -> AsyncIterator[Entrance]:
    """A gateway for show, whose services answer."""
    account = told("")
    valued = [{**position, "mark_price": position["mark"]} for position in account["positions"]]
    answers = {
        "matching.markets": {"markets": [MARKET, {**MARKET, "market": "ETH-PERP", "base": "ETH"}]},
        "matching.book": BOOK,
        "analytics.candles": {
            "market": "BTC-PERP",
            "interval_seconds": 60,
            "series": "trade",
            "candles": CANDLES,
            "next": None,
        },
        "analytics.recent_trades": {"market": "BTC-PERP", "trades": TRADES},
        "funding.funding": FUNDING,
        "risk.account": {**account, "positions": valued, "level": "watch", "health_factor": "1.432100"},
        "matching.account": {"positions": account["positions"], "orders": account["orders"]},
        "matching.orders": told("/orders"),
        "matching.ledger": told("/ledger"),
        "matching.transfers": told("/transfers"),
        "risk.alerts": {"as_of_seq": 1, "alerts": []},
        "risk.watching": told("/limits"),
    }
    async with AsyncExitStack() as stack:
        for name, data in answers.items():
            client = await stack.enter_async_context(broker.client(name.split(".")[0]))
            await answering(client, f"query.{name}", {"ok": True, "data": json.loads(json.dumps(data))})
        yield await stack.enter_async_context(entrance(database, broker, gateway_access="demo"))


async def test_a_market_is_shown(door: Entrance) -> None:
    """GW-UI-070: candles, a ladder of the book with its spread, trades and funding; by key, by address, by another."""
    async with browser.browser() as page:
        await page.show(f"{door.url}/market.html#BTC-PERP", width=1440, height=1000, theme="dark")
        await page.until("document.querySelectorAll('#canvas canvas').length > 0")
        await page.until("document.querySelectorAll('.ladder .ask').length === 9")
        await page.until("document.querySelectorAll('#trades tbody tr').length === 40")
        await page.until("document.querySelectorAll('#funding tbody tr').length === 1")
        assert await page.evaluate("document.querySelector('.ladder .middle').innerText.includes('bp')")
        best = "[...document.querySelectorAll('.ladder .ask, .ladder .bid')].map((row) => row.children[1].innerText)"
        prices = [float(price.replace(",", "")) for price in await page.evaluate(best)]
        assert prices == sorted(prices, reverse=True)
        for rows, limit in (("candles", 1_500), ("trades", 500)):
            assert f"/{rows}?" in await page.evaluate(f"document.querySelector('#{rows}-csv').href")
            assert f"limit={limit}" in await page.evaluate(f"document.querySelector('#{rows}-parquet').href")
        await page.keep("market")
        await page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', { key: '2' }))")
        await page.until("location.hash === '#ETH-PERP'")
        await page.evaluate("location.hash = '#BTC-PERP'")
        await page.until("document.querySelector('#markets [aria-checked=true]').innerText === 'BTC-PERP'")
        assert await page.evaluate("document.querySelector('#trades-csv').href.includes('/BTC-PERP/')")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.complaints == []


AXES = [
    (low, low + reach) for reach in (0, 0.0031, 1, 7, 26, 1_352.6, 4_999_694) for low in (-829.17, 0, 1.0002, 72_080)
]


async def test_an_axis_has_round_marks(door: Entrance) -> None:
    """GW-UI-018: round, even, from below the least to above the greatest; for what is counted whole numbers alone."""
    async with browser.browser() as page:
        await page.show(f"{door.url}/trace.html", width=800, height=600, theme="light")
        await page.until("document.querySelector('#theme svg') !== null")
        for whole in (False, True):
            each = f"{json.dumps(AXES)}.map((reach) => marks(...reach, {json.dumps(whole)}))"
            answers = await page.evaluate(f"import('/js/panels/axis.js').then(({{ marks }}) => {each})")
            for (low, high), marks in zip(AXES, answers, strict=True):
                steps = [after - before for before, after in itertools.pairwise(marks)]
                assert marks[0] <= low
                assert marks[-1] >= high
                assert 1 <= len(steps) <= 6
                assert steps == pytest.approx([steps[0]] * len(steps))
                assert not whole or all(mark == int(mark) for mark in marks)
        written = await page.evaluate(
            "import('/js/panels/axis.js').then(({short}) => [0, 2e6, 1500, -0.25].map(short))"
        )
        assert written == ["0", "2M", "1.5K", "−0.25"]


SPOILED = """(() => {
  const spoil = Object.assign(document.createElement("p"), { textContent: "NaN", id: "main" });
  spoil.append(document.createElement("button"));
  Object.assign(spoil.style, { color: "#999", background: "#fff", width: "3000px" });
  document.querySelector("main").append(spoil);
})()"""


async def test_a_spoiled_page_is_found_out(door: Entrance) -> None:
    """GW-UI-019: a page without a fault has none found; faint text, a nameless button, what lies beyond are found."""
    async with browser.browser() as page:
        await page.show(f"{door.url}/trace.html", width=1440, height=900, theme="light")
        await page.until("document.querySelector('#theme svg') !== null")
        assert await page.evaluate(browser.FAULTS) == []
        await page.evaluate(SPOILED)
        found = " ".join(await page.evaluate(browser.FAULTS))
        for fault in ("wider than the window", "two are called #main", "nameless", "a figure that is none", "contrast"):
            assert fault in found


async def test_an_account_without_a_past_is_no_fault(database: Database, broker: Broker) -> None:
    """GW-UI-072: nothing was paid in yet, and that is said; what does not answer is a fault; t changes colours."""
    refusal = {"ok": False, "error": {"code": "not_found", "message": "account a1 has no transfer or trade"}}
    async with broker.client("risk") as risk, entrance(database, broker, gateway_access="demo") as door:
        await answering(risk, "query.risk.account", refusal)
        async with browser.browser() as page:
            await page.show(f"{door.url}/account.html#a1", width=1440, height=1000, theme="light")
            await page.until("document.querySelector('#headline').innerText.includes('nothing was paid in yet')")
            await page.until("document.querySelector('#held').innerText.includes('No open positions.')")
            await page.until("document.querySelector('[data-of=orders]').dataset.old !== undefined")
            assert await page.evaluate("document.querySelector('[data-of=held]').dataset.old === undefined")
            await page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', { key: 't' }))")
            await page.until("document.documentElement.dataset.theme === 'light'")
            await page.keep("account-new")


async def test_an_account_is_shown(door: Entrance) -> None:
    """GW-UI-071: health, positions, orders, money, the ledger and limits of one account, wide and narrow."""
    async with browser.browser() as page:
        for theme, width in (("light", 1440), ("dark", 390)):
            await page.show(f"{door.url}/account.html#a1", width=width, height=1000, theme=theme)
            for rows in ("held", "orders", "ledger", "holding"):
                await page.until(f"document.querySelectorAll('#{rows} tbody tr').length > 0")
            await page.until("document.querySelector('#headline').innerText.includes('1.4321')")
            await page.keep(f"account-{theme}")
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.complaints == []
