"""The pages of alerts and rules in a real browser: paged, filtered, set and removed; matching and risk are real."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from cleartide.contracts.risk import AlertLevel

from services.gateway.tests import browser
from services.gateway.tests.entrance import EvmWallet, Installed, Person, serving
from services.gateway.tests.support import alert
from services.gateway.tests.test_gateway_feed_filters import raised, written
from services.gateway.tests.trading import MARKET, Floor
from tests.support.installation import Installation
from tests.support.traffic import START_TICKS, Traffic

pytestmark = pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium on this machine: nothing is looked at")

SHOWN = "[...document.querySelectorAll('#alerts tbody tr')].map((row) => Number(row.dataset.key))"
TOLD = "document.querySelector('#shown').innerText"
ERROR = "document.querySelector('#ask [role=alert]').innerText"


@pytest.fixture
async def floor(installed: Installation) -> AsyncIterator[Floor]:
    """Matching puts rules in order, risk watches by them."""
    await installed.start("matching", "risk")
    async with installed.client() as operator, serving(Installed(installed), installed) as door:
        traffic = Traffic(operator, accounts=())
        await traffic.open_market()
        yield Floor(installed, door, traffic)


async def officer(floor: Floor) -> Person:
    """An operator who sees the whole venue."""
    door, wallet = floor.door, EvmWallet(4)
    user = (await door.sign_in(wallet)).user
    async with door.truth.acting() as truth:
        await truth.change("users", {"id": user}, scopes=["venue:read"])
        await truth.add("admin_roles", user_id=user, role="operator", granted_by="test", granted_at=1)
    return await door.sign_in(wallet)


async def fed(floor: Floor, first: int, last: int) -> None:
    """Alerts of that many numbers, each fifth by a rule, as the fold writes them."""
    levels: tuple[AlertLevel, ...] = ("watch", "critical", "resolved")
    connection = await asyncpg.connect(floor.installed.service_dsn("gateway"))
    try:
        await written(
            connection,
            [
                raised(seq, (f"a{seq % 2}", levels[seq % 3], MARKET), None if seq % 5 else "close", 1)
                if seq % 2
                else alert(seq, "a0", levels[seq % 3])
                for seq in range(first, last + 1)
            ],
        )
    finally:
        await connection.close()


def numbers(first: int, last: int) -> list[int]:
    """From the newest to the oldest."""
    return list(range(first, last - 1, -1))


async def test_alerts_are_paged_and_filtered_while_more_come(floor: Floor) -> None:
    """GW-UI-052: older pages stand still and say what has come since; filters by level, market, rule and account."""
    await fed(floor, 1, 120)
    async with browser.browser() as page:
        await page.come_in((await officer(floor)).session, "venue:read")
        await page.show(f"{floor.door.url}/alerts.html", width=1440, height=900, theme="light")
        await page.until(f"{SHOWN}.length === 50")
        assert await page.evaluate(SHOWN) == numbers(120, 71)
        assert await page.evaluate(TOLD) == "the newest 50"
        await page.keep("alerts")
        await page.press("j")
        await page.until(f"{TOLD} === '#70 – #21'")
        assert await page.evaluate(SHOWN) == numbers(70, 21)
        await fed(floor, 121, 123)
        await page.until(f"{TOLD} === '#70 – #21, 3 newer since'")
        assert await page.evaluate(SHOWN) == numbers(70, 21), "what is read stands still"
        await page.press("j")
        await page.until(f"{TOLD} === '#20 – #1, 3 newer since'")
        assert await page.evaluate("document.querySelector('#pager [value=older]').disabled")
        await page.press("k")
        await page.until(f"{TOLD} === '#70 – #21, 3 newer since'")
        await page.press("h")
        await page.until(f"{SHOWN}[0] === 123")
        await page.press("f")
        for key in ("c", "Tab", "Tab", *"close", "Enter"):
            await page.press(key)
        await page.until(f"{SHOWN}.every((seq) => seq % 30 === 25) && {SHOWN}.length > 2")
        assert await page.evaluate(TOLD) == "all 4"
        await page.evaluate("document.querySelector('#filters [type=reset]').click()")
        await page.until(f"{SHOWN}[0] === 123")
        await page.show(f"{floor.door.url}/alerts.html#level=critical", width=400, height=844, theme="dark")
        await page.until(f"{SHOWN}[0] === 121")
        assert await page.evaluate("document.querySelector('#filters [name=level]').value") == "critical"
        await page.keep("alerts-phone")
        assert page.complaints == []


async def test_rules_are_set_and_removed_from_the_page(floor: Floor) -> None:
    """GW-UI-053: a form says what is wrong with a rule; the rule is shown with its last alert, and ends."""
    async with browser.browser() as page:
        await page.come_in((await officer(floor)).session, "venue:read")
        await page.show(f"{floor.door.url}/rules.html", width=1440, height=900, theme="dark")
        await page.until("document.querySelector('#rules .empty').innerText.includes('No rule')")
        await page.evaluate("document.querySelector('#new').focus()")
        await page.press("Enter")
        await page.until("document.querySelector('#ask').open")
        form = "document.querySelector('#ask form').elements"
        await page.evaluate(
            f"{form}.name.value = 'dear'; {form}.each.value = 'market'; {form}.when.value = 'mark_price > equity'"
        )
        await page.evaluate(f"{form}.each.dispatchEvent(new Event('change', {{bubbles: true}})); {form}.when.focus()")
        await page.until("document.querySelector('#ask .figures').textContent.includes('premium_bps')")
        await page.evaluate(f"{form}.when.focus()")
        await page.press("Enter")
        await page.until(f"{ERROR}.includes('when, column 1')")
        await page.keep("rules-wrong")
        await page.evaluate(f"{form}.when.value = 'mark_price > 0'; {form}.note.value = 'tonight'; {form}.when.focus()")
        await page.press("Enter")
        await page.until("document.querySelector('#said').innerText === 'dear is watched.'")
        await page.until("document.querySelectorAll('#rules li').length === 1")
        await floor.traffic.price(START_TICKS + 1)
        await page.until("document.querySelector('#rules li').innerText.includes('1 holds')")
        await page.until("document.querySelector('#rules li').innerText.includes(' in BTC-PERP')")
        await page.keep("rules")
        buttons = "[...document.querySelectorAll('#rules li button')]"
        await page.evaluate(f"{buttons}.find((one) => one.innerText === 'Remove').click()")
        await page.until("document.querySelector('#ask').innerText.includes('resolved: 1 alert.')")
        await page.press("Enter")
        await page.until("document.querySelectorAll('#rules li').length === 0")
        assert [complaint for complaint in page.complaints if "422" not in complaint] == []


async def test_who_may_only_look_is_offered_nothing_else(floor: Floor) -> None:
    """GW-UI-054: an onlooker reads the rules, and none is offered to be changed; on a phone."""
    person, rule = await officer(floor), {"each": "account", "level": "watch", "when": "leverage > 10"}
    assert (await person.ask("PUT", "admin/rules/thin", {"rule": rule}))[0] == 202
    async with (
        serving(Installed(floor.installed), floor.installed, gateway_access="demo") as door,
        browser.browser() as page,
    ):
        await page.show(f"{door.url}/rules.html", width=390, height=844, theme="dark")
        await page.until("document.querySelector('#rules li')?.innerText.includes('leverage > 10')")
        assert await page.evaluate("document.querySelector('#new').hidden")
        assert await page.evaluate("document.querySelectorAll('#rules button').length") == 0
        await page.keep("rules-phone")
