"""From a person's client to the dashboards and out again: the edge, the bus, the service and its database, all real."""

import time

from services.gateway.tests.entrance import Installed, serving
from services.gateway.tests.test_gateway_product import item
from tests.support.installation import Installation


async def test_a_batch_reaches_the_dashboards_and_an_erasure_takes_it_back(installed: Installation) -> None:
    """PROD-WHOLE-001: told over HTTP, twice, seen by oneself and by who reads for the venue; erased, and gone."""
    await installed.start("product")
    async with serving(Installed(installed), installed, gateway_access="demo") as door:
        ann, ben = await door.sign_in(), await door.sign_in()
        now = time.time_ns() // 1_000
        batch = [item("page", 1, now), item("feature", 2, now), item("performance", 3, now), "bad"]
        for _ in range(2):
            status, answer, _ = await ann.ask("POST", "product/events", {"events": batch})
            assert (status, answer["accepted"], len(answer["refused"])) == (202, 3, 1)
        await ben.ask("POST", "product/events", {"events": [item("page", 1, now)]})
        await installed.settled(("product",))
        own = (await ann.ask("GET", "me/product?days=7"))[1]
        assert (own["totals"]["events"], own["totals"]["page_views"], len(own["visits"])) == (3, 1, 1)
        whole = (await door.ask("GET", "product/platform?days=7"))[1]
        assert (whole["totals"]["persons"], whole["totals"]["events"]) == (2, 4)
        assert [(page["name"], page["persons"], page["load_millis"]) for page in whole["pages"]] == [
            ("/risk.html", 2, 120)
        ]
        await ann.ask("DELETE", "me/privacy/recorded")
        await installed.settled(("product",))
        assert (await ann.ask("GET", "me/product?days=30"))[1]["totals"]["events"] == 0
        left = (await door.ask("GET", "product/platform?days=90"))[1]
        assert (left["totals"]["persons"], left["totals"]["events"]) == (1, 1)
    rows = await installed.fetch("product", "SELECT count(*) FROM product_events")
    assert rows[0][0] == 1
