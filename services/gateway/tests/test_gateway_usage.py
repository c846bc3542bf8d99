"""Metering over real HTTP: every request has its row and its count, and what cannot be written is counted aloud."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cleartide.store.truth import TruthStore
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from services.gateway.metering.meter import HOUR, Meter, Note, counted
from services.gateway.metering.summary import DAY, daily
from services.gateway.tests import browser
from services.gateway.tests.entrance import Entrance, entrance
from services.gateway.tests.test_gateway_operations import with_role
from tests.support.servers import Broker, Database

NOTE = Note(
    at=5,
    user="",
    key="",
    method="GET",
    route="/api/v1/markets",
    status=200,
    micros=7,
    bytes_in=0,
    bytes_out=9,
    ip="",
    error="",
)


@pytest.fixture
async def door(database: Database, broker: Broker) -> AsyncIterator[Entrance]:
    async with entrance(database, broker) as found:
        yield found


async def written(door: Entrance, requests: int) -> None:
    """Wait until so many requests are in the log."""
    deadline = time.monotonic() + 30
    while True:
        [row] = await door.rows("SELECT count(*) AS n FROM request_log LIMIT 1")
        if row["n"] >= requests:
            return
        assert time.monotonic() < deadline, row["n"]
        await asyncio.sleep(0.05)


async def test_every_request_has_its_row_and_its_count(door: Entrance) -> None:
    """GW-USE-001: good, bad and refused requests, of people, keys and strangers, with the error's code."""
    ann, ben = await door.sign_in(), await door.sign_in()
    _, made, _ = await ann.ask("POST", "me/keys", {"name": "n", "scopes": ["account:read"]})
    await asyncio.gather(*(ann.ask("GET", "me") for _ in range(20)))
    await door.ask("GET", "me", X_API_Key=made["key"])
    assert (await ann.ask("PATCH", "me", {"username": "-"}))[0] == 422
    assert (await door.ask("GET", "me"))[0] == 401
    await written(door, 28)
    _, told, _ = await ann.ask("GET", "me/usage?days=2")
    asked = {(row["method"], row["route"], row["requests"]) for row in told["routes"]}
    assert asked == {("GET", "/api/v1/me", 21), ("PATCH", "/api/v1/me", 1), ("POST", "/api/v1/me/keys", 1)}
    assert {row["key_id"]: row["requests"] for row in told["keys"]} == {"": 22, made["id"]: 1}
    [today] = told["days"]
    assert (today["requests"], today["client_errors"], today["server_errors"], today["peak"]) == (23, 1, 0, 23)
    _, failed, _ = await ann.ask("GET", "me/requests?failed=true")
    [line] = failed["requests"]
    assert (line["method"], line["status"], line["error"], line["ip"]) == (
        "PATCH",
        422,
        "invalid_parameter",
        "127.0.0.1",
    )
    assert line["bytes_in"] > 0
    assert line["bytes_out"] > 0
    assert line["micros"] > 0
    _, others, _ = await ben.ask("GET", "me/usage")
    assert others["days"] == [], "what others ask is not told"


async def test_operators_read_everybodys_usage(door: Entrance) -> None:
    """GW-USE-002: of all or of one person, strangers' too; with what was dropped and the cache's own rate."""
    person, auditor = await door.sign_in(), await with_role(door, "auditor")
    assert (await person.ask("GET", "admin/usage"))[0] == 403
    await door.ask("GET", "nowhere")
    await written(door, 6)
    _, told, _ = await auditor.ask("GET", "admin/usage?days=1")
    assert (told["dropped"], set(told["cache"])) == (0, {"hit", "shared", "miss", "bypass", "rate"})
    assert sum(row["requests"] for row in told["keys"]) == sum(day["requests"] for day in told["days"]) >= 6
    _, lines, _ = await auditor.ask("GET", f"admin/requests?whose={person.user}")
    assert [line["status"] for line in lines["requests"]] == [403]


