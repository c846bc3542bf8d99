"""The same fold on a real PostgreSQL, the same days by SQL from the raw events, and what the queries answer."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from cleartide.contracts.chain import FeeConfigUpdated, VaultSwapped
from cleartide.service import QueryError

from services.vaults.app import SERVICE
from services.vaults.recompute import compare
from services.vaults.tests.chain import (
    DAY,
    START,
    Harness,
    brake,
    claim,
    closing,
    delivery,
    deposit,
    disturbed,
    event,
    random_events,
    retract,
    stake,
    state,
    withdraw,
)
from tests.support.fold_bench import in_batches
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, SERVICE.fold, SERVICE.migrations)


async def fold(schema: ServiceSchema, events: list[Any], size: int) -> None:
    clock, messages = START, []
    for each in events:
        clock = max(clock, each.block_time)
        messages.append(delivery(each, clock))
    assert await schema.run_epoch(in_batches(messages, size)) == 0


async def test_sql_from_the_raw_events_gives_every_day_and_month(schema: ServiceSchema) -> None:
    """VLT-SQL-001: 700 events of five weeks, a third late, some twice, some taken back."""
    events = random_events(11, 700, 35, owners=12)
    told = [*disturbed(events, 11), *closing(events, 100_000)]
    await fold(schema, told, 200)
    connection = await asyncpg.connect(schema.dsn)
    try:
        closed_before = max(each.block_time for each in told) // DAY * DAY
        days, months, differences = await compare(connection, closed_before)
        assert differences == []
        assert days > 400
        assert months > 40
        restated = await connection.fetchval("SELECT count(*) FROM vault_days WHERE revision > 0")
        assert restated > 200
    finally:
        await connection.close()


async def test_days_and_months_are_those_of_utc_wherever_the_database_is(
    database: Database, schema: ServiceSchema
) -> None:
    """VLT-TIME-003: where it is fourteen hours later, the recompute and the answers are the same."""
    await database.move_to("Pacific/Kiritimati")
    midnight = int(datetime(2028, 2, 29, tzinfo=UTC).timestamp()) * 1_000_000
    times = (midnight - 1, midnight, midnight + DAY - 1, midnight + DAY)
    told = [deposit(number, at, "alice", 100, 100) for number, at in enumerate(times, start=1)]
    told = [state(10, midnight - DAY, 10**6, 10**6), *told]
    await fold(schema, [*told, *closing(told, 100)], 3)
    async with schema.pool() as pool:
        days = (await SERVICE.queries["days"](pool, {"owner": "alice", "month": "2028-02"}))["days"]
        months = (await SERVICE.queries["months"](pool, {"owner": "alice"}))["months"]
        async with pool.acquire() as connection:
            assert (await compare(connection, midnight + 2 * DAY))[2] == []
    assert [(day["date"], day["deposits"]) for day in days] == [("2028-02-29", "0.000200"), ("2028-02-28", "0.000100")]
    figures = [(month["month"], month["active_days"], month["deposits"]) for month in months]
    assert figures == [("2028-03", 1, "0.000100"), ("2028-02", 2, "0.000300")]
    async with schema.pool() as pool:
        older = await SERVICE.queries["months"](pool, {"owner": "alice", "before": "2028-03"})
        with pytest.raises(QueryError):
            await SERVICE.queries["months"](pool, {"owner": "alice", "before": "March"})
    assert older["months"] == months[1:]


async def test_tables_and_answers_on_a_real_database(schema: ServiceSchema) -> None:
    """VLT-REBUILD-003, VLT-QUERY-001, VLT-VIEW-001, VLT-TVL-001"""
    fees = {"deposit_fee_bps": 0, "withdraw_fee_bps": 0, "management_fee_bps": 0, "performance_fee_bps": 1_000}
    swap = {"swap": "swap_and_deposit", "from_asset": "SOL", "to_asset": "USDC", "slippage_bps": 10}
    amounts = {"amount_in_units": 5, "amount_out_units": 7}
    line = {"vault": "usdc-main", "protocol": "kamino", "asset": "USDC"}
    told = [
        event(FeeConfigUpdated, 1, START, vault="usdc-main", recipient="treasury", **fees),
        state(2, START, 10**9, 10**9),
        deposit(3, START + DAY // 2, "alice", 1_001_000_000, 1_000_000_000, 1_000_000),
        deposit(4, START + DAY // 2, "bob", 500_000_000, 500_000_000),
        deposit(5, START + DAY // 2, "bob", 500_000_000, 500_000_000),
        withdraw(6, START + DAY // 2, "bob", 250_000_000, 250_000_000),
        withdraw(7, START + DAY // 2, "alice", 100_000_000, 100_000_000),
        event(VaultSwapped, 8, START + DAY // 2, **line, owner="alice", **swap, **amounts),
        state(9, START + DAY, 2_727_000_000, 2_700_000_000),
        claim(10, START + DAY, "alice", 4_000_000, 1_000_000),
        stake(11, START + 2 * DAY, "alice", 400_000_000),
    ]
    await fold(schema, told, 4)
    harness = Harness()
    harness.take(*told)
    await schema.assert_holds(harness.tables)
    async with schema.pool() as pool:
        await _check_owner(pool)
        await _check_vaults(pool)


async def test_sums_are_told_to_the_unit_however_large(schema: ServiceSchema) -> None:
    """VLT-VIEW-002: beyond what a number in JSON holds in most languages, 2^53."""
    most, line = 2**53 - 1, {"vault": "usdc-main", "protocol": "kamino", "asset": "USDC"}
    swap = {"swap": "swap_and_deposit", "from_asset": "SOL", "to_asset": "USDC", "slippage_bps": 10}
    amounts = {"amount_in_units": most, "amount_out_units": most}
    told = [state(1, START, most, most)]
    for number, owner in ((2, "alice"), (4, "bob")):
        told.append(deposit(number, START, owner, most, 1))
        told.append(event(VaultSwapped, number + 1, START, **line, owner=owner, **swap, **amounts))
    await fold(schema, told, 2)
    async with schema.pool() as pool:
        (vault,) = (await SERVICE.queries["vaults"](pool, {}))["vaults"]
        (pair,) = (await SERVICE.queries["liquidity"](pool, {}))["pairs"]
    assert (vault["deposits"], vault["total_assets"]) == (str(2 * most), str(most))
    assert (pair["amount_in"], pair["amount_out"], pair["swaps"]) == (str(2 * most), str(2 * most), 2)


async def test_best_and_mean_are_of_the_latest_ten_points(schema: ServiceSchema) -> None:
    """VLT-TVL-002: every ten minutes, after fees; and two vaults' rates weigh by what each holds, losses too."""
    minute, fees = 60_000_000, {"deposit_fee_bps": 0, "withdraw_fee_bps": 0, "management_fee_bps": 0}
    told = [
        event(FeeConfigUpdated, 1, START, vault="usdc-main", recipient="treasury", **fees, performance_fee_bps=1_000),
        state(2, START, 300, 300, lending_apy_bps=1_000, incentives_apy_bps=0),
        state(3, START + 65 * minute, 300, 300, lending_apy_bps=500, incentives_apy_bps=0),
        state(4, START + 95 * minute, 300, 300, lending_apy_bps=500, incentives_apy_bps=0),
        state(5, START + 95 * minute, 100, 100, "usdc-two", lending_apy_bps=-1_001, incentives_apy_bps=0),
    ]
    await fold(schema, told, 2)
    async with schema.pool() as pool:
        (before,) = (await SERVICE.queries["offers"](pool, {"at": START + 90 * minute}))["offers"]
        (after,) = (await SERVICE.queries["offers"](pool, {"at": START + 100 * minute}))["offers"]
    rates = [before[name] for name in ("net_apy", "best_apy", "mean_apy")]
    assert rates == ["0.045000000", "0.090000000", "0.076500000"]
    rates = [after[name] for name in ("raw_apy", "fee_apy", "net_apy")]
    assert rates == ["0.012475000", "0.003750000", "0.008725000"]


