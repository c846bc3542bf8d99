"""Every command of the README and the quickstart does what it says, on a copy of the system as a user has it."""

import asyncio
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import nats
import pytest
from nats.aio.msg import Msg

from deploy.local import ports
from tests.support.installation import ROOT

PATIENCE_SECONDS = 60
FOREGROUND = {"make up", "make test"}
"""`make up` runs in the foreground until Ctrl-C, so it is executed as `make up DETACH=1`; `make test` is this run."""


def _commands(document: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A system of its own: data in a fresh folder, ports that nobody uses."""
    home = tmp_path_factory.mktemp("readme")
    made = {
        **os.environ,
        "CLEARTIDE_HOME": str(home),
        "CLEARTIDE_PORT_GATEWAY": str(ports.free_port()),
        "MAKEFLAGS": "",
    }
    try:
        yield made
    finally:
        _run("make down", made)


def _run(command: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, f"$ {command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def _require_crash(told: str) -> None:
    """LIB-DEMO-004."""
    assert "circuit breaker" in told
    assert "the market is trading (post_only_over)" in told
    assert int(re.findall(r"Liquidations +(\d+) steps", told)[0]) > 0
    assert re.search(r"Price .* -> .* \(-1[12]\.\d %\)", told)
    assert "Invariants      hold" in told


async def _require_alerts(subject: str, server: str) -> None:
    """SYS-README-003: what NATS' own client is told is enough for any: nats-py takes the same subject and address."""
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    refused: asyncio.Queue[Exception] = asyncio.Queue()

    async def hear(message: Msg) -> None:
        await heard.put(message.data)

    client = await nats.connect(server, error_cb=refused.put)
    try:
        await client.subscribe(subject, cb=hear)
        assert json.loads(await asyncio.wait_for(heard.get(), PATIENCE_SECONDS))["type"] == "RiskAlertRaised"
        await client.publish("risk.alerts.critical.nobody", b"{}")
        wrong = await asyncio.wait_for(refused.get(), PATIENCE_SECONDS)
        assert "permissions violation" in str(wrong).lower()
    finally:
        await client.close()


async def _require_markets(port: str) -> None:
    """SYS-README-004."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:

        async def asked(path: str) -> Any:
            async with http.get(f"/api/v1/{path}") as answer:
                return await answer.json()

        markets = {each["market"]: each for each in (await asked("markets"))["markets"]}
        assert list(markets) == [f"{base}-PERP" for base in ("BTC", "ETH", "SOL")]
        assert len({each["mark"] for each in markets.values()}) == 3
        for name, market in markets.items():
            assert not market["index_stale"], name
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not any(Decimal(day["liquidated"]) for day in (await asked(f"markets/{name}/days"))["days"]):
                assert time.monotonic() < deadline, f"nobody was liquidated on {name}"
                await asyncio.sleep(0.2)


@pytest.mark.timeout(600)
async def test_every_command_of_the_readme_works(environment: dict[str, str]) -> None:
    """SYS-README-001, SYS-README-002, SYS-README-004."""
    commands = _commands("README.md")
    assert set(commands) >= FOREGROUND
    ready = _run("make up DETACH=1", environment)
    assert f"http://127.0.0.1:{environment['CLEARTIDE_PORT_GATEWAY']}" in ready
    await _require_alerts(*re.findall(r"nats sub '(\S+)' --server (\S+)", ready)[0])
    printed: dict[str, str] = {}
    for command in _commands("docs/quickstart.md"):
        if command not in (*FOREGROUND, "make down"):
            printed[command] = _run(command, environment)
            assert printed[command]
    await _require_markets(environment["CLEARTIDE_PORT_GATEWAY"])
    for command in commands:
        # What takes a minute and stands on both pages is done once.
        if command not in FOREGROUND and not (command in printed and command.startswith("make demo")):
            printed[command] = _run(command, environment)
    assert len(re.findall(r"health factor", printed['make alerts ARGS="--after 0 --count 3"'])) == 3
    assert "digests equal" in printed["make rebuild SERVICE=risk"]
    assert "events lost 0, duplicates applied 0" in printed['make demo DO="kill risk"']
    _require_crash(printed['make demo DO="crash --market BTC --drop 12%"'])
    assert not Path(environment["CLEARTIDE_HOME"], "control.sock").exists()
