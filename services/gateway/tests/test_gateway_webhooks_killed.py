"""The gateway's process killed while it delivers: nothing is lost, and a repeat has the id of the first."""

import asyncio
import json

from cleartide.ops.rebuild import rebuild
from cleartide.store.truth import TruthStore

from services.gateway.notify.addresses import Networks
from services.gateway.notify.desk import WebhookDesk
from services.gateway.tests.receivers import receiver, until
from services.gateway.tests.support import publish_events, trade
from tests.support.installation import Installation

NETWORKS = ["127.0.0.0/8"]
SETTINGS = {"CLEARTIDE_GATEWAY_PORT": "0", "CLEARTIDE_WEBHOOK_NETWORKS": json.dumps(NETWORKS)}


async def test_kill_9_between_the_request_and_its_answer_loses_nothing(installed: Installation) -> None:
    """GW-HOOK-030: every event arrives at least once under its own id, through kills while feeding and delivering.

    And a rebuild of the schema keeps the endpoints and the history.

    Slow: three starts of a whole gateway, the price of really killing it.
    """
    async with (
        TruthStore.open(installed.service_dsn("gateway"), "gateway", connections=2) as store,
        receiver(held=True) as hook,
        installed.client() as client,
    ):
        desk = WebhookDesk(store, Networks(NETWORKS))
        mine = await desk.add_endpoint("a1", hook.url, ["order.filled"])
        await installed.start("gateway", environment=SETTINGS)
        await until_following(installed)
        await publish_events(client, *(trade(seq, 618_000, 1) for seq in range(1, 11)))
        await until(lambda: hook.got)
        installed.processes["gateway"].kill()
        hook.hold.set()
        await publish_events(client, *(trade(seq, 618_000, 1) for seq in range(11, 21)))
        await installed.start("gateway", environment=SETTINGS)
        installed.processes["gateway"].kill()
        await installed.start("gateway", environment=SETTINGS)
        expected = {f"matching-{seq}.0" for seq in range(1, 21)}
        await until(lambda: set(hook.ids) == expected, 60)
        assert hook.ids.count("matching-1.0") >= 2, "the answer to the first was never heard"
        bodies = {(headers["webhook-id"], body) for headers, body in hook.got}
        assert len(bodies) == len(expected), "a repeat is the same, byte for byte"
        assert len(await desk.deliveries("a1", mine["id"], limit=50)) == 20
        installed.stop_services()
        await rebuild(installed.ops, "gateway")
        assert len(await desk.deliveries("a1", mine["id"], limit=50)) == 20, "a rebuild keeps what no stream has"


async def until_following(installed: Installation) -> None:
    """Wait until the gateway has taken its place in the stream: it tells what happens from then on."""
    query = "SELECT set_config('cleartide.actor', 'service', false), (SELECT count(*) FROM notify_places)"
    while (await installed.fetch("gateway", query))[0][1] < 2:  # noqa: ASYNC110 - a server's state is waited for
        await asyncio.sleep(0.02)