async def test_the_history_comes_page_by_page(schema: ServiceSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    """VLT-TVL-003: every point once, whatever a page holds; and a page holds whole instants, of however many vaults."""
    told = [state(day, START + day * DAY, 300 + day, 300, "usdc-main") for day in range(1, 12)]
    told += [state(20 + day, START + day * DAY, 500 + day, 500, "sol-main") for day in range(4, 12)]
    await fold(schema, told, 9)
    span = {"from": START + DAY, "to": START + 11 * DAY + 5}
    async with schema.pool() as pool:
        whole = await SERVICE.queries["history"](pool, span)
        assert ([len(line["points"]) for line in whole["series"]], whole["next"]) == ([11, 8], None)
        assert await paged(pool, {**span, "limit": 3}) == (whole["series"], 4)
        monkeypatch.setattr("services.vaults.offers.MOST_ROWS", 4)
        assert await paged(pool, span) == (whole["series"], 6)
        monkeypatch.setattr("services.vaults.offers.MOST_ROWS", 1)
        assert await paged(pool, span) == (whole["series"], 11)
        long = await SERVICE.queries["history"](pool, {"from": 0, "to": START, "step": 600_000_000})
        assert long["next"] is not None
        with pytest.raises(QueryError, match="limit is 1 to 1000"):
            await SERVICE.queries["history"](pool, {**span, "limit": 1_001})


async def paged(pool: Any, asked: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """The lines of all pages put together, and how many pages there were."""
    lines: dict[tuple[str, str], list[Any]] = {}
    count, before = 0, None
    while count == 0 or before is not None:
        page = await SERVICE.queries["history"](pool, {**asked, "before": before})
        count, before = count + 1, page["next"]
        for line in page["series"]:
            place = line["protocol"], line["asset"]
            lines[place] = line["points"] + lines.get(place, [])
    series = [{"protocol": p, "asset": a, "points": points} for (p, a), points in sorted(lines.items())]
    return series, count


async def test_a_brake_shows_at_once(schema: ServiceSchema) -> None:
    """VLT-BRAKE-001: before the vault's next state; let go again; and as if it had never been if it is retracted."""
    told = [
        state(1, START, 300, 300),
        state(2, START, 300, 300, "usdc-two", lending_apy_bps=100),
        deposit(3, START + 1, "alice", 10, 10),
        brake(4, START + 2, "pause"),
        brake(5, START + 3, "emergency_withdraw"),
    ]
    await fold(schema, told, 2)
    assert await standings(schema, START + 9) == (["paused", "active"], "paused", (2, 1))
    assert await standings(schema, START + 1) == (["paused", "active"], "paused", (2, 0))
    await fold(schema, [brake(6, START + 4, "resume")], 2)
    assert await standings(schema, START + 9) == (["active", "active"], "active", (2, 0))
    await fold(schema, [retract(7, START + 5, 6)], 2)
    assert await standings(schema, START + 9) == (["paused", "active"], "paused", (2, 1))
    await fold(schema, [state(8, START + 6, 300, 300, status="active")], 2)
    assert await standings(schema, START + 9) == (["active", "active"], "active", (2, 0))


async def test_a_state_that_says_no_status_lets_no_brake_go(schema: ServiceSchema) -> None:
    """VLT-BRAKE-002: nor opens what another state has closed; one that says "active" does."""
    await fold(schema, [state(1, START, 300, 300), deposit(2, START, "alice", 10, 10), brake(3, START + 1, "pause")], 2)
    await fold(schema, [state(4, START + 2, 301, 300)], 2)
    assert await standings(schema, START + 9) == (["paused"], "paused", (1, 1))
    await fold(schema, [state(5, START + 3, 302, 300, status="active")], 2)
    assert await standings(schema, START + 9) == (["active"], "active", (1, 0))
    await fold(schema, [state(6, START + 4, 303, 300, status="closed"), state(7, START + 5, 304, 300)], 2)
    assert (await standings(schema, START + 9))[0] == ["closed"]
    assert await standings(schema, START + 3) == (["closed"], "closed", (1, 0))


async def test_the_best_offer_takes_money_in(schema: ServiceSchema) -> None:
    """VLT-BRAKE-001: however well a paused vault pays."""
    told = [
        state(1, START, 300, 300, lending_apy_bps=900),
        state(2, START, 300, 300, "sol-main"),
        brake(3, START, "pause"),
    ]
    await fold(schema, told, 2)
    async with schema.pool() as pool:
        offers = await SERVICE.queries["offers"](pool, {"at": START + 1})
    assert (offers["best"]["asset"], len(offers["offers"])) == ("SOL", 2)


async def standings(schema: ServiceSchema, at: int) -> tuple[list[str], str, tuple[int, int]]:
    """As they are told of vaults, of a position, and of an offer at an instant: (vaults, paused)."""
    ask = SERVICE.queries
    async with schema.pool() as pool:
        vaults = (await ask["vaults"](pool, {}))["vaults"]
        (held,) = (await ask["positions"](pool, {"owner": "alice"}))["positions"]
        (offer,) = (await ask["offers"](pool, {"at": at}))["offers"]
    return [vault["status"] for vault in vaults], held["status"], (offer["vaults"], offer["paused"])


async def _check_owner(pool: Any) -> None:
    ask = SERVICE.queries
    days = (await ask["days"](pool, {"owner": "alice"}))["days"]
    assert [(day["asset"], day["equity_end"], day["earned"], day["fees"]) for day in days] == [
        ("KMNO", "0.000000", "4.000000", "1.000000"),
        ("USDC", "909.000000", "9.000000", "0.000000"),
        ("USDC", "900.000000", "0.000000", "1.000000"),
    ]
    assert days[1]["return"] == "0.010000000000"
    assert days[1]["cumulative_net"] == "8.000000"
    assert len((await ask["days"](pool, {"owner": "alice", "month": "2024-10"}))["days"]) == 3
    assert (await ask["days"](pool, {"owner": "alice", "month": "2024-11"}))["days"] == []
    (usdc,) = (m for m in (await ask["months"](pool, {"owner": "alice"}))["months"] if m["asset"] == "USDC")
    assert (usdc["month"], usdc["active_days"], usdc["deposits"], usdc["equity_end"]) == (
        "2024-10",
        2,
        "1001.000000",
        "909.000000",
    )
    (position,) = (await ask["positions"](pool, {"owner": "alice"}))["positions"]
    assert (position["value"], position["staked_shares"], position["earned_net"]) == (
        "909.000000",
        400_000_000,
        "8.000000",
    )
    assert position["daily_interest"] == "0.149820"
    assert len((await ask["moves"](pool, {"owner": "alice", "limit": 500}))["moves"]) == 5
    for bad in ({"owner": "alice", "limit": 0}, {"owner": "alice", "month": "2024-13"}):
        with pytest.raises(QueryError):
            await ask["days"](pool, bad)
    with pytest.raises(QueryError):
        await ask["positions"](pool, {"owner": "nobody"})


async def _check_vaults(pool: Any) -> None:
    ask = SERVICE.queries
    (vault,) = (await ask["vaults"](pool, {}))["vaults"]
    assert (vault["deposits"], vault["withdrawals"], vault["depositors"]) == ("2001000000", "350000000", 2)
    assert (await ask["liquidity"](pool, {}))["pairs"][0]["swaps"] == 1
    now = await ask["offers"](pool, {"at": START + 2 * DAY})
    assert now["tvl_usd"] == "2727.000000"
    offer = now["offers"][0]
    rates = [offer[name] for name in ("lending_apy", "incentives_apy", "raw_apy", "fee_apy", "net_apy")]
    assert rates == ["0.050000000", "0.012000000", "0.062000000", "0.006200000", "0.055800000"]
    history = await ask["history"](pool, {"from": START, "to": START + 2 * DAY, "step": DAY})
    assert [point["tvl"] for point in history["series"][0]["points"]] == ["1000.000000", "2727.000000", "2727.000000"]
    (chain,) = (await ask["sync"](pool, {}))["chains"]
    assert (chain["events"], chain["slot"], chain["lag_micros"]) == (11, 11, 0)
    notes = (await ask["notes"](pool, {"vault": "usdc-main"}))["notes"]
    assert [note["kind"] for note in notes] == ["FarmRewardsClaimed", "VaultSwapped", "FeeConfigUpdated"]
    with pytest.raises(QueryError):
        await ask["history"](pool, {"from": 0, "to": DAY, "step": 1})
