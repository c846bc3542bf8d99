"""The moving picture of the README: `make picture` starts a system, lets a market fall, and films the dashboard.

What is seen is what happened: a real `make up` in a folder of its own, `cleartide demo crash` as anyone may type it
some minutes later, headless Chromium, no frame touched. At the end a look at another market, which has not fallen.
Printed are the seconds until the system was ready and until the first liquidation was on the page.
"""

import argparse
import asyncio
import base64
import importlib
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from deploy.local.ports import free_port
from services.gateway.tests.browser import PROGRAM, Page, browser
from tests.support.installation import ROOT

WIDTH: Final = 1280
HEIGHT: Final = 800
FRAME_SECONDS: Final = 0.4
FRAMES: Final = 24
OTHER_FRAMES: Final = 5
RUN_SECONDS: Final = 540
"""So long it has run when the film begins: the chart has a candle a minute."""
OTHER: Final = "document.querySelector('[data-value=ETH-PERP]').click() ?? true"
CRASH: Final = "-m cleartide demo crash --market BTC --drop 12% --over 8"
COLOURS: Final = 96
MOST_BYTES: Final = 1_500_000
NEWEST: Final = "(document.querySelector('#liquidations tbody tr')?.innerText ?? '')"
SHOWN: Final = "document.querySelectorAll('#alerts li').length > 3 && document.querySelector('#chart canvas') !== null"


class Film:
    """Frames as PNG, one each FRAME_SECONDS."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._next = time.monotonic()

    async def frame(self) -> bytes:
        """What is to be seen at the next moment."""
        self._next = max(self._next + FRAME_SECONDS, time.monotonic())
        await asyncio.sleep(self._next - time.monotonic())
        shown = await self._page.call("Page.captureScreenshot", format="png")
        return base64.b64decode(shown["data"])


async def film(url: str, environment: dict[str, str]) -> tuple[float, list[bytes]]:
    """When the page showed a liquidation, and what it shows while the market falls and others follow."""
    async with browser() as page:
        await page.show(url, width=WIDTH, height=HEIGHT, theme="light")
        await page.until(SHOWN, 60)
        await page.until(f"/[0-9]:[0-9]/.test({NEWEST})", 60)
        seen = time.monotonic()
        await asyncio.sleep(RUN_SECONDS)
        first, filming = await page.evaluate(NEWEST), Film(page)
        falling = await asyncio.create_subprocess_exec(
            sys.executable, *CRASH.split(), cwd=ROOT, env=environment, stdout=asyncio.subprocess.DEVNULL
        )
        frames = [await filming.frame() for _ in range(FRAMES)]
        assert await page.evaluate(NEWEST) != first, "nobody was liquidated meanwhile"
        assert await page.evaluate(OTHER), "there is no other market"
        frames += [await filming.frame() for _ in range(OTHER_FRAMES)]
        if await falling.wait():
            raise RuntimeError("the market did not fall")
        return seen, frames


def write(frames: list[bytes], path: Path) -> int:
    """One file of all frames, with one palette, so that what stays the same costs nothing. Returns its bytes."""
    images: Any = importlib.import_module("PIL.Image")
    pictures = [images.open(io.BytesIO(frame)).convert("RGB") for frame in frames]
    palette = pictures[len(pictures) // 2].quantize(COLOURS)
    flat = [picture.quantize(palette=palette, dither=images.Dither.NONE) for picture in pictures]
    duration = int(FRAME_SECONDS * 1_000)
    flat[0].save(path, save_all=True, append_images=flat[1:], duration=duration, loop=0, optimize=True, disposal=1)
    return path.stat().st_size


def _make(target: str, environment: dict[str, str]) -> None:
    subprocess.run(["make", *target.split()], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    """Start, film, stop, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("path", type=Path, help="as docs/dashboard.gif")
    parser.add_argument("--frames", type=Path, help="a folder for the frames as PNG, to look at")
    arguments = parser.parse_args()
    if PROGRAM is None:
        print("no Chromium is installed", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="cleartide-picture-", ignore_cleanup_errors=True) as home:
        port = free_port()
        environment = {**os.environ, "CLEARTIDE_HOME": home, "CLEARTIDE_PORT_GATEWAY": str(port), "MAKEFLAGS": ""}
        began = time.monotonic()
        try:
            _make("up DETACH=1", environment)
            ready = time.monotonic() - began
            seen, frames = asyncio.run(film(f"http://127.0.0.1:{port}/", environment))
        finally:
            _make("down", environment)
    if arguments.frames:
        for number, frame in enumerate(frames):
            (arguments.frames / f"{number:03d}.png").write_bytes(frame)
    size = write(frames, arguments.path)
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    print(json.dumps({"ready_s": round(ready, 1), "liquidation_s": round(seen - began, 1), "bytes": size, **machine}))
    return 0 if size <= MOST_BYTES else 1


if __name__ == "__main__":
    raise SystemExit(main())
