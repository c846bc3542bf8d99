"""Returns, risk and concentration against a second implementation in floats and fractions, and the traps of units."""

import math
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.analytics.app import SERVICE
from services.analytics.domain.account import DAY_MICROS, HOUR_MICROS
from services.analytics.domain.performance import (
    Hour,
    Performance,
    Window,
    allocation,
    by_day,
    last_hours,
    performance,
)
from services.analytics.queries import QUERIES
from services.analytics.tests.recount import MIDNIGHT, disturbed
from services.analytics.tests.test_analytics_days import one_day
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database

EARN = 10**6
NO_RISK_FREE = Decimal(0)


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, SERVICE.fold, SERVICE.migrations)


def days_of(*changes: str) -> list[Window]:
    """Days of these returns; each begins with 1,000 quote and gains by every source, with 500 quote paid in."""
    made = []
    for number, change in enumerate(changes):
        gain = int(Decimal(change) * 1_000 * EARN)
        start, flows = 1_000 * EARN, number % 2 * 500 * EARN
        funding, fees, earned = gain // 3, number * 7, -gain // 5
        pnl = gain - funding + fees - earned
        made.append(
            Window(number * DAY_MICROS, start, start + flows + gain, flows, pnl, funding, fees, Decimal(change), earned)
        )
    return made


def in_floats(days: Sequence[Window], risk_free: float) -> dict[str, float]:
    """The textbook, by the standard library's statistics and floats."""
    r = [float(day.change) for day in days if day.change is not None]
    if not r:
        return {}
    mean, n = statistics.fmean(r), len(r)
    found: dict[str, float] = {"apr": mean * 365, "time_weighted": math.prod(1 + x for x in r) - 1}
    wealth = [math.prod(1 + x for x in r[:end]) for end in range(n + 1)]
    falls = [1 - wealth[end] / max(wealth[: end + 1]) for end in range(n + 1)]
    found["max_drawdown"], found["drawdown"] = max(falls), falls[-1]
    apy = wealth[-1] ** (365 / n) - 1
    found["apy"] = apy
    if n > 1 and (deviation := statistics.stdev(r)) > 1e-12:
        found["volatility"] = deviation * math.sqrt(365)
        found["sharpe"] = (mean * 365 - risk_free) / found["volatility"]
    below = math.sqrt(statistics.fmean(min(x - risk_free / 365, 0.0) ** 2 for x in r)) * math.sqrt(365)
    if below > 1e-12:
        found["sortino"] = (mean * 365 - risk_free) / below
    if max(falls) > 1e-12:
        found["calmar"] = apy / max(falls)
    worst = sorted(r)[: math.ceil(n / 20)]
    found["value_at_risk"] = max(0.0, -worst[-1])
    found["expected_shortfall"] = max(0.0, -statistics.fmean(worst))
    gains = [day.equity_end - day.equity_start - day.flows for day in days]
    if any(gains):
        found["win_rate"] = sum(g > 0 for g in gains) / sum(g != 0 for g in gains)
    if any(gain < 0 for gain in gains):
        found["profit_factor"] = sum(g for g in gains if g > 0) / -sum(g for g in gains if g < 0)
    return found


changes = st.lists(
    st.integers(-900, 900).map(lambda thousandths: str(Decimal(thousandths).scaleb(-3))), min_size=1, max_size=90
)


@settings(max_examples=150, deadline=None)
@given(changes, st.sampled_from(("0", "0.02", "-0.01")))
def test_ratios_equal_the_textbook_in_floats(drawn: list[str], risk_free: str) -> None:
    """ANA-PERF-001: Sharpe, Sortino, Calmar, drawdown, value at risk, expected shortfall, win rate, profit factor."""
    days = days_of(*drawn)
    ours = performance(days, Decimal(risk_free))
    for name, expected in in_floats(days, float(risk_free)).items():
        found = getattr(ours, name)
        if abs(expected) > 1e8:
            assert found is None or abs(found) > 10**7
            continue
        assert found is not None, name
        assert math.isclose(float(found), expected, rel_tol=1e-7, abs_tol=1e-9), (name, found, expected)


hours = st.lists(
    st.tuples(st.integers(0, 200), st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6), st.integers(0, 999)),
    min_size=1,
    max_size=40,
    unique_by=lambda drawn: drawn[0],
)


def history(drawn: list[tuple[int, int, int, int]]) -> list[Hour]:
    """Hours in order, each beginning with what the one before left."""
    made, equity = [], 10**7
    for number, flows, pnl, fees in sorted(drawn):
        after = equity + flows + pnl - fees
        made.append(Hour(number * HOUR_MICROS, equity, after, flows, pnl, 0, fees))
        equity = after
    return made


