"""How long each step of the quickstart takes a new user: in a fresh clone, with the packages in the cache.

Every command of docs/quickstart.md in its order, as it stands there; the times go into the page itself. Of the crash
and of the killed service, what they say themselves of how long it took.
"""

import asyncio
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.report import Row, processor, write
from deploy.local import ports
from tests.support.installation import ROOT

PAGE: Final = ROOT / "docs" / "quickstart.md"
BEGIN: Final = "<!-- times: written by `make bench ONLY=quickstart` -->\n"
END: Final = "<!-- end of times -->\n"
STAYS: Final = "make up"
"""Runs until Ctrl-C; measured is until it says that it is ready."""
SECONDS: Final = 600
TOLD: Final = {
    "crash.breaker": r"([\d.]+) circuit breaker:",
    "crash.trading_again": r"([\d.]+) the market is trading",
    "kill.away": r"away +([\d.]+) s",
    "kill.caught_up": r"caught up after ([\d.]+) s",
}
"""Seconds that the demonstrations tell of, from the beginning of the fall or from the death of the service."""


@dataclass(frozen=True)
class Step:
    """One command under its heading: when it began and how long it took, in seconds, and what it said."""

    heading: str
    command: str
    at: float
    seconds: float
    said: str

    def line(self) -> str:
        """Its row of the page's table."""
        minutes, seconds = divmod(round(self.at), 60)
        command = self.command.replace("|", chr(92) + "|")
        return f"| {minutes}:{seconds:02} | {self.heading} | `{command}` | {self.seconds:.1f} |\n"


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
            taken = await asyncio.to_thread(_taken, clone, environment)
        finally:
            await asyncio.to_thread(_run, "make down", clone, environment)
    rows = [Row(f"quickstart.{step.command}", step.seconds, "s") for step in taken]
    path = write("quickstart", [*rows, *_told("".join(step.said for step in taken))])
    whole = taken[-1].at + taken[-1].seconds
    table = "".join(step.line() for step in taken)
    said = (
        f"{BEGIN}Measured on a fresh clone, {os.cpu_count()} cores ({processor()}), load {os.getloadavg()[0]:.1f}; the "
        f"first start makes the environment, its packages from the cache.\n\n"
        f"| at | step | command | seconds |\n|---:|---|---|---:|\n{table}| | all | | {whole:.1f} |\n{END}"
    )
    text = PAGE.read_text()
    PAGE.write_text(text[: text.index(BEGIN)] + said + text[text.index(END) + len(END) :])
    print(f"{path.name} and the table of {PAGE.name} written")


def _taken(clone: Path, environment: Mapping[str, str]) -> list[Step]:
    taken, at = list[Step](), 0.0
    for heading, command in steps():
        seconds, said = _run(command, clone, environment)
        taken.append(Step(heading, command, at, seconds, said))
        at += seconds
    return taken


def _told(said: str) -> list[Row]:
    """RuntimeError where a demonstration does not tell what it should."""
    rows = []
    for name, pattern in TOLD.items():
        if (found := re.search(pattern, said)) is None:
            raise RuntimeError(f"{name}: nothing was said of it")
        rows.append(Row(f"quickstart.{name}", float(found[1]), "s"))
    return rows


def _run(command: str, folder: Path, environment: Mapping[str, str]) -> tuple[float, str]:
    """Seconds that a command took, and what it said. RuntimeError with that when it failed."""
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
    return time.perf_counter() - started, done.stdout
