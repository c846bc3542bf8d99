"""A crowd with one Idempotency-Key, over several gateways on one database, before a matching that counts.

`python -m services.gateway.tests.crowd --requests 1000 --gateways 3` starts the servers, lets the crowd in all at once
through HTTP, and says how often the command was given. `test_gateway_door.py` does the same with fewer.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cleartide.bus.confirm import confirm
from nats.aio.client import Client
from nats.aio.msg import Msg

from deploy.local.postgres import PostgresServer
from deploy.local.valkey import ValkeyServer
from services.gateway.tests.entrance import Answered, Entrance, Person, entrance, serving
from tests.support.servers import new_broker, new_database


@dataclass
class Decider:
    """Stands where matching does: hears every request about accounts and answers it, a name `twice` by a refusal."""

    matching: Client
    heard: list[dict[str, Any]] = field(default_factory=list)

    async def listen(self, operator: Client) -> None:
        """Hear from now on."""
        await operator.subscribe("transfers.>", cb=self._decide)
        await confirm(operator)

    async def _decide(self, message: Msg) -> None:
        command = json.loads(message.data)
        self.heard.append(command)
        event = {"type": "SubaccountOpened", "causation_id": command["id"]}
        if command["name"] == "twice":
            event = {"type": "AccountRequestRejected", "causation_id": command["id"], "reason": "account_exists"}
        await self.matching.publish("trading.main", json.dumps([event]).encode())


async def at_once(person: Person, doors: Sequence[Entrance], requests: int) -> list[Answered]:
    """So many requests to open one sub-account, with one key, over all gateways, at once."""
    headers = {**person.headers, "Idempotency_Key": "one"}
    asked = (
        doors[number % len(doors)].ask("POST", "me/accounts", {"name": "hedge"}, **headers)
        for number in range(requests)
    )
    return await asyncio.gather(*asked)


async def _run(requests: int, gateways: int) -> bool:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cleartide-crowd-")))
        folder.chmod(0o755)
        postgres = PostgresServer(folder / "postgres", password="crowd", durable=False)
        valkey = ValkeyServer(folder / "valkey", password="crowd", durable=False)
        for server in (postgres, valkey):
            await server.start()
            stack.push_async_callback(server.stop)
        database = await stack.enter_async_context(new_database(postgres, folder))
        broker = await stack.enter_async_context(new_broker(folder / "nats"))
        doors = [await stack.enter_async_context(entrance(database, broker, redis_url=valkey.url))]
        for _ in range(gateways - 1):
            doors.append(await stack.enter_async_context(serving(database, broker, redis_url=valkey.url)))
        decider = Decider(await stack.enter_async_context(broker.client("matching")))
        await decider.listen(await stack.enter_async_context(broker.client()))
        person = await doors[0].sign_in()
        async with doors[0].truth.acting() as truth:
            await truth.change("users", {"id": person.user}, tier="enterprise")
        began = time.monotonic()
        answers = await at_once(person, doors, requests)
        seconds = time.monotonic() - began
    statuses = Counter(status for status, _, _ in answers)
    told = {body.get("command_id") for _, body, _ in answers}
    print(f"{requests} requests at once over {gateways} gateways, one key: {seconds:.2f} s")
    print(f"commands given: {len(decider.heard)}; answers: {dict(statuses)}; different commands told: {len(told)}")
    return len(decider.heard) == 1 and set(statuses) == {202} and len(told) == 1


def main() -> int:
    """Exit code 1 when the command was given more than once, or somebody was told something else."""
    parser = argparse.ArgumentParser(prog="python -m services.gateway.tests.crowd", description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000)
    parser.add_argument("--gateways", type=int, default=3)
    parsed = parser.parse_args()
    return 0 if asyncio.run(_run(parsed.requests, parsed.gateways)) else 1


if __name__ == "__main__":
    sys.exit(main())
