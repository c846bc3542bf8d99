"""The same fold on a real PostgreSQL: the migrations fit the tables, and the queries tell what the account needs."""

import itertools
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cleartide.service import QueryError
from cleartide.store.asking import ask
from cleartide.store.datasets import archive_closed_days, object_key
from cleartide.store.objects import FolderStore
from cleartide.store.partitions import Partitioned, ensure_days

from services.earnings.app import SERVICE
from services.earnings.queries import QUERIES
from services.earnings.tests.harness import Harness
from services.earnings.tests.model import DAY, START, Venue
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database

AWAY = {"TimeZone": "Pacific/Kiritimati"}


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, SERVICE.fold, SERVICE.migrations)


def two_days() -> Venue:
    """Alice deposits and goes long on day one, holds over midnight, and is paid funding on day two."""
    venue = Venue()
    venue.transfer("alice", 10_000_000)
    venue.mark("BTC-PERP", 1_000)
    venue.trade("BTC-PERP", "alice", "bob", 20, 990, (30, 10))
    venue.at = START + DAY
    venue.mark("BTC-PERP", 1_100)
    venue.fund("BTC-PERP", -50)
    venue.trade("BTC-PERP", "bob", "alice", 5, 1_090, (0, 15))
    venue.mark("BTC-PERP", 1_200)
    return venue


async def test_rows_and_answers_on_a_real_database(schema: ServiceSchema) -> None:
    """EARN-REBUILD-002, EARN-QUERY-001, EARN-QUERY-002, EARN-QUERY-003, EARN-QUERY-004, EARN-TIME-001"""
    events = two_days().events
    await schema.run_trading_epoch(events[:7], 3)
    await schema.run_trading_epoch(events[7:], 2)
    in_memory = Harness()
    in_memory.feed(events)
    await schema.assert_holds(in_memory.tables)
    async with schema.pool() as pool:
        await check_days(pool)
        await check_summary(pool)
        await check_totals(pool)
        await check_months(pool)
    # EARN-TIME-001: where it is fourteen hours later.
    async with asyncpg.create_pool(schema.dsn, min_size=1, max_size=2, server_settings=AWAY) as pool:
        await check_days(pool)
        await check_months(pool)


async def test_months_end_where_the_calendar_says(schema: ServiceSchema) -> None:
    """EARN-TIME-002: the last microsecond of a leap day is February's, where it is March already too."""
    venue = Venue()
    midnight = int(datetime(2028, 2, 29, tzinfo=UTC).timestamp()) * 10**6
    for at in (midnight - 1, midnight, midnight + DAY - 1, midnight + DAY, midnight + 2 * DAY):
        venue.at = at
        venue.transfer("alice", 1_000_000)
    await schema.run_trading_epoch(venue.events, 3)
    for settings in ({}, AWAY):
        async with asyncpg.create_pool(schema.dsn, min_size=1, max_size=1, server_settings=settings) as pool:
            months = (await QUERIES["months"](pool, {"account": "alice"}))["months"]
        assert [(month["month"], month["active_days"], month["flows"]) for month in months] == [
            ("2028-03", 1, "1.000000"),
            ("2028-02", 2, "3.000000"),
        ]


