"""Every block of the tutorials, on a running system and in a folder of the reader's own, does what its text says."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deploy.local import ports
from services.gateway.tests.browser import PROGRAM, browser
from tests.support.installation import ROOT

STAYS = re.compile(r"\brule watch\b")
"""Commands that the reader ends with Ctrl-C."""


class Reader:
    """Somebody who types the blocks of a tutorial, in a folder with everything of the checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for entry in ROOT.iterdir():
            if not entry.name.startswith(".") or entry.name == ".venv":
                (folder / entry.name).symlink_to(entry)
        self.port = ports.free_port()
        self.environment = {
            **os.environ,
            "CLEARTIDE_HOME": str(folder / ".cleartide"),
            "CLEARTIDE_PORT_GATEWAY": str(self.port),
            "MAKEFLAGS": "",
        }
        self.watcher: subprocess.Popen[str] | None = None
        self.watched = folder / "watched.log"

    def types(self, block: str) -> str:
        """What a block prints; one whose last command stays is left running, and prints to `watched`."""
        *first, last = block.strip().splitlines()
        if STAYS.search(last):
            self._run("\n".join(first))
            with self.watched.open("w") as log:
                self.watcher = subprocess.Popen(
                    ["/bin/sh", "-c", f"exec {last}"], cwd=self.folder, env=self.environment, stdout=log, text=True
                )
            return ""
        return self._run(block)

    def _run(self, block: str) -> str:
        done = subprocess.run(
            ["/bin/sh", "-ec", block],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"$ {block}\n{said[-5000:]}"
        return said

    def leaves(self) -> None:
        """Everything stopped. What stays is ended by SIGTERM: where there is no terminal, Ctrl-C may be ignored."""
        try:
            if self.watcher is not None:
                self.watcher.terminate()
                self.watcher.wait(30)
            self._end_guest()
        finally:
            self._run("make down")

    def _end_guest(self) -> None:
        noted = self.folder / "turnover" / "pid"
        with suppress(FileNotFoundError, ProcessLookupError):
            pid = int(noted.read_text())
            if Path(f"/proc/{pid}/cwd").readlink() == self.folder:
                os.kill(pid, signal.SIGKILL)


def blocks(tutorial: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "tutorials" / tutorial).read_text(), re.DOTALL)


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Reader]:
    """A reader of whose system nothing runs yet."""
    made = Reader(tmp_path)
    try:
        yield made
    finally:
        made.leaves()


@pytest.fixture
def reader(newcomer: Reader) -> Reader:
    """A reader whose system runs."""
    newcomer.types("make up DETACH=1")
    return newcomer


def until(reader: Reader, command: str, holds: Callable[[str], bool]) -> str:
    """What a command says once that is so; the whole test has a limit of time."""
    while not holds(said := reader.types(command)):
        pass
    return said


@pytest.mark.timeout(400)
async def test_a_rule_takes_effect_while_everything_runs(reader: Reader) -> None:
    """RISK-RULE-014, SYS-TUTORIAL-001."""
    watch, write, hear, why, figures, mistake, remove, record = blocks("alert-rule.md")
    reader.types(watch)
    reader.types(write)
    heard = reader.types(hear)
    alerts = re.findall(r"#\d+ +critical +\S+ +rule close-to-the-end in BTC-PERP: position_notional ", heard)
    assert len(alerts) == 3 or "resolved" in heard
    assert "each position in BTC-PERP" in heard
    assert re.search(r"close-to-the-end: set, watched from event \d+ on", reader.watched.read_text())
    traced = reader.types(why)
    for step in ("RuleAlertRaised  RISK", "rule=close-to-the-end", "liquidation_distance_bps=", "COMMANDS #"):
        assert step in traced, traced
    assert "liquidation_distance_bps" in reader.types(figures)
    assert "broken.toml:5:9: when: unknown figure 'position_notion': did you mean" in reader.types(mistake)
    everyone = 'name = "everyone"\neach = "account"\nwhen = "positions > 0"\n'
    (reader.folder / "rules" / "everyone.toml").write_text(everyone)
    if PROGRAM is not None:
        async with browser() as page:
            url = f"http://127.0.0.1:{reader.port}/risk.html"
            await page.show(url, width=1440, height=1000, theme="light")
            await page.until("document.querySelector('#alerts').innerText.includes('everyone: positions 1')")
    broken = reader.folder / "rules" / "close.toml"
    broken.write_text(broken.read_text().replace("300", "300 dollars", 1))
    until(reader, "cat watched.log", lambda said: "rules/close.toml:5:" in said)
    assert "close-to-the-end" in reader.types(".venv/bin/cleartide rule show")
    reader.types(remove)
    until(reader, ".venv/bin/cleartide rule show", lambda said: "close-to-the-end" not in said)
    recorded = reader.types(record)
    assert re.search(r"operator: alert_rule close-to-the-end \{.*\} -> -", recorded)
    assert re.search(r"operator: alert_rule close-to-the-end - -> \{.*\}", recorded)
    assert "digests equal" in recorded


EQUAL = re.compile(r"^equal: (\d+) sums of (\d+) events, volume (\d+), fees -?\d+$", re.MULTILINE)


def recounted(said: str, times: int) -> list[tuple[int, ...]]:
    """Sums, events and volume of each recount; every one must have found the table equal, and something in it."""
    found = [tuple(map(int, each)) for each in EQUAL.findall(said)]
    assert len(found) == times, said
    assert all(figure > 0 for each in found for figure in each), said
    return found


def traded(said: str) -> list[str]:
    """Accounts of the answer that have traded."""
    return [each["account"] for each in json.loads(said)["data"] if float(each["volume"]) > 0]


@pytest.mark.timeout(500)
def test_a_service_of_ones_own_loses_and_doubles_nothing(newcomer: Reader) -> None:
    """SYS-TUTORIAL-002."""
    admit, prepare, table, write, check, run, recount, question, kill, worst, rebuild = blocks(
        "a-service-of-your-own.md"
    )
    assert "turnover is admitted" in newcomer.types(admit)
    newcomer.types(prepare)
    assert (newcomer.folder / "turnover" / "env").stat().st_mode & 0o077 == 0
    newcomer.types(table)
    newcomer.types(write)
    assert "OK" in newcomer.types(check)
    assert "0001_initial applied" in newcomer.types(run)
    assert "equal: " in newcomer.types(recount)
    assert json.loads(newcomer.types(question))["ok"]
    until(newcomer, ".venv/bin/python -m turnover.ask", lambda said: len(traded(said)) == 3)
    recounts = recounted(newcomer.types(kill), 5)
    said = newcomer.types(worst)
    assert re.findall("killed itself: (.*)", said) == ["after_commit:2", "after_fold:3"]
    recounts += recounted(said, 2) + recounted(newcomer.types(rebuild), 1)
    for figures in zip(*recounts, strict=True):
        assert list(figures) == sorted(figures)
    assert recounts[-1] > recounts[0]
