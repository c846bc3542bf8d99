"""The dashboard in a real browser: how soon something is painted, how many updates a second it shows, how late, and how
often what its pages ask is answered out of what is kept.

Each page is opened LOADS times with an empty cache of files. VISITORS ask what an open market page asks, at its pace.
Then UPDATES prices a second happen while the overview is open: of a market it is told the newest at most every 50 ms.
Late is from the price's own time to after the frame in which the browser shows it. It needs a Chromium.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterable
from typing import Final

import aiohttp
from cleartide.contracts.codec import encode

from benchmarks.live import following, price
from benchmarks.report import Row, percentile, write
from benchmarks.rest import gateway, payload
from benchmarks.rooms import room
from deploy.local.sandbox.market import MARKET
from services.gateway.tests.browser import PROGRAM, Page, browser
from tests.support.installation import Installation

PAGES: Final = {"overview": "/", "market": "/market.html", "risk": "/risk.html"}
LOADS: Final = 5
UPDATES: Final = 50
SECONDS: Final = 10
VISITORS: Final = 20
ASKED: Final = {
    "markets": 1.5,
    f"markets/{MARKET}/candles?interval=60&limit=500": 2.0,
    f"markets/{MARKET}/book?depth=20": 1.0,
    f"markets/{MARKET}/trades?limit=60": 1.5,
}
"""What `static/js/market.js` asks, and every how many seconds."""
_COUNT: Final = re.compile(r'cleartide_http_cache_total\{outcome="(\w+)"\} (\S+)')
_PAINT: Final = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
_SHOWN: Final = """
window.shown = [];
window.ready = false;
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      const said = JSON.parse(data);
      window.ready ||= said.op === "snapshot" && said.channel === "prices";
      if (said.op !== "update" || said.channel !== "prices") return;
      requestAnimationFrame(() => setTimeout(() =>
        window.shown.push([said.seq, performance.timeOrigin + performance.now() - said.data.at / 1000])));
    });
  }
};
"""


async def painted(page: Page, url: str) -> list[float]:
    """Milliseconds to the first contentful paint of each load."""
    found = []
    for _ in range(LOADS):
        await page.call("Network.clearBrowserCache")
        await page.show("about:blank", width=1_400, height=900, theme="dark")
        await page.until("location.href === 'about:blank'")
        await page.show(url, width=1_400, height=900, theme="dark")
        found.append(float(await page.until(_PAINT)))
    return found


async def updated(page: Page, installed: Installation) -> list[float]:
    """Milliseconds until each price was shown on the page that is open."""
    async with following(installed) as (matching, head):
        began = time.perf_counter()
        for number in range(UPDATES * SECONDS):
            await asyncio.sleep(max(0.0, began + number / UPDATES - time.perf_counter()))
            await matching.publish("trading.main", b"[" + encode(price(head + 1 + number)) + b"]")
        await page.until(f"window.shown.at(-1)?.[0] === {head + UPDATES * SECONDS}")
    shown: list[tuple[int, float]] = json.loads(await page.evaluate("JSON.stringify(window.shown)"))
    return [late for seq, late in shown if seq > head]


async def visited(url: str) -> float:
    """Of a hundred answers that may be kept those that were: found in Valkey, at hand, or being made already."""
    async with aiohttp.ClientSession() as http:

        async def ask(path: str, every: float, first: float) -> None:
            await asyncio.sleep(first)
            for _ in range(int(SECONDS / every)):
                async with http.get(f"{url}/api/v1/{path}") as answer:
                    answer.raise_for_status()
                await asyncio.sleep(every)

        before = await _told(http, url)
        asked = [(path, every, number / VISITORS) for number in range(VISITORS) for path, every in ASKED.items()]
        await asyncio.gather(*(ask(*one) for one in asked))
        after = await _told(http, url)
    given = {name: count - before.get(name, 0.0) for name, count in after.items()}
    return 100 * (given.get("hit", 0.0) + given.get("shared", 0.0)) / sum(given.values())


async def _told(http: aiohttp.ClientSession, url: str) -> dict[str, float]:
    async with http.get(f"{url}/api/metrics") as answer:
        return {name: float(value) for name, value in _COUNT.findall(await answer.text())}


def spread(name: str, values: Iterable[float], aim: str) -> list[Row]:
    """Their middle and their end."""
    held = [*values]
    shares = ((50, ""), (95, aim))
    return [Row(f"{name}.p{share}", percentile(held, share / 100), "ms", aim=each) for share, each in shares]


async def run() -> None:
    """Measure and write `results/dashboard.json`. RuntimeError without a browser."""
    if PROGRAM is None:
        raise RuntimeError("there is no Chromium on this machine")
    found: list[Row] = []
    async with room() as installed:
        await installed.start("risk", "funding")
        url = f"http://127.0.0.1:{(port := await gateway(installed))}"
        await payload(port)
        async with browser() as page:
            await page.call("Network.enable")
            await page.call("Page.addScriptToEvaluateOnNewDocument", source=_SHOWN)
            for name, path in PAGES.items():
                found += spread(f"dashboard.{name}.paint", await painted(page, url + path), "<= 1000")
            note = f"{VISITORS} visitors of a market page"
            found.append(Row("dashboard.cache.hits", await visited(url), "% of answers", note=note))
            await page.show(url, width=1_400, height=900, theme="dark")
            await page.until("window.ready")
            late = await updated(page, installed)
    found.append(Row("dashboard.updates", len(late) / SECONDS, "updates/s", note=f"{UPDATES} prices/s of one market"))
    write("dashboard", [*found, *spread("dashboard.update.late", late, "<= 100")])