async def test_months_are_read_on_from_where_a_page_ended(schema: ServiceSchema) -> None:
    """EARN-QUERY-005: `before` a month gives the months before it, over the turn of the year too."""
    venue = Venue()
    for month in (11, 12, 13, 14):
        venue.at = int(datetime(2027 + month // 13, (month - 1) % 12 + 1, 3, tzinfo=UTC).timestamp()) * 10**6
        venue.transfer("alice", 1_000_000)
    await schema.run_trading_epoch(venue.events, 1)
    async with schema.pool() as pool:
        for before, told in (("2028-02", ["2028-01", "2027-12"]), ("2028-01", ["2027-12", "2027-11"]), ("2027-11", [])):
            answer = await QUERIES["months"](pool, {"account": "alice", "before": before, "limit": 2})
            assert [month["month"] for month in answer["months"]] == told
        with pytest.raises(QueryError):
            await QUERIES["months"](pool, {"account": "alice", "before": "2028-13"})


class Watched:
    """A connection that notes which partitions of days each question's plan would read."""

    def __init__(self, connection: Any) -> None:
        self.connection, self.read = connection, set[str]()

    async def _note(self, sql: str, arguments: tuple[Any, ...]) -> None:
        plan = await self.connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *arguments)
        self.read |= set(re.findall(r'"Relation Name": "earnings_days_([^"]+)"', plan))

    async def fetch(self, sql: str, *arguments: Any) -> Any:
        await self._note(sql, arguments)
        return await self.connection.fetch(sql, *arguments)

    async def fetchrow(self, sql: str, *arguments: Any) -> Any:
        await self._note(sql, arguments)
        return await self.connection.fetchrow(sql, *arguments)

    def transaction(self, **options: Any) -> Any:
        return self.connection.transaction(**options)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["Watched"]:
        yield self


async def test_questions_read_the_partitions_that_can_hold_their_answer(schema: ServiceSchema) -> None:
    """EARN-PRUNE-001: of 30 days in three months, by their plans; months and a lifetime read none. None is passed over.

    Beside them every plan has the default partition, where rows without a partition of their own would be: none are.
    """
    venue, connection = Venue(), await asyncpg.connect(schema.dsn)
    days = [START + 3 * number * DAY for number in range(30)]
    for day in days:
        venue.at = day + 7
        venue.transfer("alice", 1_000_000)
    names = [f"{datetime.fromtimestamp(day // 10**6, UTC):%Y_%m_%d}" for day in days]
    try:
        await ensure_days(
            connection, Partitioned("earnings_days"), [datetime.fromtimestamp(day // 10**6, UTC) for day in days]
        )
        await schema.run_trading_epoch(venue.events, 5)

        async def asked(query: str, **params: Any) -> tuple[int, set[str]]:
            watched = Watched(connection)
            answer = await QUERIES[query](watched, {"account": "alice", **params})
            return len(answer.get("days") or answer.get("months") or ()), watched.read - {"default"}

        november = [name for name in names if "_11_" in name]
        until = {"from_day": days[names.index(november[0])], "to_day": days[names.index(november[-1])]}
        assert await asked("days", **until) == (10, set(november))
        assert await asked("days", limit=1, to_day=days[2]) == (1, set(names[:3]))
        assert await asked("days", limit=4) == (4, {name for name in names if "_12_" in name})
        assert await asked("days", limit=366) == (30, set(names))
        whole = (await QUERIES["days"](connection, {"account": "alice", "limit": 366}))["days"]
        for last, limit in itertools.product(days[::4], (1, 4, 12)):
            page = await QUERIES["days"](connection, {"account": "alice", "to_day": last, "limit": limit})
            assert page["days"] == [row for row in whole if row["day"] <= last][:limit]
        assert await asked("months") == (3, set())
        assert await asked("summary") == (0, set())
    finally:
        await connection.close()


UNKNOWN: dict[str, dict[str, Any]] = {
    "earnings_accounts": {"weighted_flow_quanta": 0},
    "earnings_days": {"return_1e12": None},
    "earnings_open_days": {},
    "earnings_months": {"return_days": 0, "return_sum": 0, "growth": "1"},
    "earnings_open_months": {"return_days": 0, "return_sum": 0, "growth": "1"},
}
"""What nobody can say of days that were closed before they had returns."""


async def test_days_closed_before_are_put_into_the_form(database: Database, tmp_path: Path) -> None:
    """EARN-FORM-004: the same rows as if they always had been in it, but for returns."""
    for file in sorted(SERVICE.migrations.glob("000[1-5]_*.sql")):
        shutil.copy(file, tmp_path)
    schema, in_memory, venue = await migrated(database, SERVICE.fold, tmp_path), Harness(), two_days()
    for days, amount in ((1, -5), (40, 3), (1, 7)):
        venue.at += days * DAY
        venue.mark("BTC-PERP", 1_250 + days)
        venue.transfer("alice", amount)
    in_memory.feed(venue.events)
    connection = await asyncpg.connect(schema.dsn)
    try:
        for table in list(UNKNOWN)[:3]:
            for row in in_memory.rows(table):
                row["flows_quanta"] = row["deposits_quanta"] - row["withdrawals_quanta"]
                sql = f"INSERT INTO {table} SELECT * FROM json_populate_record(NULL::{table}, $1)"
                await connection.execute(sql, json.dumps(row, default=str))
        await migrated(database, SERVICE.fold, SERVICE.migrations)
        for table, unknown in UNKNOWN.items():
            expected = [{**row, **unknown} for row in in_memory.rows(table)]
            columns = ", ".join(expected[0])
            kept = await connection.fetch(f"SELECT {columns} FROM {table}")
            assert sorted(map(dict, kept), key=repr) == sorted(expected, key=repr), table
    finally:
        await connection.close()


async def test_closed_days_are_archived_once(schema: ServiceSchema, tmp_path: Path) -> None:
    """EARN-ARCHIVE-001, EARN-TIME-001"""
    store, first = FolderStore(tmp_path), datetime.fromtimestamp(START // 10**6, UTC).date()
    connection = await asyncpg.connect(schema.dsn, server_settings=AWAY)
    try:
        await ensure_days(connection, Partitioned("earnings_days"), [datetime.fromtimestamp(START // 10**6, UTC)])
        events = two_days().events
        for part in (events[:6], events[6:]):
            assert await archive_closed_days(connection, store, SERVICE.archived, first + timedelta(days=9)) == []
            await schema.run_trading_epoch(part, 3)
        await connection.execute("UPDATE earnings_clock SET swept = swept - 1")
        assert await archive_closed_days(connection, store, SERVICE.archived, first + timedelta(days=9)) == []
        await connection.execute("UPDATE earnings_clock SET swept = swept + 1")
        written = await archive_closed_days(connection, store, SERVICE.archived, first + timedelta(days=9))
        assert written == [object_key("earnings_days", first)]
        assert await archive_closed_days(connection, store, SERVICE.archived, first + timedelta(days=9)) == []
        figures = "number, account, extract(epoch FROM ts)::bigint, equity_end_quanta, fees_quanta"
        query = f"SELECT {figures} FROM {{}} ORDER BY number"
        kept = await connection.fetch(query.format(f"earnings_days_{first:%Y_%m_%d}"))
    finally:
        await connection.close()
    told = await ask(store, query.format("earnings_days"), {"earnings_days": (first, first)})
    assert told.rows == [tuple(row) for row in kept]
    assert len(kept) == 2


FIRST_DAY = {
    "protocol": "cleartide",
    "asset": "USDC",
    "equity_start": "0.000000",
    "equity_end": "10.019970",
    "flows": "10.000000",
    "deposits": "10.000000",
    "withdrawals": "0.000000",
    "pnl": "0.020000",
    "funding": "0.000000",
    "fees": "0.000030",
    "rebates": "0.000000",
    "yield": "0.000000",
    "earned": "0.020000",
}


async def check_days(pool: Any) -> None:
    answer = await QUERIES["days"](pool, {"account": "alice"})
    today, yesterday = answer["days"]
    assert yesterday == {
        "day": START,
        "date": "2024-10-04",
        **FIRST_DAY,
        "cumulative_earned": "0.020000",
        "cumulative_net": "0.019970",
        "return": "0.001997000000",
        "closed": True,
        "as_of": START + DAY,
    }
    assert (today["day"], today["closed"], today["equity_start"]) == (START + DAY, False, "10.019970")
    assert (today["deposits"], today["cumulative_earned"], today["return"]) == ("0.000000", "0.216000", None)
    only = await QUERIES["days"](pool, {"account": "alice", "from_day": START + DAY + 5, "limit": 10})
    assert only["days"] == [today]
    with pytest.raises(QueryError):
        await QUERIES["days"](pool, {"account": "alice", "limit": 0})
    with pytest.raises(QueryError):
        await QUERIES["days"](pool, {"account": "alice", "from_day": 2 * DAY, "to_day": DAY})


async def check_summary(pool: Any) -> None:
    """Day two: 20 lots gain 100 ticks, 5 of them sold 10 under the mark, 15 gain another 100."""
    answer = await QUERIES["summary"](pool, {"account": "alice"})
    pnl = (20 * 100 - 5 * 10 + 15 * 100) * 100
    equity = 10_019_970 + pnl + 1_000 - 15
    assert answer["equity"] == f"{equity // 10**6}.{equity % 10**6:06}"
    assert answer["open_day"] == {
        "day": START + DAY,
        "equity_start": "10.019970",
        "equity_end": answer["equity"],
        "flows": "0.000000",
        "deposits": "0.000000",
        "withdrawals": "0.000000",
        "pnl": f"0.{pnl:06}",
        "funding": "0.001000",
        "fees": "0.000015",
        "rebates": "0.000000",
        "yield": "0.000000",
        "earned": f"0.{pnl + 1_000:06}",
    }
    assert answer["closed_days"] == 1
    assert answer["lifetime"] == {
        "flows": "10.000000",
        "deposits": "10.000000",
        "withdrawals": "0.000000",
        "pnl": f"0.{pnl + 20_000:06}",
        "funding": "0.001000",
        "fees": "0.000045",
        "rebates": "0.000000",
        "yield": "0.000000",
        "earned": f"0.{pnl + 21_000:06}",
    }
    with pytest.raises(QueryError):
        await QUERIES["summary"](pool, {"account": "nobody"})


async def check_totals(pool: Any) -> None:
    answer = await QUERIES["totals"](pool, {})
    (day,) = answer["days"]
    assert (day["day"], day["accounts"]) == (START, 2)
    assert (day["pnl"], day["fees"], day["flows"]) == ("0.000000", "0.000040", "10.000000")


async def check_months(pool: Any) -> None:
    """The open day is of no month yet."""
    (month,) = (await QUERIES["months"](pool, {"account": "alice"}))["months"]
    assert month == {
        "month": "2024-10",
        **FIRST_DAY,
        "active_days": 1,
        "average_apr": "0.728905000",
        "average_apy": "1.071303575",
    }
    with pytest.raises(QueryError):
        await QUERIES["months"](pool, {"account": "alice", "limit": 0})
