"""Hours and days of accounts and markets: what moved, from which source, and what was left at the end."""

import random
from pathlib import Path

import pytest

from services.analytics.app import SERVICE
from services.analytics.domain.account import Inconsistent
from services.analytics.domain.ledger import CLOSES_PER_EVENT
from services.analytics.queries import QUERIES
from services.analytics.tests.harness import Harness
from services.analytics.tests.recount import MIDNIGHT, compare, disturbed
from services.analytics.tests.tape import MARKETS, MINUTE
from services.analytics.tests.venue import DAY, Venue
from tests.support.fold_bench import in_batches
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database

BTC, ETH = MARKETS
HOUR = 60 * MINUTE


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, SERVICE.fold, SERVICE.migrations)


def one_day() -> Venue:
    """Alice buys 5 lots of Bob at 1,000 for a fee of 400 and pays funding; the mark goes to 1,010 and ends at 990."""
    venue = Venue(MIDNIGHT + 10 * HOUR)
    venue.deposit("alice", 10_000_000)
    venue.deal(BTC, 1_000, 5, "alice", "bob", fee=400)
    venue.mark(BTC, 1_010, open_interest=5)
    venue.at += HOUR
    venue.pay_funding(BTC, 1_000_000, 1_010)
    venue.mark(BTC, 990, open_interest=3)
    venue.at = MIDNIGHT + DAY - 1
    venue.mark(ETH, 500)
    return venue


def test_a_day_says_what_was_gained_and_paid_by_source() -> None:
    """ANA-DAY-001: flows, pnl, funding and fees are the day's; equity moved by exactly these."""
    venue, harness = one_day(), Harness()
    venue.at += 1
    venue.mark(ETH, 500)
    harness.feed(venue.events)
    alice, bob = harness.rows("account_days")
    assert (alice["account"], alice["start"], alice["flows"], alice["fees"]) == ("alice", MIDNIGHT, 10_000_000, 400)
    assert (alice["pnl"], alice["funding"]) == (-5 * 10 * 100, -5 * 101)
    assert alice["equity_end"] == 10_000_000 - 5_000 - 505 - 400
    assert (bob["pnl"], bob["funding"], bob["fees"]) == (5_000, 505, -200)
    assert (bob["volume"], bob["trades"]) == (500_000, 1)


def test_a_day_ends_with_its_last_microsecond_in_utc() -> None:
    """ANA-DAY-002: nothing is closed before, everything is with the first event after it."""
    venue, harness = one_day(), Harness()
    harness.feed(venue.events)
    assert harness.rows("account_days") == []
    venue.at += 1
    venue.mark(ETH, 500)
    harness.feed(venue.events[-1:])
    assert [row["start"] for row in harness.rows("account_days")] == [MIDNIGHT, MIDNIGHT]


def test_hours_add_up_to_their_day() -> None:
    """ANA-DAY-003: a day is the sum of its hours, from the first one's beginning to the last one's end."""
    venue, harness = disturbed(60), Harness()
    harness.feed(venue.events)
    hours, days = harness.rows("account_hours"), harness.rows("account_days")
    for day in days:
        inside = [h for h in hours if h["number"] == day["number"] and 0 <= h["start"] - day["start"] < DAY]
        assert inside
        for name in ("flows", "pnl", "funding", "fees", "realized", "volume", "trades"):
            assert sum(hour[name] for hour in inside) == day[name]
        assert (inside[0]["equity_start"], inside[-1]["equity_end"]) == (day["equity_start"], day["equity_end"])


async def test_a_day_of_trades_alone_is_a_day_of_its_market(schema: ServiceSchema) -> None:
    """ANA-DAY-007: no fee, no mark, no funding: what was traded is told all the same, of the market and the venue."""
    venue = Venue(MIDNIGHT)
    venue.deal(BTC, 1_000, 5, "alice", "bob")
    venue.at += DAY
    venue.deal(BTC, 1_010, 4, "alice", "bob")
    await schema.run_trading_epoch(venue.events, 2)
    async with schema.pool() as pool:
        days = (await QUERIES["market_days"](pool, {"market": BTC}))["days"]
        sums = (await QUERIES["venue_days"](pool, {}))["days"]
    assert [(row["day"], row["close"], row["volume"], row["trades"]) for row in days] == [
        (MIDNIGHT + DAY, "101.0", "0.004", 1),
        (MIDNIGHT, "100.0", "0.005", 1),
    ]
    assert [(row["day"], row["trades"], row["traders"]) for row in sums] == [(MIDNIGHT + DAY, 1, 2), (MIDNIGHT, 1, 2)]


@pytest.mark.parametrize("size", [1, 7, 64])
def test_batches_and_restarts_change_nothing(size: int) -> None:
    """ANA-REBUILD-001: also of accounts' hours and days, while they are being closed."""
    events, whole = disturbed(40).events, Harness()
    whole.feed(events)
    parts = Harness()
    for number, batch in enumerate(in_batches(events, size)):
        parts.feed(batch)
        if number % 5 == 0:
            parts.restart()
    assert parts.tables == whole.tables


