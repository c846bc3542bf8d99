"""How long each step of the quickstart takes a new user: in a fresh clone, with the packages in the cache.

Every command of docs/quickstart.md in its order, as it stands there; the times go into the page itself.
"""

import asyncio
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks.report import Row, write
from deploy.local import ports
from tests.support.installation import ROOT

PAGE: Final = ROOT / "docs" / "quickstart.md"
BEGIN: Final = "<!-- times: written by `make bench ONLY=quickstart` -->\n"
END: Final = "<!-- end of times -->\n"
STAYS: Final = "make up"
"""Runs until Ctrl-C; measured is until it says that it is ready."""
SECONDS: Final = 600


def steps() -> Iterator[tuple[str, str]]:
    """The page's commands with the heading that each stands under."""
    heading = ""
    for title, block in re.findall(r"^## ([^\n]*)$|```sh\n(.*?)```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        heading = title or heading
        yield from ((heading, line) for line in block.splitlines() if line)


async def run() -> None:
    """Measure, write `results/quickstart.json` and the table of the page."""
    with tempfile.TemporaryDirectory(prefix="cleartide-quickstart-") as name:
        clone = Path(name) / "cleartide"
        clone.parent.chmod(0o755)
        await asyncio.to_thread(_run, f"git clone --quiet {ROOT} {clone}", Path(name), os.environ)
        outside = ("VIRTUAL_ENV", "CLEARTIDE_HOME", "MAKEFLAGS", "MAKELEVEL")
        environment = {key: value for key, value in os.environ.items() if key not in outside}
        environment["CLEARTIDE_PORT_GATEWAY"] = str(ports.free_port())
        try:
            taken = [(step, await asyncio.to_thread(_run, step[1], clone, environment)) for step in steps()]
        finally:
            await asyncio.to_thread(_run, "make down", clone, environment)
    path = write("quickstart", [Row(f"quickstart.{command}", seconds, "s") for (_, command), seconds in taken])
    load = os.getloadavg()[0]
    table = "".join(
        f"| {heading} | `{command.replace('|', chr(92) + '|')}` | {seconds:.1f} |\n"
        for (heading, command), seconds in taken
    )
    whole = sum(seconds for _, seconds in taken)
    said = (
        f"{BEGIN}Measured on a fresh clone, {os.cpu_count()} cores, load {load:.1f}; the first start makes the "
        f"environment, its packages from the cache.\n\n| step | command | seconds |\n|---|---|---:|\n{table}"
        f"| all | | {whole:.1f} |\n{END}"
    )
    text = PAGE.read_text()
    PAGE.write_text(text[: text.index(BEGIN)] + said + text[text.index(END) + len(END) :])
    print(f"{path.name} and the table of {PAGE.name} written")


def _run(command: str, folder: Path, environment: Mapping[str, str]) -> float:
    """Seconds that a command took. RuntimeError with what it said when it failed."""
    asked = f"{command} DETACH=1" if command == STAYS else command
    started = time.perf_counter()
    done = subprocess.run(
        ["/bin/sh", "-c", asked],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"$ {asked}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return time.perf_counter() - started
