"""The pages of the venue's vaults while there is none."""

from contextlib import AsyncExitStack

import pytest

from services.gateway.tests import browser
from services.gateway.tests.support import answering, running_edge
from tests.support.installation import Installation

NONE = {"matching": ("own_vaults", {"vaults": []}), "analytics": ("vault_performance", {"as_of": 0, "vaults": []})}


@pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium on this machine: the dashboard is not looked at")
@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
async def test_a_venue_without_vaults_says_how_one_is_opened(installed: Installation, theme: str, width: int) -> None:
    """GW-UI-082: by the API and in Python, and when it is to be seen; on the page of one's own there is a way to it."""
    async with AsyncExitStack() as stack:
        for service, (query, data) in NONE.items():
            client = await stack.enter_async_context(installed.client(service))
            await answering(client, f"query.{service}.{query}", {"ok": True, "data": data})
        edge = await stack.enter_async_context(running_edge(installed))
        page = await stack.enter_async_context(browser.browser())
        await page.show(f"{edge.url}/vaults.html", width=width, height=900, theme=theme)
        await page.until("document.querySelector('#none').checkVisibility()", 30)
        told = await page.evaluate("document.querySelector('#none').innerText")
        assert "POST /api/v1/accounts/ACCOUNT/vaults" in told
        assert "client.create_vault(" in told
        await page.keep(f"vaults-none-{theme}")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.show(f"{edge.url}/my-vaults.html", width=width, height=900, theme=theme)
        await page.until("document.querySelector('#no-vault').checkVisibility()", 30)
        await page.keep(f"my-vaults-none-{theme}")
        assert page.complaints == []
