"""The page by which people come in, in a real browser, at a gateway that is closed to strangers."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.gateway.tests import browser
from services.gateway.tests.entrance import Entrance, EvmWallet, Person, SolanaWallet, entrance
from tests.support.servers import Broker, Database

pytestmark = pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium on this machine: nothing is looked at")

# What a wallet's extension puts into a page; the key, and the signature by it, are the test's.
EVM = """
window.asked = null;
const provider = { request: ({ method, params }) => method === "eth_requestAccounts" ? Promise.resolve([ADDRESS])
  : new Promise((give) => { window.asked = params[0]; window.give = give; }) };
const detail = Object.freeze({ info: { uuid: "1", name: "Test Wallet", rdns: "test", icon: "" }, provider });
addEventListener("eip6963:requestProvider", () =>
  dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail })));
"""
SOLANA = """
window.asked = null;
window.solana = { connect: async () => ({ publicKey: ADDRESS }),
  signMessage: (bytes) => new Promise((give) => { window.asked = "0x" + [...bytes].map((byte) =>
    byte.toString(16).padStart(2, "0")).join(""); window.give = (hex) => give({ signature:
      Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16)) }); }) };
"""

THREE_AT_ONCE = (
    "Promise.all([1, 2, 3].map(() => import('/js/api.js').then(({ get }) => get('me')))).then((all) => all.length)"
)


@pytest.fixture
async def door(database: Database, broker: Broker) -> AsyncIterator[Entrance]:
    async with entrance(database, broker) as found:
        yield found


@asynccontextmanager
async def at(
    door: Entrance, script: str = "", *, theme: str = "light", width: int = 1200
) -> AsyncIterator[browser.Page]:
    """The sign-in page, with an extension in the browser."""
    async with browser.browser() as page:
        if script:
            await page.call("Page.addScriptToEvaluateOnNewDocument", source=f"(() => {{ {script} }})()")
        await page.show(f"{door.url}/sign-in.html", width=width, height=800, theme=theme)
        await page.until("!document.querySelector('#entrance').hidden")
        yield page


async def signed(page: browser.Page) -> str:
    """The text that the page asks the wallet to sign."""
    await page.until("document.querySelector('#wallets button') !== null")
    await page.evaluate("document.querySelector('#wallets button').click()")
    return bytes.fromhex((await page.until("window.asked"))[2:]).decode()


async def test_a_wallet_signs_in_stays_and_leaves(database: Database, broker: Broker) -> None:
    """GW-UI-040: a wallet signs once; tokens that run out are renewed, each refresh token used once."""
    wallet = EvmWallet(4_711)
    brief = entrance(database, broker, access_token_seconds=10)  # always about to run out
    async with brief as door, at(door, EVM.replace("ADDRESS", json.dumps(wallet.address))) as page:
        await page.keep("sign-in")
        text = await signed(page)
        assert wallet.address in text
        await page.evaluate(f"window.give({wallet.sign(text)!r})")
        await page.until("document.querySelectorAll('#sessions tbody tr').length === 1")
        await page.until("document.querySelectorAll('#mine tbody tr').length === 1")
        await page.call("Page.reload")
        await page.until("document.querySelectorAll('#sessions tbody tr').length === 1")
        await page.keep("signed-in")
        await page.evaluate(THREE_AT_ONCE)
        [told] = await door.rows("SELECT count(*) AS n, max(revoked_at) AS ended FROM refresh_tokens, sessions LIMIT 1")
        assert told["n"] > 1
        assert told["ended"] is None, "a refresh token was used twice"
        await page.evaluate("document.querySelector('#sign-out').click()")
        await page.until("!document.querySelector('#entrance').hidden")
        assert page.complaints == []
        rows = await door.rows("SELECT method, reason FROM sessions LIMIT 2")
        assert [tuple(row) for row in rows] == [("wallet:evm", "signed_out")]


async def test_a_solana_wallet_signs_in(door: Entrance) -> None:
    """GW-UI-041: the same on Solana, whose signature travels in base 58, on a phone's screen in the dark."""
    wallet = SolanaWallet(12)
    script = SOLANA.replace("ADDRESS", json.dumps(wallet.address))
    async with at(door, script, theme="dark", width=390) as page:
        await page.keep("sign-in-phone")
        text = await signed(page)
        await page.evaluate(f"window.give({wallet._key.sign(text.encode()).hex()!r})")
        await page.until("document.querySelectorAll('#sessions tbody tr').length === 1")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.complaints == []


async def key_of(person: Person) -> str:
    wish = {"name": "page", "scopes": ["account:read"]}
    return str((await person.ask("POST", "me/keys", wish))[1]["key"])


async def test_a_key_looks_and_a_wrong_one_is_told(door: Entrance) -> None:
    """GW-UI-042: without a wallet a key reads, in its tab; one that is not good is told in the gateway's own words."""
    person = await door.sign_in()
    key = await key_of(person)
    async with at(door) as page:
        assert await page.evaluate("!document.querySelector('#no-wallet').hidden")
        form = "const form = document.querySelector('#by-key'); form.elements.key.value = {!r}; form.requestSubmit();"
        enter = f"(() => {{{{ {form} }}}})()"
        await page.evaluate(enter.format("ctk_nonsense_nonsense"))
        await page.until("document.querySelector('#said.down') !== null")
        page.complaints.clear()  # the browser itself notes an answer of 401
        await page.evaluate(enter.format(key))
        await page.until("!document.querySelector('#inside').hidden")
        await page.until("document.querySelector('#profile').innerText.includes('free')")
        assert await page.evaluate("localStorage.getItem('cleartide.session')") is None
        await page.evaluate("document.querySelector('#sign-out').click()")
        await page.until("!document.querySelector('#entrance').hidden")
        assert page.complaints == []