@settings(max_examples=150, deadline=None)
@given(hours)
def test_a_day_s_return_is_modified_dietz_and_days_add_up(drawn: list[tuple[int, int, int, int]]) -> None:
    """ANA-PERF-002: (E1 - E0 - F) / (E0 + sum of w F), exactly, cut to 12 places; every hour is in one day."""
    series = history(drawn)
    days = by_day(series, series[-1].start)
    flows = sum(h.flows for h in series)
    assert sum(day.gain for day in days) == series[-1].equity_end - series[0].equity_start - flows
    for day in days:
        inside = [h for h in series if day.start <= h.start < day.start + DAY_MICROS]
        end = day.start + DAY_MICROS
        start = inside[0].start if inside and day.equity_start == 0 else day.start
        weights = [Fraction(end - h.start, end - start) for h in inside]
        base = Fraction(day.equity_start) + sum(h.flows * w for h, w in zip(inside, weights, strict=True))
        if base <= 0:
            assert day.change is None
            continue
        assert day.change is not None
        exact = (day.equity_end - day.equity_start - day.flows) / base
        assert abs(Fraction(day.change)) <= abs(exact) < abs(Fraction(day.change)) + Fraction(1, 10**12)


def test_a_day_without_hours_changed_nothing() -> None:
    """ANA-PERF-003: it counts as a day of return zero, not as none."""
    series = [Hour(0, 100, 110, 0, 10, 0, 0), Hour(3 * DAY_MICROS, 110, 99, 0, -11, 0, 0)]
    assert [day.change for day in by_day(series, 3 * DAY_MICROS)] == [Decimal("0.1"), 0, 0, Decimal("-0.1")]


def test_a_return_begins_with_the_first_money() -> None:
    """ANA-PERF-009: who came in the last hour of a month has not had the money for a month."""
    series = [Hour(30 * DAY_MICROS, 0, 990, 1_000, -10, 0, 0)]
    month = last_hours(series, 30 * DAY_MICROS, 30 * 24)
    (day,) = by_day(series, 30 * DAY_MICROS)
    assert month.change == day.change == Decimal("-0.01")


def test_windows_reach_back_in_hours() -> None:
    """ANA-PERF-004: 24 hours are the open hour and the 23 before it."""
    series = [Hour(n * HOUR_MICROS, 100 + n, 101 + n, 0, 1, 0, 0) for n in range(48)]
    day = last_hours(series, 47 * HOUR_MICROS + 5, 24)
    assert (day.start, day.gain, day.equity_start, day.equity_end) == (24 * HOUR_MICROS, 24, 124, 148)
    later = last_hours(series, 100 * HOUR_MICROS, 24)
    assert (later.gain, later.equity_start, later.equity_end, later.change) == (0, 148, 148, Decimal(0))


def test_returns_are_fractions_not_per_cent() -> None:
    """ANA-UNIT-001: ten per cent is 0.1 in every figure of that kind."""
    found = performance(days_of("0.1", "-0.1"), NO_RISK_FREE)
    assert (found.max_drawdown, found.value_at_risk) == (Decimal("0.1"), Decimal("0.1"))
    assert found.time_weighted == Decimal("-0.01")
    assert (found.win_rate, found.profit_factor) == (Decimal("0.5"), Decimal(1))


def test_apr_is_simple_and_apy_compounds() -> None:
    """ANA-UNIT-002: the same days give 36.5 % and 44 %, each under its own name."""
    found = performance(days_of(*["0.001"] * 10), NO_RISK_FREE)
    assert found.apr == Decimal("0.365")
    assert found.apy is not None and Decimal("0.4402") < found.apy < Decimal("0.4403")


