"""`make up` on servers of the user's own."""

import asyncio
import json
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from deploy.local.settings import ROOT
from deploy.local.stack import EmbeddedStack
from deploy.local.tests.support import environment


async def _make(variables: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(
        subprocess.run, ["make", *arguments], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )


def _ask(variables: dict[str, str], path: str) -> Any:
    try:
        with urlopen(f"http://127.0.0.1:{variables['CLEARTIDE_PORT_GATEWAY']}/api/{path}", timeout=10) as answer:
            return json.load(answer)
    except HTTPError as error:
        return {"status": error.code}


async def test_the_same_system_runs_on_servers_of_ones_own(tmp_path: Path, folder: Path) -> None:
    """Told by address: no embedded server is started, the market trades, and what the servers hold stays theirs."""
    async with EmbeddedStack(folder / "own", durable=False) as own:
        variables = environment(tmp_path / "home") | {
            "CLEARTIDE_POSTGRES_DSN": own.postgres.dsn,
            "CLEARTIDE_NATS_URL": own.nats.url,
            "CLEARTIDE_REDIS_URL": own.valkey.url,
        }
        up = await _make(variables, "up", "DETACH=1")
        assert up.returncode == 0, up.stdout + up.stderr
        try:
            listed = (await _make(variables, "ps")).stdout
            assert not {"postgres", "nats", "valkey"} & {line.split()[0] for line in listed.splitlines()}
            until = time.monotonic() + 60
            while not _ask(variables, "v1/markets/BTC-PERP/trades").get("trades"):
                assert time.monotonic() < until, "nothing traded"
                await asyncio.sleep(0.2)
        finally:
            down = await _make(variables, "down")
        assert down.returncode == 0, down.stderr
        assert not (tmp_path / "home" / "data").exists()