async def test_what_does_not_fit_is_counted_and_nothing_waits(door: Entrance) -> None:
    """GW-USE-003: with a full queue a request goes on at once; the loss is a number, and what was kept is written."""
    meter = Meter(door.truth, registry := CollectorRegistry(), most=10)
    for _ in range(25):
        meter.note(NOTE)
    assert (meter.dropped, registry.get_sample_value("cleartide_usage_dropped_total")) == (15, 15)
    before = (await door.rows("SELECT count(*) AS n FROM request_log WHERE at = 5 LIMIT 1"))[0]["n"]
    await meter.flush()
    [after] = await door.rows("SELECT count(*) AS n FROM request_log WHERE at = 5 LIMIT 1")
    assert (before, after["n"]) == (0, 10)
    [hour] = await door.rows("SELECT requests, micros, slowest FROM usage_hours WHERE hour = 0 LIMIT 2")
    assert tuple(hour) == (10, 70, 7)


async def test_what_could_not_be_written_waits() -> None:
    """GW-USE-004: while the database is away notes are kept, and none is written twice afterwards."""
    async with TruthStore.open("postgresql://nobody@127.0.0.1:1/none", "gateway", connections=1) as store:
        meter = Meter(store, CollectorRegistry())
        meter.note(NOTE)
        for _ in range(2):
            with pytest.raises(OSError):
                await meter.flush()
        assert len(meter._waiting) == 1


@pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium on this machine: nothing is looked at")
async def test_the_page_draws_what_was_asked(door: Entrance) -> None:
    """GW-UI-060: days, routes, keys and the newest requests; one's own, and for an operator everybody's."""
    auditor, person = await with_role(door, "auditor"), await door.sign_in()
    await asyncio.gather(*(person.ask("GET", "me") for _ in range(30)), *(door.ask("GET", "me") for _ in range(5)))
    await auditor.ask("GET", "me")
    await written(door, 40)
    async with browser.browser() as page:
        await page.come_in(auditor.session)
        await page.show(f"{door.url}/usage.html", width=1280, height=800, theme="light")
        await page.until("document.querySelectorAll('#routes tbody tr').length > 0")
        await page.until("document.querySelector('#picture svg') !== null")
        await page.evaluate("document.querySelector('#whose [data-value=admin]').click()")
        await page.until("document.querySelector('#keys').innerText.includes('stranger')")
        await page.until("document.querySelectorAll('#log tbody tr').length > 20")
        await page.keep("usage")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.complaints == []


NOTES = st.lists(
    st.builds(
        Note,
        at=st.integers(0, 3 * DAY),
        user=st.sampled_from(("", "u1", "u2")),
        key=st.sampled_from(("", "k1")),
        method=st.sampled_from(("GET", "POST")),
        route=st.sampled_from(("/a", "/b")),
        status=st.sampled_from((200, 404, 503)),
        micros=st.integers(0, 10**7),
        bytes_in=st.integers(0, 65_536),
        bytes_out=st.integers(0, 10**6),
        ip=st.just("127.0.0.1"),
        error=st.just(""),
    ),
    max_size=60,
)


@given(NOTES)
def test_counts_are_the_logs_own(notes: list[Note]) -> None:
    """GW-USE-005: hours and days add up to the requests, however they fall, and the peak hour is the busiest."""
    rows = counted(notes)
    assert rows == sorted(rows)
    names = ("requests", "client_errors", "server_errors", "bytes_in", "bytes_out", "micros", "slowest")
    hours: dict[int, dict[str, Any]] = {}
    for row in rows:
        held = hours.setdefault(row[0], {"hour": row[0], **dict.fromkeys(names, 0)})
        for name, value in zip(names, row[5:], strict=True):
            held[name] = max(held[name], value) if name == "slowest" else held[name] + value
    days = daily([hours[hour] for hour in sorted(hours)])
    assert sum(day["requests"] for day in days) == len(notes)
    assert sum(day["bytes_out"] for day in days) == sum(note.bytes_out for note in notes)
    for day in days:
        mine = [note for note in notes if note.at // DAY * DAY == day["day"]]
        assert day["client_errors"] == sum(note.status == 404 for note in mine)
        assert day["peak"] == max(sum(other.at // HOUR == note.at // HOUR for other in mine) for note in mine)