def test_a_year_has_365_days_also_when_it_is_a_leap_year() -> None:
    """ANA-UNIT-003: and the 29th of February is a day like any other."""
    leap = datetime(2028, 2, 29, tzinfo=UTC)
    start = int(leap.timestamp()) * 10**6
    series = [Hour(start - DAY_MICROS, 100, 101, 0, 1, 0, 0), Hour(start, 101, 102, 0, 1, 0, 0)]
    dates = [datetime.fromtimestamp(day.start // 10**6, UTC) for day in by_day(series, start + DAY_MICROS)]
    assert [f"{date:%m-%d}" for date in dates] == ["02-28", "02-29", "03-01"]
    assert performance(days_of("0.001"), NO_RISK_FREE).apr == Decimal("0.365")


def test_figures_are_cut_towards_zero_not_rounded() -> None:
    """ANA-UNIT-004: R35."""
    thirds = allocation({"A": 2, "B": -1}, 3)
    assert thirds.shares == {"A": Decimal("0.666666666666"), "B": Decimal("0.333333333333")}
    lost = by_day([Hour(0, 3, 1, 0, -2, 0, 0)], 0)
    assert lost[0].change == Decimal("-0.666666666666")


def test_what_is_not_defined_is_not_a_number() -> None:
    """ANA-PERF-005: no days, no losses, no spread: null, never zero and never an error."""
    assert performance([], NO_RISK_FREE) == Performance(0, *[None] * 13)
    calm = performance(days_of("0.001", "0.001"), NO_RISK_FREE)
    assert (calm.sharpe, calm.sortino, calm.calmar, calm.profit_factor) == (None, None, None, None)
    ruined = performance(days_of("-1"), NO_RISK_FREE)
    assert (ruined.apy, ruined.max_drawdown) == (Decimal(-1), Decimal(1))
    assert performance(days_of("-1.5"), NO_RISK_FREE).apy is None


def test_concentration_and_allocation() -> None:
    """ANA-PERF-006: one market is 1, n equal ones are 1/n; short counts like long."""
    assert allocation({"A": -500}, 100).concentration == 1
    even = allocation({"A": 500, "B": -500, "C": 0}, 500)
    assert (even.gross, even.net, even.leverage) == (1_000, 0, Decimal(2))
    assert (even.concentration, even.diversification) == (Decimal("0.5"), Decimal(1))
    assert allocation({}, 0).concentration is None


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from("ABCDEFGH"), st.integers(-(10**15), 10**15)), st.integers(-(10**15), 10**15))
def test_allocation_equals_the_textbook_in_fractions(values: dict[str, int], equity: int) -> None:
    """ANA-PERF-006: shares, Herfindahl's index, diversification and leverage, exactly, each cut to 12 places."""
    found, gross = allocation(values, equity), sum(abs(value) for value in values.values())
    shares = {market: Fraction(abs(value), gross) for market, value in values.items() if value}
    index, count = sum((share**2 for share in shares.values()), Fraction(0)), len(shares)
    exact: dict[str, tuple[Decimal | None, Fraction | None]] = {
        market: (found.shares.get(market), share) for market, share in shares.items()
    }
    exact["concentration"] = found.concentration, index if shares else None
    spread = (1 - index) / (1 - Fraction(1, count)) if count > 1 else Fraction(0)
    exact["diversification"] = found.diversification, spread if shares else None
    exact["leverage"] = found.leverage, Fraction(gross, equity) if equity > 0 else None
    assert (found.gross, found.net, found.shares.keys()) == (gross, sum(values.values()), shares.keys())
    for name, (ours, theirs) in exact.items():
        assert (ours is None) == (theirs is None), name
        if ours is not None and theirs is not None:
            assert 0 <= theirs - Fraction(ours) < Fraction(1, 10**12), name


async def test_a_portfolio_is_told_as_it_stands(schema: ServiceSchema) -> None:
    """ANA-PERF-007: with the open hour; the same figures as the account's day."""
    await schema.run_trading_epoch(one_day().events, 4)
    async with schema.pool() as pool:
        told = await QUERIES["portfolio"](pool, {"account": "alice"})
        (day,) = (await QUERIES["account_days"](pool, {"account": "alice"}))["days"]
    assert told["days"][0]["day"] == MIDNIGHT
    for name in ("equity_start", "equity_end", "flows", "pnl", "funding", "fees"):
        assert told["days"][0][name] == day[name] == told["windows"]["24h"][name]
    assert told["equity"] == day["equity_end"]
    assert [(p["market"], p["size"], p["value"]) for p in told["positions"]] == [("BTC-PERP", "0.005", "0.495000")]
    assert told["allocation"]["concentration"] == "1.000000000000"


async def test_days_of_a_portfolio_equal_those_of_the_account(schema: ServiceSchema) -> None:
    """ANA-PERF-008: whatever happened; days in which nothing did stand between them."""
    await schema.run_trading_epoch(disturbed(30).events, 100)
    async with schema.pool() as pool:
        told = await QUERIES["portfolio"](pool, {"account": "user-000"})
        days = (await QUERIES["account_days"](pool, {"account": "user-000"}))["days"]
    by_start = {day["day"]: day for day in told["days"]}
    for day in days:
        same = by_start[day["day"]]
        assert [same[n] for n in ("equity_end", "pnl", "fees")] == [day[n] for n in ("equity_end", "pnl", "fees")]
