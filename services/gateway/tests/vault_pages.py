"""The pages of the venue's vaults in a real browser, on services as they are; done with the keyboard alone."""

import uuid
from typing import Final

from cleartide.contracts.farms import OpenFarm

from services.gateway.tests import browser
from services.gateway.tests.trading import Floor

_ENTER: Final = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
_TAB: Final = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
_SAID: Final = "document.querySelector('#said').innerText"


async def _press(page: browser.Page, key: dict[str, object]) -> None:
    for kind in ("keyDown", "keyUp"):
        await page.call("Input.dispatchKeyEvent", type=kind, **key)


async def _fill(page: browser.Page, place: str, text: str) -> None:
    """Type into the field and send it with Enter, once nothing is on its way."""
    await page.until(f"!document.querySelector('{place} button[type=submit]').disabled")
    await page.evaluate(f"document.querySelector('{place} input').focus()")
    await page.call("Input.insertText", text=text)
    await _press(page, _ENTER)


async def check_vaults_on_their_pages(floor: Floor) -> None:
    """GW-UI-080: vaults with what they gained, one of them over time, its terms, without an error, wide and narrow."""
    if browser.PROGRAM is None:
        return
    mia = await floor.trader()
    name = f"page-{uuid.uuid4().hex[:8]}"
    terms = {"performance_fee_bps": 1_000, "management_fee_bps": 200, "lock_seconds": 86_400, "capacity": "1500"}
    assert (await mia.ask("POST", f"accounts/{mia.user}/vaults", {"vault": name, **terms}))[0] == 200
    assert (await mia.ask("POST", f"accounts/{mia.user}/vaults/{name}/deposits", {"amount": "500"}))[0] == 200
    await floor.traffic.send(OpenFarm(id=name, occurred_at=0, source="operator", vault=name, platform_fee_bps=2_000))
    async with browser.browser() as page:
        for theme, width in (("light", 1440), ("dark", 390)):
            await page.show(f"{floor.door.url}/vaults.html?{theme}#{name}", width=width, height=1000, theme=theme)
            await page.until(f"document.querySelector('tr[aria-selected=true]')?.innerText.includes('{name}')")
            await page.until("document.querySelectorAll('#price svg .dot').length >= 1")
            await page.until("document.querySelector('#terms').innerText.includes('1,500')")
            await page.until("document.querySelector('tr[aria-selected=true] td:nth-child(7)').innerText !== '–'")
            await page.keep(f"vaults-{theme}")
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.complaints == []


async def check_who_comes_and_goes_on_the_page(floor: Floor) -> None:
    """GW-UI-081: paid in, refused with the reason, staked and taken out by keyboard; a stranger is told to sign in."""
    if browser.PROGRAM is None:
        return
    mia, ann = await floor.trader(), await floor.trader()
    name = f"mine-{uuid.uuid4().hex[:8]}"
    assert (await mia.ask("POST", f"accounts/{mia.user}/vaults", {"vault": name, "capacity": "1500"}))[0] == 200
    await floor.traffic.send(OpenFarm(id=name, occurred_at=0, source="operator", vault=name, platform_fee_bps=2_000))
    async with browser.browser() as page:
        await page.show(f"{floor.door.url}/my-vaults.html#{name}", width=1440, height=900, theme="dark")
        await page.until(f"{_SAID}.includes('Sign in with a wallet')")
        assert await page.evaluate("[...document.querySelector('#doing').children].every((form) => form.inert)")
        await page.come_in(ann.session)
        for theme, width in (("light", 1200), ("dark", 390)):
            await page.show(f"{floor.door.url}/my-vaults.html?{theme}#{name}", width=width, height=900, theme=theme)
            await page.until(f"document.querySelector('#vault').value === '{name}'")
            await _fill(page, "#doing form:nth-child(1)", "600")
            await page.until(f"{_SAID}.includes('Paid in 600.00')")
        await _fill(page, "#doing form:nth-child(1)", "600")
        await page.until(f"{_SAID}.includes('no room for that much. (over_capacity)')")
        await page.until("document.querySelector('#held tbody tr')?.innerText.includes('1,200.00')")
        await _fill(page, "#doing form:nth-child(3)", "100000000000")
        await page.until(f"{_SAID}.includes('100,000,000,000 shares are staked now')")
        await page.until("document.querySelector('#held tbody').innerText.includes('\\t100,000,000,000\\t')")
        await page.evaluate("document.querySelector('#doing form:nth-child(2) input').focus()")
        await _press(page, _TAB)
        await _press(page, _TAB)
        await page.until("document.activeElement.innerText === '25 %'")
        await _press(page, _ENTER)
        await page.until("document.querySelector('#doing form:nth-child(2) output').innerText === 'worth about 275.00'")
        await page.keep("my-vaults")
        await _fill(page, "#doing form:nth-child(2)", "")
        await page.until(f"{_SAID}.includes('Took out 275.00')")
        await page.until("document.querySelectorAll('#moves tbody tr').length === 3")
        await page.until("document.querySelector('#moves-csv').href.includes('/vaults/moves?')")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        [refused] = page.complaints
        assert "status of 422" in refused, "the browser notes a refusal, and nothing else"


PAGE_CHECKS = (check_vaults_on_their_pages, check_who_comes_and_goes_on_the_page)
