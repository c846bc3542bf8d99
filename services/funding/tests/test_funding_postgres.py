"""The same fold on a real PostgreSQL: rows equal those in memory, and the questions are answered from them."""

from typing import Any

import pytest
from cleartide.service import QueryError

from services.funding.app import SERVICE
from services.funding.domain.rate import HOUR_MICROS
from services.funding.queries import QUERIES
from services.funding.tests.support import BTC, ETH, START, Venue, fold_of
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, fold_of(), SERVICE.migrations)


def three_hours() -> Venue:
    """Two markets; samples in BTC in the first and third hour, the first hour settled."""
    venue = Venue()
    venue.list_market(BTC)
    venue.list_market(ETH)
    for minute in range(0, 60, 2):
        venue.sample(BTC, minute, 6_000_000)
    venue.tick(ETH, START + HOUR_MICROS)
    venue.settled(BTC, START, START + HOUR_MICROS + 1)
    venue.sample(BTC, 120, 60_000_000)
    return venue


async def test_rows_and_answers_on_a_real_database(schema: ServiceSchema) -> None:
    """FUND-DB-003 and the answers below: two epochs in batches leave the rows of one fold in memory."""
    venue = three_hours()
    venue.restart()
    await schema.run_trading_epoch(venue.heard[:20], 4)
    await schema.run_trading_epoch(venue.heard[20:], 50)
    await schema.assert_holds(venue.tables)
    async with schema.pool() as pool:
        await check_rates(pool)
        await check_predicted(pool)


async def check_rates(pool: Any) -> None:
    """FUND-VIEW-005: a market's rates, newest first, on from an interval, with what matching settled."""
    answer = await QUERIES["rates"](pool, {"market": BTC})
    assert [(rate["interval_start"] - START) // HOUR_MICROS for rate in answer["rates"]] == [1, 0]
    assert [rate["rate"] for rate in answer["rates"]] == ["0.000000000", "0.000312500"]
    assert [rate["settlement"] is not None for rate in answer["rates"]] == [False, True]
    older = await QUERIES["rates"](pool, {"market": BTC, "before": START + HOUR_MICROS, "limit": 1})
    assert older["rates"] == answer["rates"][1:]


async def check_predicted(pool: Any) -> None:
    """FUND-VIEW-006: the open interval of every market; of one with its past rates; an unknown one is not found."""
    answer = await QUERIES["predicted"](pool, {})
    shown = {market["market"]: market for market in answer["markets"]}
    assert (shown[BTC]["samples"], shown[ETH]["samples"]) == (1, 0)
    assert {market["interval_start"] for market in answer["markets"]} == {START + 2 * HOUR_MICROS}
    assert (shown[BTC]["seconds_left"], shown[BTC]["average_premium_ppb"]) == (0, 1_000_000)
    one = await QUERIES["funding"](pool, {"market": BTC, "limit": 1})
    assert {name: one[name] for name in shown[BTC]} == shown[BTC]
    assert (one["rate"], one["predicted_rate"]) == ("0.000000000", "0.000062500")
    assert [rate["interval_start"] for rate in one["rates"]] == [START + HOUR_MICROS]
    with pytest.raises(QueryError, match="XRP-PERP"):
        await QUERIES["funding"](pool, {"market": "XRP-PERP"})
