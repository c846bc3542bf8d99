"""Every page by keys alone, in a real browser: where Tab goes, what is seen of it, and how dialogs are left again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.gateway.edge.pages import whole
from services.gateway.tests import browser
from services.gateway.tests.entrance import Entrance, entrance
from services.gateway.tests.support import MARKET, START, answering
from services.gateway.tests.test_gateway_operations import letter, with_role
from tests.support.servers import Broker, Database

pytestmark = pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium on this machine: nothing is looked at")

PAGES = sorted(set(whole()) - {"/index.html"})
LOOK = (Path(__file__).with_name("keyboard.js")).read_text()
ASKED = "performance.getEntriesByType('resource').filter(({ name }) => name.includes('%s')).length"
STILL = 8


@pytest.fixture
async def door(database: Database, broker: Broker) -> AsyncIterator[Entrance]:
    """Strangers may look at everything; one market is there, and nothing else."""
    async with entrance(database, broker, gateway_access="demo") as found, broker.client("matching") as matching:
        await answering(matching, "query.matching.markets", {"ok": True, "data": {"markets": [MARKET]}})
        yield found


async def opened(page: browser.Page, url: str, width: int = 1440) -> None:
    """The page, made and quiet."""
    await page.show(url, width=width, height=900, theme="light")
    await page.until(f"location.href.startsWith({url!r}) && document.readyState === 'complete'")
    await page.until("document.querySelector('ct-bar nav a') !== null && document.querySelector('#link') !== null")
    await page.until(LOOK)


async def walked(page: browser.Page, most: int = 200) -> tuple[list[str], list[str]]:
    """Where Tab goes until it leaves the page, and what is wrong on the way."""
    reached, faults = list[str](), list[str]()
    for _ in range(most):
        await page.press("Tab")
        if (place := await page.evaluate("keyboard.at()")) == "":
            return reached, faults
        if place is not None:
            reached.append(place)
            faults += await page.evaluate("keyboard.faults()")
    raise AssertionError(f"Tab never leaves the page: {reached[-5:]}")


async def walked_through(page: browser.Page, url: str, width: int) -> tuple[list[str], list[str], list[str]]:
    """What Tab reached, what it was to reach, and what was wrong; again while controls came or went on the way."""
    for _ in range(STILL):
        await opened(page, url, width)
        before = await page.evaluate("keyboard.order()")
        reached, faults = await walked(page)
        if before == (meant := await page.evaluate("keyboard.order()")):
            return reached, meant, faults
    raise AssertionError(f"{url} never stands still")


@pytest.mark.parametrize("width", [1440, 400])
async def test_tab_goes_through_every_page(door: Entrance, width: int) -> None:
    """GW-TAB-001: the skip link, then everything that can be used, in order, each seen to have the focus; no trap."""
    wrong: list[str] = []
    async with browser.browser() as page:
        for path in PAGES:
            reached, meant, faults = await walked_through(page, f"{door.url}{path}", width)
            faults += [f"not reached: {one}" for one in meant if one not in reached]
            if reached != meant or not reached[0].startswith('a "Skip to'):
                faults.append(f"another order than that of the page: {reached}")
            wrong += [f"{path}: {fault}" for fault in faults + await page.evaluate("keyboard.blind()")]
    assert not wrong, "\n".join(wrong)


async def test_the_skip_link_skips(door: Entrance) -> None:
    """GW-TAB-002: the first key and Enter lead past the bar on every page; the next Tab is in what follows."""
    async with browser.browser() as page:
        for path in PAGES:
            await opened(page, f"{door.url}{path}")
            await page.press("Tab")
            await page.press("Enter")
            assert (path, await page.evaluate("document.activeElement.id")) == (path, "main")
            await page.press("Tab")
            past = "!document.activeElement.closest('ct-bar')"
            assert (path, await page.evaluate(past)) == (path, True)


@pytest.mark.parametrize("path", ["/", "/market.html", "/alerts.html"])
async def test_keys_are_told_and_the_telling_is_left_again(door: Entrance, path: str) -> None:
    """GW-TAB-003: where letters do something, ? says what; Tab stays in the dialog, Escape leads back again."""
    async with browser.browser() as page:
        await opened(page, f"{door.url}{path}")
        await page.evaluate("document.querySelector('#help').focus()")
        await page.press("?", shift=True)
        assert await page.evaluate("document.querySelector('#help-dialog').open")
        told = await page.evaluate("[...document.querySelectorAll('#help-dialog kbd')].map((key) => key.innerText)")
        assert {"?", "t", "Esc"} < set(told)
        assert await page.evaluate("!!document.activeElement.closest('dialog')")
        await page.press("Tab")
        assert await page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
        await page.press("Escape")
        assert not await page.evaluate("document.querySelector('#help-dialog').open")
        assert await page.evaluate("document.activeElement.id") == "help"


async def test_what_has_the_focus_keeps_it_while_figures_come(door: Entrance, broker: Broker) -> None:
    """GW-TAB-004: a button in figures that are told anew keeps the focus; Escape leads back to it from its dialog."""
    venue = {"mode": "demo", "kill_switch": "off", "maintenance": "off", "limits": {}, "tiers": {}}
    line = {"seq": 1, "account": "a1", "account_seq": 4, "level": "critical", "kind": "health", "market": None}
    alert = {**line, "health_factor": "1.03", "raised_at": START, "inputs": [], "acknowledged": None, "resolved": None}
    async with (
        broker.client() as tools,
        broker.client("matching") as matching,
        broker.client("risk") as risk,
        browser.browser() as page,
    ):
        await letter(tools)
        await answering(matching, "query.matching.venue", {"ok": True, "data": venue})
        await answering(risk, "query.risk.alerts", {"ok": True, "data": {"alerts": [alert]}})
        await page.come_in((await with_role(door, "operator")).session)
        await opened(page, f"{door.url}/operations.html")
        for place, asked in (("#modes", "admin/venue"), ("#desk td", "admin/alerts"), ("#dead td", "admin/dead")):
            control = f"document.querySelector('{place} :is(a, button)')"
            await page.until(f"{control} !== null")
            await page.evaluate(f"{control}.focus(); window.before = {ASKED % asked}")
            await page.until(f"{ASKED % asked} > window.before + 1")
            assert (place, await page.evaluate(f"document.activeElement === {control}")) == (place, True)
        await page.press("Enter")
        await page.until("document.querySelector('#ask').open")
        assert await page.evaluate("!!document.activeElement.closest('#ask')")
        await page.press("Escape")
        assert not await page.evaluate("document.querySelector('#ask').open")
        assert await page.evaluate("document.activeElement === document.querySelector('#dead td button')")
