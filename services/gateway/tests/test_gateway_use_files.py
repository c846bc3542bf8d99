"""How the product is used, as files; and what a browser that is signed in tells of itself."""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec
import pytest
from cleartide.bus.confirm import confirm
from cleartide.bus.nats import NatsBus
from cleartide.bus.provision import ensure_streams
from cleartide.bus.streams import PRODUCT

from services.gateway.tests import browser
from services.gateway.tests.entrance import Entrance, Person, entrance
from services.gateway.tests.support import answering
from services.gateway.tests.test_gateway_product import NOTHING
from services.gateway.tests.test_gateway_product_page import PLATFORM
from tests.support.servers import Broker, Database

VISIT: Final = {
    "day": "2026-11-21",
    "started_at": "2026-11-21T09:00:00+00:00",
    "session": "s1",
    "seconds": 61,
    "pages": 2,
    "entry_page": "/",
    "exit_page": "/x",
}
OWN: Final[dict[str, Any]] = {
    **NOTHING,
    "used": {"feature": [{"name": "export_csv", "events": 2}], "page": [{"name": "/", "events": 1}]},
    "visits": [VISIT],
}
STEPS: Final = [
    {"journey": way["journey"], "completed": way["completed"], **step}
    for way in PLATFORM["journeys"]
    for step in way["steps"]
]
USED: Final = [{"kind": kind, **row} for kind, rows in OWN["used"].items() for row in rows]
FILES: Final[dict[str, list[dict[str, Any]]]] = {
    "product/platform?": PLATFORM["days"],
    "product/platform?table=totals": [PLATFORM["totals"]],
    "product/platform?table=journeys": STEPS,
    **{
        f"product/platform?table={part}": PLATFORM[part]
        for part in ("days", "pages", "features", "actions", "devices", "errors", "metrics")
    },
    "me/product?": [],
    "me/product?table=totals": [OWN["totals"]],
    "me/product?table=used": USED,
    "me/product?table=visits": [VISIT],
}


@pytest.fixture
async def door(database: Database, broker: Broker) -> AsyncIterator[Entrance]:
    async with broker.client("operator") as operator:
        await ensure_streams(NatsBus(operator))
    async with entrance(database, broker, gateway_access="demo") as found:
        yield found


async def read(door: Entrance, person: Person, path: str, folder: Path) -> list[list[dict[str, Any]]]:
    """The rows as CSV tells them, and as Parquet does."""
    whose = person.headers if path.startswith("me/") else {}
    async with door.http.get(f"{door.url}/api/v1/{path}&format=csv", headers=whose) as response:
        assert response.headers["Content-Disposition"].endswith('.csv"')
        lines = list(csv.DictReader(io.StringIO(await response.text())))
    async with door.http.get(f"{door.url}/api/v1/{path}&format=parquet", headers=whose) as response:
        (folder / "rows.parquet").write_bytes(await response.read())
    table = duckdb.read_parquet(str(folder / "rows.parquet"))
    return [lines, [dict(zip(table.columns, row, strict=True)) for row in table.fetchall()]]


async def test_dashboards_of_use_can_be_had_as_files(door: Entrance, broker: Broker, tmp_path: Path) -> None:
    """GW-PROD-006: every part of the platform's dashboard and of one's own, with the figures of the JSON answer."""
    ann = await door.sign_in()
    async with broker.client("product") as product:
        await answering(product, "query.product.platform", {"ok": True, "data": PLATFORM})
        await answering(product, "query.product.person", {"ok": True, "data": OWN})
        for path, told in FILES.items():
            lines, rows = await read(door, ann, path, tmp_path)
            assert rows == told, path
            assert lines == [{name: "" if one is None else str(one) for name, one in row.items()} for row in told], path
        assert (await door.ask("GET", "product/platform?format=csv&table=luck"))[0] == 422
        assert (await door.ask("GET", "me/product?format=csv"))[0] == 401


async def told(broker: Broker) -> list[dict[str, Any]]:
    """What has been told of use, each event once however often it was sent, the oldest first."""
    async with broker.client("operator") as operator:
        found = await NatsBus(operator).read(PRODUCT, 1, 100)
    events = [event for delivery in found for event in msgspec.json.decode(delivery.payload)]
    return list({event["id"]: event for event in events}.values())


@pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium on this machine: the dashboard is not looked at")
async def test_pages_tell_the_use_of_who_is_signed_in(door: Entrance, broker: Broker) -> None:
    """GW-UI-032: of a stranger nothing; then a visit, its pages and files; and nothing more once it is switched off."""
    ann = await door.sign_in()
    waiting = "JSON.parse(sessionStorage.getItem('cleartide.use') ?? '[]')"
    asked = "performance.getEntriesByType('resource').some((one) => one.name.endsWith('/product/events'))"
    async with broker.client("product") as product, browser.browser() as page:
        await answering(product, "query.product.platform", {"ok": True, "data": PLATFORM})
        await answering(product, "query.product.person", {"ok": True, "data": OWN})
        await confirm(product)
        await page.show(f"{door.url}/product.html", width=1200, height=800, theme="light")
        await page.until("document.querySelectorAll('#pages tbody tr').length === 2")
        await page.evaluate("document.querySelector('#pages-csv').click()")
        assert await page.evaluate(f"{waiting}.length") == 0
        await page.come_in(ann.session)
        await page.show(f"{door.url}/product.html", width=1200, height=800, theme="light")
        await page.until("document.querySelectorAll('#visits tbody tr').length === 1")
        await page.evaluate("document.querySelector('#pages-parquet').click()")
        await page.until(f"{waiting}.some((event) => event.kind === 'feature')")
        # Whoever goes on before it was sent sends it from the next page.
        await page.show(f"{door.url}/product.html?next", width=1200, height=800, theme="light")
        await page.until(f"{asked} && {waiting}.length === 0")
        events = await told(broker)
        assert {"SessionStarted", "FeatureUsed", "PageViewed"} <= {event["type"] for event in events}
        assert [event["feature"] for event in events if event["type"] == "FeatureUsed"] == ["export_parquet"]
        assert {event["page"] for event in events if event["type"] == "PageViewed"} == {"/product.html"}
        assert len({event["session"] for event in events}) == 1
        assert all(ann.user not in str(event) for event in events)

        await page.show(f"{door.url}/product.html", width=1200, height=800, theme="light")
        await page.until("document.querySelector('#record').innerText === 'Switch recording off'")
        await page.keep("product-mine")
        await page.evaluate("document.querySelector('#record').click()")
        await page.until("document.querySelector('#record').innerText === 'Switch recording on'")
        before = len(await told(broker))
        await page.show(f"{door.url}/product.html?last", width=1200, height=800, theme="light")
        await page.until(f"{asked} && {waiting}.length === 0")
        assert len(await told(broker)) == before
        assert page.complaints == []
