"""The page on how the product is used, in a browser."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from services.gateway.tests import browser
from services.gateway.tests.support import answering, running_edge
from tests.support.installation import Installation

DAYS = [
    {
        "day": f"2026-02-{day:02}",
        "persons": 3 * day,
        "events": 40 * day,
        "page_views": 20 * day,
        "features": 4,
        "errors": day % 3,
        "sessions": 5 * day,
        "short_sessions": day,
        "session_seconds": 60 * day,
    }
    for day in range(1, 8)
]
NAMED = {"events": 7, "persons": 3}
PLATFORM: dict[str, Any] = {
    "from_day": "2026-02-01",
    "to_day": "2026-02-07",
    "totals": {
        "events": 1_120,
        "page_views": 560,
        "features": 28,
        "errors": 7,
        "sessions": 140,
        "short_sessions": 28,
        "session_seconds": 1_680,
        "mean_session_seconds": 12,
        "persons": 21,
        "conversions": 2,
    },
    "days": DAYS,
    "pages": [{"name": "/", **NAMED, "load_millis": 184}, {"name": "/risk.html", **NAMED, "load_millis": None}],
    "features": [{"name": "export_csv", **NAMED, "uses": 9}],
    "actions": [{"name": "filter_changed", **NAMED}],
    "devices": [{"name": "mobile", **NAMED}],
    "journeys": [
        {
            "journey": "deposit",
            "completed": 2,
            "steps": [{"name": f"deposit/0{n}", **NAMED, "step": n} for n in (1, 2, 3)],
        }
    ],
    "errors": [{"name": "timeout", **NAMED, "fatal": 1}],
    "metrics": [{"name": "first_paint", **NAMED, "mean": 310, "p50": 300, "p95": 700, "p99": 900}],
}


@pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium on this machine: the dashboard is not looked at")
@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 420)])
async def test_the_page_shows_how_the_product_is_used(installed: Installation, theme: str, width: int) -> None:
    """GW-UI-031: in light and dark, wide and narrow, without an error. A browser takes seconds to start."""
    async with AsyncExitStack() as stack:
        product = await stack.enter_async_context(installed.client("product"))
        asked = await answering(product, "query.product.platform", {"ok": True, "data": PLATFORM})
        edge = await stack.enter_async_context(running_edge(installed))
        page = await stack.enter_async_context(browser.browser())
        await page.show(f"{edge.url}/product.html", width=width, height=900, theme=theme)
        await page.until("document.querySelectorAll('#people path.line').length === 2", 30)
        marks = "[...document.querySelectorAll('#people text[text-anchor=end]')].map((text) => text.textContent)"
        assert [mark for mark in await page.evaluate(marks) if "-" not in mark] == ["0", "10", "20", "30", "40"]
        await page.until("document.querySelectorAll('#views rect').length === 7", 30)
        await page.until("document.querySelectorAll('#faults rect').length === 7", 30)
        for table, rows in {"pages": 2, "features": 2, "journeys": 3, "errors": 1, "metrics": 1}.items():
            await page.until(f"document.querySelectorAll('#{table} tbody tr').length === {rows}", 30)
        await page.until("document.querySelector('#headline').innerText.includes('21')", 30)
        assert asked[0] == {"days": 30}
        await page.keep(f"product-{theme}")
        assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert page.complaints == []
