"""Intervals by market, rates that the operator sets, and what each account paid (domain rules R17 and R18)."""

from collections import defaultdict

import pytest
from cleartide.contracts import FundingSet, MarketChanged, Message, PositionChanged, SettleFunding
from cleartide.contracts.types import FundingType
from hypothesis import given, settings
from hypothesis import strategies as st

from services.funding.app import SERVICE
from services.funding.domain.rate import HOUR_MICROS, MINUTE_MICROS
from services.funding.domain.state import Market
from services.funding.queries import QUERIES
from services.funding.tests.support import BTC, ETH, START, Venue, fold_of, market_spec, published, settlements
from services.funding.views import prediction_view
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database

EIGHT: int = 8 * HOUR_MICROS
EIGHT_START = START - START % EIGHT + EIGHT
"""The first end of an eight-hour interval after START."""


def set_rate(venue: Venue, funding_type: FundingType, hourly_ppb: int | None, at: int) -> list[Message]:
    body = {"change_id": 1, "by": "ann", "note": ""}
    return venue.say(FundingSet, at, market=BTC, funding_type=funding_type, hourly_rate_ppb=hourly_ppb, **body)


def change(venue: Venue, seconds: int | None, at: int) -> list[Message]:
    """The market gets another interval."""
    return venue.say(
        MarketChanged,
        at,
        market=BTC,
        spec=market_spec(BTC, funding_interval_seconds=seconds),
        quanta_per_lot_tick=1,
        spec_version=2,
        changed=("funding_interval_seconds",),
        by="",
        note="",
    )


