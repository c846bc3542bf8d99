"""The same fold on a real PostgreSQL: rows equal those in memory, and the questions are answered from them."""

from typing import Any

import pytest
from cleartide.service import QueryError

from services.risk.app import SERVICE
from services.risk.queries import queries
from services.risk.tests.scenario import Scenario
from services.risk.tests.support import Venue
from services.risk.views import account_view, riskiest_first
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database

QUERIES = queries(500)


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, SERVICE.fold, SERVICE.migrations)


async def test_rows_and_answers_on_a_real_database(schema: ServiceSchema) -> None:
    """RISK-DB-005 and the answers below: two epochs in batches leave the rows of one fold in memory."""
    scenario = Scenario(11, markets=4, accounts=20, most_positions=3, assets=5)
    for _ in range(400):
        scenario.step()
    venue = scenario.venue
    venue.commit()
    half = len(venue.heard) // 2
    await schema.run_trading_epoch(venue.heard[:half], 50)
    await schema.run_trading_epoch(venue.heard[half:], 7)
    await schema.assert_holds(venue.tables)
    async with schema.pool() as pool:
        await check_accounts(pool, venue)
        await check_one_account(pool, venue)
        await check_alerts(pool, venue)
        await check_summary(pool, venue)


async def check_accounts(pool: Any, venue: Venue) -> None:
    """RISK-VIEW-005: the list is that of the state in memory at the same event, whole or by level."""
    holders = [account for account in venue.state.accounts.values() if account.positions]
    answer = await QUERIES["accounts"](pool, {"limit": 5})
    assert answer["as_of_seq"] == venue.effects.seq
    assert answer["total"] == answer["considered"] == len(holders)
    assert answer["accounts"] == [account_view(account) for account in riskiest_first(holders)[:5]]
    bad = await QUERIES["accounts"](pool, {"level": "liquidatable"})
    assert bad["total"] == len(bad["accounts"])
    assert {account["level"] for account in bad["accounts"]} == {"liquidatable"}


async def check_one_account(pool: Any, venue: Venue) -> None:
    """RISK-VIEW-006: one account by its id; an unknown one is not found."""
    answer = await QUERIES["account"](pool, {"account": "a3"})
    assert answer == {"as_of_seq": venue.effects.seq, **account_view(venue.state.accounts["a3"])}
    with pytest.raises(QueryError, match="nobody"):
        await QUERIES["account"](pool, {"account": "nobody"})


async def check_alerts(pool: Any, venue: Venue) -> None:
    """RISK-VIEW-007: newest first, or on from a sequence, for all or for one account, inputs included."""
    newest = (await QUERIES["alerts"](pool, {"limit": 3}))["alerts"]
    last = venue.state.alerts
    assert [alert["seq"] for alert in newest] == [last, last - 1, last - 2]
    after = (await QUERIES["alerts"](pool, {"after": last - 2}))["alerts"]
    assert after == newest[1::-1]
    mine = (await QUERIES["alerts"](pool, {"account": "a3", "after": 0, "limit": 500}))["alerts"]
    assert [alert["account_seq"] for alert in mine] == list(range(1, len(mine) + 1))
    shown = await pool.fetchval("SELECT count(*) FROM alert_inputs WHERE alert_seq = $1", last)
    assert len(newest[0]["inputs"]) == shown > 0


async def check_summary(pool: Any, venue: Venue) -> None:
    """RISK-VIEW-008: every account is in one level, every holder with a price in one column."""
    answer = await QUERIES["summary"](pool, {})
    assert sum(answer["levels"].values()) == len(venue.state.accounts)
    assert sum(column["accounts"] for column in answer["histogram"]) == answer["total"]
    assert answer["liquidating"] == sum(account.liquidating for account in venue.state.accounts.values())