def test_closing_is_shared_among_events() -> None:
    """ANA-DAY-004: one event closes a bounded number of accounts, at the prices of the boundary."""
    venue, harness = Venue(MIDNIGHT), Harness()
    count = 2 * CLOSES_PER_EVENT + 10
    for number in range(count):
        venue.deposit(f"a{number}", 1_000_000)
    venue.deal(BTC, 1_000, 5, "a0", f"a{count - 1}")
    venue.at += HOUR
    harness.feed(venue.events)
    closed = []
    for mark in (1_100, 1_200, 1_300):
        venue.mark(BTC, mark)
        written = harness.feed(venue.events[-1:])
        closed.append(sum(len(rows) for table, rows in written.rows.items() if table.name == "account_hours"))
    assert closed == [CLOSES_PER_EVENT, CLOSES_PER_EVENT, 10]
    assert harness.rows("account_hours")[-1]["pnl"] == 0


def test_a_fill_or_balance_that_does_not_follow_stops_the_service() -> None:
    """ANA-SAFE-002: a part of the stream is missing, and every figure after it would be wrong."""
    for gone in (-2, -1):
        venue, harness = Venue(MIDNIGHT), Harness()
        venue.deposit("alice", 1_000)
        venue.deal(BTC, 1_000, 5, "alice", "bob")
        harness.feed(venue.events)
        seen = len(venue.events)
        venue.deal(BTC, 1_000, 2, "alice", "bob")
        venue.deposit("alice", 5)
        del venue.events[seen:gone]
        left = [event.model_copy(update={"seq": seen + n}) for n, event in enumerate(venue.events[seen:], 1)]
        venue.deal(BTC, 1_100, 1, "bob", "alice")
        left += [event.model_copy(update={"seq": seen + len(left) + n}) for n, event in enumerate(venue.events[-3:], 1)]
        with pytest.raises(Inconsistent):
            harness.feed(left)


async def test_every_figure_equals_a_naive_recount_of_the_raw_events(schema: ServiceSchema, folder: Path) -> None:
    """ANA-RECOUNT-001, ANA-RECOUNT-002: after corrections and repeats; `make recount` does it with 100,000 of them."""
    equal = await compare(schema, disturbed(250, seed=random.Random(11).randrange(99)), folder)
    assert len(equal) == 12


async def test_days_are_those_of_utc_wherever_the_database_is(
    database: Database, schema: ServiceSchema, folder: Path
) -> None:
    """ANA-TIME-001: where it is fourteen hours later, candles and days still equal the recount."""
    await database.move_to("Pacific/Kiritimati")
    assert len(await compare(schema, disturbed(60), folder)) == 12


async def test_whose_only_trade_was_taken_back_is_no_trader(schema: ServiceSchema) -> None:
    """ANA-DAY-008: volume, trades and traders of the venue's day are all as they hold now."""
    venue = Venue(MIDNIGHT)
    bad = venue.deal(BTC, 1_000, 5, "alice", "bob")
    venue.deal(BTC, 1_000, 3, "carol", "dave")
    venue.at += DAY
    venue.take_back(bad)
    await schema.run_trading_epoch(venue.events, 3)
    async with schema.pool() as pool:
        [_, first] = (await QUERIES["venue_days"](pool, {}))["days"]
    assert (first["volume"], first["trades"], first["traders"], first["accounts"]) == ("0.300000", 1, 2, 4)


async def test_leaders_revenue_and_the_open_day(schema: ServiceSchema) -> None:
    """ANA-DAY-005, ANA-DAY-006: as they are now, with the day that is still open."""
    venue = one_day()
    await schema.run_trading_epoch(venue.events, 3)
    async with schema.pool() as pool:
        (day,) = (await QUERIES["account_days"](pool, {"account": "alice"}))["days"]
        assert (day["closed"], day["pnl"], day["funding"], day["volume"]) == (
            False,
            "-0.005000",
            "-0.000505",
            "0.500000",
        )
        leaders = (await QUERIES["leaderboard"](pool, {"by": "pnl", "days": 1}))["accounts"]
        assert [(row["account"], row["pnl"]) for row in leaders] == [("bob", "0.005000"), ("alice", "-0.005000")]
        (venue_day,) = (await QUERIES["venue_days"](pool, {}))["days"]
        assert (venue_day["fees"], venue_day["referral"], venue_day["revenue"]) == ("0.000200", "0.000100", "0.000100")
        assert (venue_day["traders"], venue_day["trades"], venue_day["volume"]) == (2, 1, "0.500000")
        days = (await QUERIES["market_days"](pool, {"market": BTC}))["days"]
        assert [(d["close"], d["open_interest"], d["open_interest_high"]) for d in days] == [
            ("100.0", "0.003", "0.005")
        ]
        assert (days[0]["funding_ppb"], days[0]["fundings"]) == (1_000_000, 1)