def told(messages: list[Message]) -> list[tuple[str, int, int]]:
    """Settlements as (type, rate, hours)."""
    return [(each.funding_type, each.rate_ppb, each.interval_micros // HOUR_MICROS) for each in settlements(messages)]


def test_fund_mode_001_each_market_has_its_own_interval() -> None:
    """FUND-MODE-001: an hour for one, eight for the other, whatever the setting is."""
    venue = Venue()
    venue.list_market(BTC, EIGHT_START, funding_interval_seconds=28_800)
    venue.list_market(ETH, EIGHT_START, funding_interval_seconds=3_600)
    ended = [venue.tick(ETH, EIGHT_START + hour * HOUR_MICROS) for hour in range(1, 9)]
    assert [[each.market for each in settlements(said)] for said in ended] == [[ETH]] * 7 + [[BTC, ETH]]
    assert {each.interval_micros for each in settlements(ended[7])} == {HOUR_MICROS, EIGHT}


def test_fund_mode_002_eight_hours_pay_the_whole_eight_hour_rate() -> None:
    """FUND-MODE-002: without premium the interest of 0.01 %, in one payment or in eight."""
    venue = Venue()
    venue.list_market(BTC, EIGHT_START, funding_interval_seconds=28_800)
    for hour in range(8):
        at = EIGHT_START + hour * HOUR_MICROS
        venue.sample(BTC, (at - START) // MINUTE_MICROS, 0)
    assert told(venue.tick(BTC, EIGHT_START + EIGHT)) == [("automatic", 100_000, 8)]


def test_fund_mode_003_another_interval_begins_at_the_first_end_that_both_share() -> None:
    """FUND-MODE-003: from one hour to eight at a multiple of eight hours, and back at the next end; none is lost."""
    venue = Venue()
    venue.list_market(BTC, EIGHT_START - 2 * HOUR_MICROS)
    change(venue, 28_800, EIGHT_START - 2 * HOUR_MICROS)
    assert told(venue.tick(BTC, EIGHT_START)) == [("automatic", 0, 1)] * 2
    venue.restart()
    assert told(venue.tick(BTC, EIGHT_START + HOUR_MICROS)) == []
    change(venue, 3_600, EIGHT_START + 2 * HOUR_MICROS)
    assert told(venue.tick(BTC, EIGHT_START + EIGHT)) == [("automatic", 0, 8)]
    assert told(venue.tick(BTC, EIGHT_START + EIGHT + HOUR_MICROS)) == [("automatic", 0, 1)]


def test_fund_mode_004_a_manual_rate_holds_until_it_is_taken_back() -> None:
    """FUND-MODE-004: the premium is told as it was; a restart changes nothing."""
    venue = Venue()
    venue.list_market(BTC)
    venue.sample(BTC, 0, 6_000_000)
    set_rate(venue, "manual", -7_000, START + 1)
    ended = venue.tick(BTC, START + HOUR_MICROS)
    assert told(ended) == [("manual", -7_000, 1)]
    assert published(ended)[0].average_premium_ppb == 100_000
    venue.restart()
    assert told(venue.tick(BTC, START + 2 * HOUR_MICROS)) == [("manual", -7_000, 1)]
    set_rate(venue, "automatic", None, START + 2 * HOUR_MICROS + 1)
    assert told(venue.tick(BTC, START + 3 * HOUR_MICROS)) == [("automatic", 0, 1)]


def test_fund_mode_005_an_emergency_rate_is_for_the_open_interval_alone() -> None:
    """FUND-MODE-005: then what held before holds again, here a manual rate."""
    venue = Venue()
    venue.list_market(BTC)
    set_rate(venue, "manual", 100, START + 1)
    set_rate(venue, "emergency", 0, START + 2)
    venue.restart()
    assert told(venue.tick(BTC, START + HOUR_MICROS)) == [("emergency", 0, 1)]
    assert told(venue.tick(BTC, START + 2 * HOUR_MICROS)) == [("manual", 100, 1)]


def test_fund_mode_006_what_has_ended_by_the_order_s_time_is_paid_as_it_was() -> None:
    """FUND-MODE-006: the order itself is the first event after the end of an hour."""
    venue = Venue()
    venue.list_market(BTC)
    assert told(set_rate(venue, "emergency", 5, START + HOUR_MICROS)) == [("automatic", 0, 1)]
    assert told(venue.tick(BTC, START + 2 * HOUR_MICROS)) == [("emergency", 5, 1)]


@pytest.mark.parametrize(("hourly", "hours", "rate"), [(-7, 1, -7), (3, 8, 24), (-1, 8, -8)])
def test_fund_mode_007_the_prediction_is_the_rate_that_is_set(hourly: int, hours: int, rate: int) -> None:
    """FUND-MODE-007: an hourly rate, times the interval's hours."""
    venue = Venue(hours * HOUR_MICROS)
    venue.list_market(BTC, EIGHT_START)
    set_rate(venue, "manual", hourly, EIGHT_START + 1)
    shown = prediction_view(_market(venue), EIGHT_START + 2)
    assert (shown["funding_type"], shown["predicted_rate_ppb"]) == ("manual", rate)


def _market(venue: Venue) -> Market:
    return venue.state.markets[BTC]


steps = st.lists(
    st.tuples(
        st.sampled_from(["tick", "sample", "manual", "emergency", "automatic", "1h", "8h", "restart"]),
        st.integers(1, 400),
    ),
    min_size=5,
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_fund_mode_008_intervals_follow_each_other_without_gap_whatever_is_set(
    plan: list[tuple[str, int]],
) -> None:
    """FUND-MODE-008: each begins where the one before ended; nothing is settled twice, through restarts."""
    venue, minute, said = Venue(), 0, list[SettleFunding]()
    venue.list_market(BTC)
    for kind, wait in plan:
        minute += wait
        at = START + minute * MINUTE_MICROS
        if kind == "restart":
            venue.restart()
        elif kind == "sample":
            said += settlements(venue.sample(BTC, minute, 1_000))
        elif kind in ("1h", "8h"):
            said += settlements(change(venue, 3_600 if kind == "1h" else 28_800, at))
        elif kind == "tick":
            said += settlements(venue.tick(BTC, at))
        else:
            said += settlements(set_rate(venue, kind, None if kind == "automatic" else wait, at))  # type: ignore[arg-type]
    assert [each.interval_start for each in said[1:]] == [each.interval_start + each.interval_micros for each in said][
        :-1
    ]
    assert all(each.interval_start % each.interval_micros == 0 for each in said)


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, fold_of(), SERVICE.migrations)


def holding(venue: Venue, account: str, lots: int, at: int) -> None:
    figures = dict.fromkeys(("realized_pnl_quanta", "funding_quanta", "fee_quanta", "quote_quanta", "cash_quanta"), 0)
    venue.say(
        PositionChanged,
        at,
        account=account,
        market=BTC,
        trade_id=1,
        fill_lots=1,
        fill_price_ticks=1,
        lots=lots,
        funding_index_quanta=0,
        origin="book",
        **figures,
    )


async def test_fund_mode_009_what_each_account_paid_is_told_interval_by_interval(schema: ServiceSchema) -> None:
    """FUND-MODE-009: by what it held at the settlement; all payments of an interval sum to zero."""
    venue = Venue()
    venue.list_market(BTC)
    plan = [{"ann": 5, "bob": -5}, {}, {"ann": 2, "bob": -4, "cat": 2}, {"ann": 0, "cat": 4}, {"cat": 0, "bob": 0}]
    for hour, changes in enumerate(plan):
        end = START + (hour + 1) * HOUR_MICROS
        for account, lots in changes.items():
            holding(venue, account, lots + 1, end - 2)
            holding(venue, account, lots, end - 1)
        venue.tick(BTC, end)
        venue.settled(BTC, START + hour * HOUR_MICROS, end + 1)
    venue.commit()
    await schema.run_trading_epoch(venue.heard[:9], 2)
    await schema.run_trading_epoch(venue.heard[9:], 50)
    await schema.assert_holds(venue.tables)
    totals: dict[int, int] = defaultdict(int)
    async with schema.pool() as pool:
        for account in ("ann", "bob", "cat"):
            for payment in (await QUERIES["payments"](pool, {"account": account}))["payments"]:
                totals[(payment["interval_start"] - START) // HOUR_MICROS] += round(float(payment["amount"]) * 10**6)
                assert payment["amount"] == f"{-3 * payment['lots'] / 10**6:.6f}"
        ann = (await QUERIES["payments"](pool, {"account": "ann"}))["payments"]
        assert [(each["interval_start"] - START) // HOUR_MICROS for each in ann] == [2, 1, 0]
        assert [each["lots"] for each in ann] == [2, 5, 5]
        older = await QUERIES["payments"](pool, {"account": "ann", "before": ann[0]["interval_start"], "limit": 1})
        assert older["payments"] == ann[1:2]
        assert (await QUERIES["payments"](pool, {"account": "ann", "market": ETH}))["payments"] == []
    assert totals == {0: 0, 1: 0, 2: 0, 3: 0}
