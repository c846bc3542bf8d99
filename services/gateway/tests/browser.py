"""A headless Chromium, driven over its own debugging protocol: what a page shows, and what it complains of."""

import asyncio
import base64
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0")
FAULTS = Path(__file__).with_name("looks.js").read_text()
SHIFT = 8
KEYS = {
    "Tab": ("Tab", 9, ""),
    "Enter": ("Enter", 13, "\r"),
    "Escape": ("Escape", 27, ""),
    " ": ("Space", 32, " "),
    "ArrowLeft": ("ArrowLeft", 37, ""),
    "ArrowUp": ("ArrowUp", 38, ""),
    "ArrowRight": ("ArrowRight", 39, ""),
    "ArrowDown": ("ArrowDown", 40, ""),
    "?": ("Slash", 191, "?"),
    "[": ("BracketLeft", 219, "["),
    "]": ("BracketRight", 221, "]"),
}
"""Of keys that are no letter: code, number and what they type, as the protocol wants them."""
_COMPLAINTS = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}


class Page:
    """One tab. `complaints` are errors, warnings and violations of the content policy."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._ids = socket, itertools.count(1)
        self.complaints: list[str] = []

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol."""
        wanted = next(self._ids)
        await self._socket.send_json({"id": wanted, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json(timeout=20)
            if message.get("id") == wanted:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            if message.get("method") in _COMPLAINTS:
                self.complaints.append(json.dumps(message["params"])[:500])

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page; what it throws becomes None, as before the page is there."""
        result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return None if "exceptionDetails" in result else result["result"].get("value")

    async def until(self, expression: str, seconds: float = 30) -> Any:
        """Wait until an expression is true in the page."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not (value := await self.evaluate(expression)):
            if asyncio.get_running_loop().time() > deadline:
                shown = await self.evaluate("document.body.innerText.slice(0, 1500)")
                raise AssertionError(f"{expression} did not come true; complaints {self.complaints}; page:\n{shown}")
            await asyncio.sleep(0.1)
        return value

    async def show(self, url: str, *, width: int, height: int, theme: str) -> None:
        """Open an address at a size, in the system's light or dark."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        await self.call("Emulation.setScrollbarsHidden", hidden=True)
        await self.call("Page.navigate", url=url)

    async def press(self, key: str, *, shift: bool = False) -> None:
        """One key, as a person presses it: `Tab`, `Enter`, `Escape`, an arrow, or a character."""
        code, number, text = KEYS.get(key, (f"Key{key.upper()}", ord(key[0].upper()), key))
        pressed = {"key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": SHIFT if shift else 0}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **pressed, **({"text": text} if text else {}))
        await self.call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    async def come_in(self, session: Mapping[str, Any], *scopes: str) -> None:
        """Be signed in on every page from here on, as after the sign-in page; `session` as the gateway answers it."""
        held = {"user": session["user"], "session": session["session"], "scopes": scopes, "until": 4_102_444_800_000}
        held |= {"access": session["access_token"], "refresh": session["refresh_token"]}
        keep = f"localStorage.setItem('cleartide.session', {json.dumps(json.dumps(held))})"
        await self.call("Page.addScriptToEvaluateOnNewDocument", source=keep)

    async def keep(self, name: str) -> None:
        """What is to be seen now has no fault; a picture of it, where CLEARTIDE_SCREENSHOTS names a folder."""
        faults = await self.evaluate(FAULTS)
        assert faults == [], f"{name}: {faults}"
        if folder := os.environ.get("CLEARTIDE_SCREENSHOTS"):
            shown = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
            (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(shown["data"]))


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    """A browser with one empty page, gone at the end of the block."""
    assert PROGRAM is not None
    with tempfile.TemporaryDirectory(prefix="cleartide-browser-", ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            PROGRAM, *FLAGS, f"--user-data-dir={folder}", "about:blank", stderr=asyncio.subprocess.DEVNULL
        )
        try:
            port = await _port(Path(folder) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as http:
                async with http.put(f"http://127.0.0.1:{port}/json/new?about:blank") as response:
                    target = await response.json(content_type=None)
                async with http.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    page = Page(socket)
                    for domain in ("Page", "Runtime", "Log"):
                        await page.call(f"{domain}.enable")
                    yield page
        finally:
            process.terminate()
            await process.wait()


async def _port(file: Path) -> int:
    async with asyncio.timeout(30):
        while True:
            if file.exists() and (lines := file.read_text().split()):
                return int(lines[0])
            await asyncio.sleep(0.05)
