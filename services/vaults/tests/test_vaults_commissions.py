"""What events brought in over all owners: every fee once, and sums that are those of the fees."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from cleartide.contracts.chain import ChainEvent
from cleartide.service import QueryError

from services.vaults.app import SERVICE
from services.vaults.tests.chain import (
    DAY,
    START,
    claim,
    closing,
    deposit,
    disturbed,
    random_events,
    retract,
    state,
    withdraw,
)
from services.vaults.tests.test_vaults_postgres import fold
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database

SPAN = {"from": START, "to": START + 100 * DAY}


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, SERVICE.fold, SERVICE.migrations)


async def every(pool: Any, **asked: Any) -> list[dict[str, Any]]:
    """All fees, seven to a page."""
    found: list[dict[str, Any]] = []
    while True:
        before = found[-1]["place"] if found else None
        page = (await SERVICE.queries["commissions"](pool, {**asked, "before": before, "limit": 7}))["commissions"]
        found += page
        if len(page) < 7:
            return found


async def sums(pool: Any, by: str, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await SERVICE.queries["commission_sums"](pool, {"by": by, **SPAN, **asked}))["sums"]
    return found


def added(fees: list[dict[str, Any]], by: str) -> dict[tuple[str, ...], tuple[int, int, Decimal]]:
    """Events, owners and fees by hand."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for fee in fees:
        own = {"asset": (), "vault": (fee["vault"],), "owner": (fee["owner"],), "day": (fee["block_time"] // DAY,)}[by]
        groups[(*map(str, own), fee["protocol"], fee["asset"], fee["kind"])].append(fee)
    return {
        key: (len(rows), len({row["owner"] for row in rows}), sum(Decimal(row["fee"]) for row in rows) + Decimal(0))
        for key, rows in groups.items()
    }


def told(rows: list[dict[str, Any]], by: str) -> dict[tuple[str, ...], tuple[int, int, Decimal]]:
    def own(row: dict[str, Any]) -> tuple[str, ...]:
        if by == "day":
            return (str((date.fromisoformat(row["date"]) - date(1970, 1, 1)).days),)
        return () if by == "asset" else (row[by],)

    return {
        (*own(row), row["protocol"], row["asset"], row["kind"]): (row["events"], row["owners"], Decimal(row["fees"]))
        for row in rows
    }


async def test_sums_are_those_of_the_fees_of_what_holds(schema: ServiceSchema) -> None:
    """VLT-FEE-001: 400 events of three weeks, a third late, some twice, some taken back; by each of the four."""
    events = random_events(5, 400, 21, owners=9)
    messages = [*disturbed(events, 5), *closing(events, 100_000)]
    await fold(schema, messages, 100)
    async with schema.pool() as pool:
        fees = await every(pool)
        assert len({(fee["signature"], fee["event_index"]) for fee in fees}) == len(fees) > 50
        for by in ("asset", "vault", "owner", "day"):
            assert told(await sums(pool, by), by) == added(fees, by), by
        usdc = [fee for fee in fees if (fee["protocol"], fee["asset"]) == ("kamino", "USDC")]
        assert await every(pool, protocol="kamino", asset="USDC") == usdc
        assert told(await sums(pool, "day", protocol="kamino", asset="USDC"), "day") == added(usdc, "day")


async def test_what_brought_something_in_is_told_and_nothing_else(schema: ServiceSchema) -> None:
    """VLT-FEE-002: in the asset that it was kept in, the largest first; what is retracted brought nothing."""
    messages: list[ChainEvent] = [
        state(1, START, 10**9, 10**9),
        deposit(2, START + 1, "alice", 100, 99, 1),
        deposit(3, START + DAY, "bob", 300, 297, 3),
        withdraw(4, START + DAY, "bob", 10, 10),
        claim(5, START + DAY, "alice", 1_000, 200),
        deposit(6, START + DAY, "carol", 900, 891, 9),
        retract(7, START + DAY, 6),
    ]
    await fold(schema, messages, 3)
    async with schema.pool() as pool:
        assert [(fee["owner"], fee["kind"], fee["asset"], fee["fee"]) for fee in await every(pool)] == [
            ("alice", "FarmRewardsClaimed", "KMNO", "0.000200"),
            ("bob", "VaultDeposited", "USDC", "0.000003"),
            ("alice", "VaultDeposited", "USDC", "0.000001"),
        ]
        assert [(row["asset"], row["owner"], row["fees"]) for row in await sums(pool, "owner")] == [
            ("KMNO", "alice", "0.000200"),
            ("USDC", "bob", "0.000003"),
            ("USDC", "alice", "0.000001"),
        ]
        assert [(row["date"], row["asset"], row["fees"]) for row in await sums(pool, "day")] == [
            ("2024-10-05", "KMNO", "0.000200"),
            ("2024-10-05", "USDC", "0.000003"),
            ("2024-10-04", "USDC", "0.000001"),
        ]
        early = await sums(pool, "asset", to=START + DAY)
        assert [(row["events"], row["owners"], row["fees"]) for row in early] == [(1, 1, "0.000001")]
        for wrong in ({"by": "luck"}, {"from": 2, "to": 1}):
            with pytest.raises(QueryError):
                await SERVICE.queries["commission_sums"](pool, wrong)
        with pytest.raises(QueryError):
            await SERVICE.queries["commissions"](pool, {"limit": 501})
