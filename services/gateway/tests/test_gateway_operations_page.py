"""The operations page in a real browser, over the gateway's own routes; matching and risk answer as they would."""

from collections.abc import AsyncIterator

import pytest

from services.gateway.tests import browser
from services.gateway.tests.entrance import Entrance, entrance
from services.gateway.tests.support import START, answering
from services.gateway.tests.test_gateway_administration import Venue, logged
from services.gateway.tests.test_gateway_operations import letter, traced, with_role
from tests.support.servers import Broker, Database

pytestmark = pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium on this machine: nothing is looked at")

ALERT = {
    "seq": 1,
    "account": "a1",
    "account_seq": 4,
    "level": "critical",
    "kind": "health",
    "market": None,
    "health_factor": "1.032110",
    "raised_at": START,
    "inputs": [],
    "collateral": [],
    "acknowledged": None,
    "resolved": None,
}
VENUE = {"mode": "demo", "kill_switch": "off", "maintenance": "off", "limits": {}, "tiers": {}}
CHANGE = {"change_id": 7, "at": START, "scope": "venue", "name": "maintenance", "old": "on", "new": "off", "by": "ann"}


@pytest.fixture
async def door(database: Database, broker: Broker) -> AsyncIterator[Entrance]:
    async with entrance(database, broker, webhook_networks=("127.0.0.0/8",)) as found:
        yield found


async def test_an_operator_runs_the_venue_from_the_page(door: Entrance, broker: Broker) -> None:
    """GW-UI-050: what waits is shown; the kill switch asks for its word, letters are inspected, an alert is traced."""
    operator = await with_role(door, "operator")
    hook = {"url": "http://127.0.0.1:9/hook", "kinds": ["order.filled"]}
    _, made, _ = await operator.ask("POST", "me/webhooks", hook)
    await operator.ask("POST", f"me/webhooks/{made['id']}/ping")
    async with (
        broker.client() as tools,
        broker.client("matching") as matching,
        broker.client("risk") as risk,
        browser.browser() as page,
    ):
        venue = Venue(matching)
        await venue.listen(tools)
        await letter(tools)
        await traced(tools)
        for client, name, data in (
            (matching, "matching.venue", VENUE),
            (matching, "matching.venue_changes", {"changes": [CHANGE]}),
            (risk, "risk.alerts", {"alerts": [ALERT]}),
        ):
            await answering(client, f"query.{name}", {"ok": True, "data": data})
        await page.come_in(operator.session)
        await page.show(f"{door.url}/operations.html", width=1440, height=1150, theme="light")
        for rows in ("desk", "dead", "changes", "health"):
            await page.until(f"document.querySelectorAll('#{rows} tbody tr').length > 0")
        await page.evaluate("document.querySelector('#dead button').click()")
        await page.until("document.querySelector('#ask pre')?.innerText.includes('ReportTrade')")
        await page.keep("operations-letter")
        await page.evaluate("document.querySelector('#ask').close()")
        await page.evaluate("document.querySelectorAll('#modes button')[1].click()")
        typed = "document.querySelector('#ask form').elements"
        await page.evaluate("document.querySelector('#ask form').requestSubmit()")
        assert not venue.heard, "without its word nothing is done"
        await page.evaluate(f"{typed}.typed.value = 'kill'; {typed}.note.value = 'a drill'")
        await page.evaluate("document.querySelector('#ask form').requestSubmit()")
        await page.until("document.querySelector('#said').innerText === 'Done.'")
        assert [(command["type"], command["on"], command["note"]) for command in venue.heard] == [
            ("SetVenueSwitch", True, "a drill")
        ]
        assert await logged(door) == [("venue.switch", "kill_switch", "off", "on")]
        await page.keep("operations")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.evaluate("document.querySelector('#desk a').click()")
        await page.until("document.querySelectorAll('#trace li').length === 2")
        await page.keep("trace")
        await page.show(f"{door.url}/desk.html", width=1440, height=900, theme="dark")
        for rows in ("people", "hooks", "log"):
            await page.until(f"document.querySelectorAll('#{rows} tbody tr').length > 0")
        await page.keep("desk")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        complaints = [said for said in page.complaints if "/api/" not in said]
        assert complaints == [], "but for services that do not run here"


async def test_a_reader_without_a_role_is_told(door: Entrance) -> None:
    """GW-UI-051: who has no role sees what is open, and what is not is said; on a phone, in the dark."""
    async with browser.browser() as page:
        await page.show(f"{door.url}/operations.html", width=390, height=844, theme="dark")
        await page.until("document.querySelectorAll('#health tbody tr').length > 0")
        await page.until("document.querySelector('#dead').innerText.includes('For operators')")
        await page.until("!document.querySelector('ct-bar .stale').hidden")
        await page.keep("operations-phone")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_what_is_not_known_is_not_said_to_be_nothing(door: Entrance) -> None:
    """GW-UI-017: a table whose question was never answered does not say that there is nothing, or how fast."""
    async with browser.browser() as page:
        await page.show(f"{door.url}/risk.html", width=1440, height=900, theme="light")
        await page.until("document.querySelector('[data-of=exposure]').dataset.old !== undefined")
        told = await page.evaluate("document.querySelector('#exposure').innerText")
        assert "Not known yet." in told
        assert "Nobody" not in told
        await page.show(f"{door.url}/operations.html", width=1440, height=900, theme="light")
        rows = "[...document.querySelectorAll('#health tbody tr')].map((row) => row.innerText.split('\\t'))"
        told = {name: latency for name, latency, *_ in await page.until(f"{rows}.length > 5 && {rows}")}
        assert (told["postgres"].endswith(" ms"), told["matching"], told["redis"]) == (True, "–", "–")
