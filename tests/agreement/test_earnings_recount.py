"""Earnings and a naive recount of raw events in SQL are the same rows."""

from pathlib import Path

from services.analytics.tests.recount import disturbed, twice
from services.earnings.app import SERVICE
from tests.agreement.recount import SPAN, compare
from tests.support.schema import migrated
from tests.support.servers import Database


async def test_days_equal_a_naive_recount_of_corrected_and_repeated_events(database: Database, tmp_path: Path) -> None:
    """EARN-SQL-001, EARN-ONCE-001: row for row after 400 corrections; the same input once more changes nothing."""
    schema = await migrated(database, SERVICE.fold, SERVICE.migrations)
    batches = list(twice(disturbed(400, seed=11, least_referral=0, days=SPAN).events, 90))
    days, months = await compare(schema, batches, tmp_path)
    assert days > 100
    assert months > 100
