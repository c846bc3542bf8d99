"""Roll-ups, erasure, months and dashboards on a real PostgreSQL, against a count of the events one by one."""

from datetime import UTC, date, datetime
from random import Random
from typing import Any

import asyncpg
import pytest
from cleartide.contracts.product import PersonErased
from cleartide.service import QueryError
from cleartide.store.partitions import days_around, drop_old_months, ensure_days

from services.product.app import KEEP_MONTHS, PARTITIONED, SERVICE
from services.product.domain.events import told_by
from services.product.tests.clients import DAY, START, delivery, moment, person, random_events, recount, said
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, SERVICE.fold, SERVICE.migrations)


async def fold(schema: ServiceSchema, *batches: Any, at: int = START + 2 * DAY) -> None:
    assert await schema.run_epoch([[delivery(batch, at)] for batch in batches]) == 0


async def held(schema: ServiceSchema) -> dict[str, Any]:
    """The roll-ups, in the form of `recount`."""
    async with schema.pool() as pool:
        usage = await pool.fetch("SELECT * FROM usage_days")
        platform = await pool.fetch("SELECT * FROM platform_days")
        buckets = await pool.fetch("SELECT * FROM metric_days")
        visits = await pool.fetch("SELECT * FROM sessions")
    sums = ("events", "valued", "value_sum")
    return {
        "usage": {tuple(r[n] for n in ("person", "day", "kind", "name")): [int(r[n]) for n in sums] for r in usage},
        "platform": {
            tuple(r[n] for n in ("day", "kind", "name")): [int(r[n]) for n in ("persons", *sums)] for r in platform
        },
        "buckets": {(r["day"], r["metric"], r["bucket"]): r["events"] for r in buckets},
        "visits": {(r["person"], r["day"], r["session"]): r for r in visits},
    }


def same(found: dict[str, Any], events: Any) -> None:
    expected = recount(events)
    assert found["usage"] == expected["usage"]
    assert found["platform"] == expected["platform"]
    assert sum(found["buckets"].values()) == sum(expected["values"].values())
    for (day, metric, bucket), _ in found["buckets"].items():
        least, most = (0, 1) if bucket == 0 else (1.1 ** (bucket - 1), 1.1**bucket)
        assert any(
            (day, metric) == key[:2] and least <= key[2] * (1 + 1e-12) < most * (1 + 1e-9) for key in expected["values"]
        )
    assert found["visits"].keys() == expected["visits"].keys()
    for key, visit in found["visits"].items():
        told = sorted(expected["visits"][key], key=lambda event: event.happened_at)
        pages = [told_by(event).name for event in told if told_by(event).kind == "page"]
        times = (moment(told[0].happened_at), moment(told[-1].happened_at))
        assert (visit["started_at"], visit["ended_at"], visit["events"]) == (*times, len(told))
        ends = (pages[0], pages[-1]) if pages else ("", "")
        assert (visit["pages"], visit["entry_page"], visit["exit_page"]) == (len(pages), *ends)
        assert visit["conversions"] == sum(told_by(event)[:1] == ("step",) and event.completes for event in told)


@pytest.mark.parametrize("seed", [1, 2])
async def test_roll_ups_equal_a_recount_whatever_the_order_and_the_repeats(schema: ServiceSchema, seed: int) -> None:
    """PROD-ROLL-001, PROD-ONCE-002: 400 events over the end of a month, a third late, many told again."""
    random = Random(seed)
    events = random_events(seed, 400, 2)
    told = events + random.sample(events, 150)
    random.shuffle(told)
    batches = [told[place : place + 60] for place in range(0, len(told), 60)]
    await fold(schema, *batches)
    found = await held(schema)
    same(found, events)
    await fold(schema, *batches)
    assert await held(schema) == found


async def test_days_are_those_of_utc_wherever_the_database_is(database: Database, schema: ServiceSchema) -> None:
    """PROD-TIME-002: where it is fourteen hours later, over the end of February."""
    await database.move_to("Pacific/Kiritimati")
    events = random_events(4, 200, 2)
    await fold(schema, events)
    same(await held(schema), events)


