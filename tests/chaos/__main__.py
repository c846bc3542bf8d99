"""Command line of the chaos run."""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.local import ports
from deploy.local.postgres import PostgresServer
from deploy.local.valkey import ValkeyServer
from tests.chaos.monkey import EVERYTHING, Monkey
from tests.support.installation import installation


async def _run(kills: int, seed: int, standbys: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="cleartide-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = PostgresServer(folder / "postgres", password="chaos-only", durable=True)
        valkey = ValkeyServer(folder / "valkey", password="chaos-only", durable=False)
        await asyncio.gather(postgres.start(), valkey.start())
        try:
            started = time.monotonic()
            async with installation(folder, postgres, valkey, durable=True) as installed:
                installed.extra_environment["CLEARTIDE_GATEWAY_PORT"] = str(ports.free_port())
                monkey = Monkey(installed, kills, seed, standbys or EVERYTHING, standbys)
                counted = await monkey.run()
            seconds = time.monotonic() - started
            print(f"{kills} kills {dict(monkey.victims)}, {monkey.commands} commands in {seconds:.0f} s")
            print("0 lost, 0 doubled, ledger sums to zero, every schema equals its rebuild")
            print(counted)
        finally:
            await asyncio.gather(postgres.stop(), valkey.stop())


def main() -> None:
    """Exit code 1 when anything is lost, doubled or out of balance."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--standby", nargs="*", default=(), help="kill and freeze these alone, a standby beside each")
    arguments = parser.parse_args()
    asyncio.run(_run(arguments.kills, arguments.seed, arguments.standby))


if __name__ == "__main__":
    main()