async def test_an_erased_person_leaves_every_table_and_every_sum(schema: ServiceSchema) -> None:
    """PROD-PRIV-003: what is left is what there would be, had the person never come."""
    events = random_events(3, 300, 2)
    gone = [said(PersonErased, 1, 2, START), said(PersonErased, 2, 5, START)]
    await fold(schema, events[:200], [*gone, *events[200:]])
    kept = [event for event in events if event.person not in {person(2), person(5)}]
    same(await held(schema), kept)
    async with schema.pool() as pool:
        assert await pool.fetchval("SELECT count(*) FROM product_events") == len(kept)


async def test_months_are_made_ahead_and_dropped_when_they_are_old(schema: ServiceSchema) -> None:
    """PROD-MONTH-001: rows lie in their month; the sums without persons outlive it."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    events = random_events(4, 100, 2)
    connection = await asyncpg.connect(schema.dsn)
    try:
        await fold(schema, events[:50])
        for table in PARTITIONED:
            made = await ensure_days(connection, table, days_around(now, table.ahead_days))
            assert made == [f"{table.table}_2026_{month}" for month in ("02", "03", "04")]
        await fold(schema, events[50:])
        for table in PARTITIONED:
            strays = await connection.fetchval(f"SELECT count(*) FROM {table.table}_default")
            assert strays == 0
            assert await connection.fetchval(f"SELECT count(*) FROM {table.table}_2026_02") > 0
        same(await held(schema), events)
        sums = await connection.fetch("SELECT * FROM platform_days ORDER BY day, kind, name")
        for table in PARTITIONED:
            assert await drop_old_months(connection, table, datetime(2027, 3, 31, tzinfo=UTC)) == []
            assert await drop_old_months(connection, table, datetime(2027, 4, 1, tzinfo=UTC)) == [
                f"{table.table}_2026_02"
            ]
        assert KEEP_MONTHS == 13
        assert await connection.fetchval("SELECT count(*) FROM usage_days WHERE day < '2026-03-01'") == 0
        assert await connection.fetch("SELECT * FROM platform_days ORDER BY day, kind, name") == sums
    finally:
        await connection.close()


async def test_dashboards_of_the_platform_and_of_a_person(schema: ServiceSchema) -> None:
    """PROD-DASH-001, PROD-DASH-002: the last 7, 30 or 90 UTC days, today among them, each with a line."""
    events = random_events(5, 400, 2)
    await fold(schema, events)
    ask = SERVICE.queries
    async with schema.pool() as pool:
        for days in (7, 30, 90):
            whole = await ask["platform"](pool, {"days": days, "until": "2026-03-01"})
            assert (len(whole["days"]), whole["to_day"]) == (days, "2026-03-01")
            assert (whole["totals"]["events"], whole["totals"]["persons"]) == (400, 6)
        last = await ask["platform"](pool, {"days": 7, "until": "2026-03-07"})
        expected = recount(events)["platform"][date(2026, 3, 1), "", ""]
        assert (last["days"][0]["persons"], last["days"][0]["events"]) == tuple(expected[:2])
        assert sum(page["events"] for page in whole["pages"]) == whole["totals"]["page_views"]
        assert [step["step"] for step in whole["journeys"][0]["steps"]] == [1, 2, 3]
        assert (whole["pages"][0]["load_millis"], whole["metrics"][0]["p99"] > 2**40) == (1, True)
        own = await ask["person"](pool, {"person": person(1), "days": 30, "until": "2026-03-01"})
        mine = [event for event in events if event.person == person(1)]
        assert own["totals"]["events"] == len(mine)
        assert sum(row["events"] for row in own["used"]["page"]) == own["totals"]["page_views"]
        assert len(own["visits"]) == len(recount(mine)["visits"])
        for bad in ({"days": 8}, {"until": "yesterday"}):
            with pytest.raises(QueryError):
                await ask["platform"](pool, bad)
