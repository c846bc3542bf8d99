"""Whatever happens on the venue, every account's day adds up, and the fast way agrees with the slow one."""

from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from cleartide.contracts import TradingEvent
from cleartide.rules.returns import apy_of_growth_ppb, apy_ppb
from hypothesis import given, settings
from hypothesis import strategies as st

from services.earnings.domain import state as state_module
from services.earnings.tests.harness import Harness
from services.earnings.tests.model import DAY, SYSTEM, UNITS, Eager, Venue
from tests.support.fold_bench import in_batches

ACCOUNTS = ("alice", "bob", "carol", *SYSTEM)
SUMS = ("deposits", "withdrawals", "pnl", "funding", "fees", "rebates", "yield")
AMOUNTS = ("equity_start", "equity_end", "flows", "pnl", "funding", "fees")
FORM = (*AMOUNTS, "deposits", "withdrawals", "cumulative_earned", "cumulative_net")

markets = st.sampled_from(sorted(UNITS))
accounts = st.sampled_from(ACCOUNTS)
prices = st.integers(1, 5_000)
fees = st.integers(-20, 500)
moves = st.one_of(
    st.tuples(st.just("transfer"), accounts, st.integers(-(10**9), 10**9)),
    st.tuples(st.just("mark"), markets, prices),
    st.tuples(st.just("fund"), markets, st.integers(-(10**4), 10**4)),
    st.tuples(st.just("trade"), markets, st.permutations(ACCOUNTS), st.integers(1, 40), prices, fees, fees),
    st.tuples(st.just("wait"), st.sampled_from((1, DAY // 7, DAY // 2, DAY - 1, DAY, 3 * DAY))),
)


def play(script: list[Any]) -> Venue:
    """Let the venue act out a script, and end it with enough events of one later day to close everything."""
    venue = Venue()
    for kind, *rest in script:
        match kind:
            case "transfer":
                venue.transfer(*rest)
            case "mark":
                venue.mark(*rest)
            case "fund":
                venue.fund(*rest)
            case "wait":
                venue.at += rest[0]
            case "trade":
                market, order, lots, price, *paid = rest
                venue.trade(market, order[0], order[1], lots, price, (paid[0], paid[1]))
    venue.at += DAY
    for _ in ACCOUNTS:
        venue.mark("BTC-PERP", 77)
    return venue


def fold(events: list[TradingEvent], *, size: int, restarting: bool) -> Harness:
    harness = Harness()
    for batch in in_batches(events, size):
        harness.feed(batch)
        if restarting:
            harness.restart()
    return harness


def amounts(row: dict[str, Any]) -> dict[str, int]:
    return {name: row[f"{name}_quanta"] for name in AMOUNTS}


@given(st.lists(moves, max_size=60))
@settings(max_examples=150, deadline=None)
def test_every_day_adds_up_to_the_quantum(script: list[Any]) -> None:
    """EARN-DAY-001, EARN-FORM-001, EARN-SYS-001: each row has the identity, and equals eager bookkeeping."""
    events = play(script).events
    harness = fold(events, size=len(events), restarting=False)
    last_day = max(event.occurred_at for event in events) // DAY * DAY
    closed = {key: day for key, day in Eager().run(events).days.items() if key[1] < last_day}
    expected = {key: [*(asdict(day)[name] for name in FORM), day.return_1e12()] for key, day in closed.items()}
    rows = {(row["account"], row["day"]): row for row in harness.closed_rows()}
    told = {key: [*(row[f"{name}_quanta"] for name in FORM), row["return_1e12"]] for key, row in rows.items()}
    assert told == expected
    for row in rows.values():
        day = amounts(row)
        change = day["flows"] + day["pnl"] + day["funding"] - day["fees"]
        assert day["equity_end"] - day["equity_start"] == change
    assert not [row for row in harness.day_rows() if row["account"] in SYSTEM]


@given(st.lists(moves, max_size=40), st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_equity_of_a_closed_day_is_what_the_next_one_starts_with(script: list[Any], size: int) -> None:
    """EARN-DAY-007: days of one account follow each other without a gap in equity."""
    harness = fold(play(script).events, size=size, restarting=False)
    before: dict[str, int] = {}
    for row in harness.day_rows():
        assert row["equity_start_quanta"] == before.get(row["account"], 0)
        before[row["account"]] = row["equity_end_quanta"]


@given(st.lists(moves, max_size=40), st.integers(1, 9), st.sampled_from((1, 2, 256)))
@settings(max_examples=80, deadline=None)
def test_batches_restarts_and_closing_steps_change_nothing(script: list[Any], size: int, closes: int) -> None:
    """EARN-REBUILD-001, EARN-DAY-008: tables are the same however the events were cut and however often we started."""
    events = play(script).events
    whole = fold(events, size=len(events), restarting=False)
    again = fold(events, size=size, restarting=True)
    assert again.tables == whole.tables
    assert again.published == whole.published
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state_module, "CLOSES_PER_EVENT", closes)
        slow = fold(events, size=size, restarting=True)
        steady = fold(events, size=size, restarting=False)
    assert (slow.tables, slow.published) == (steady.tables, steady.published)
    assert slow.closed_rows() == whole.closed_rows()
    assert slow.tables["earnings_totals"] == whole.tables["earnings_totals"]


@given(st.lists(moves, max_size=40))
@settings(max_examples=60, deadline=None)
def test_what_is_told_is_what_is_stored(script: list[Any]) -> None:
    """EARN-DAY-006, EARN-TOTAL-001: each closed row is told exactly once; a day's totals are its sum."""
    events = play(script).events
    harness = fold(events, size=len(events), restarting=False)
    rows = harness.closed_rows()
    told = sorted(harness.published, key=lambda event: (event["account"], event["day"]))
    assert [(event["account"], event["day"], amounts(event)) for event in told] == [
        (row["account"], row["day"], amounts(row)) for row in rows
    ]
    assert [event["seq"] for event in harness.published] == list(range(1, len(rows) + 1))
    totals = {}
    for day in {row["day"] for row in rows}:
        parts = [
            (*amounts(row).values(), row["rebates_quanta"], row["yield_quanta"]) for row in rows if row["day"] == day
        ]
        totals[day,] = (day, len(parts), *(sum(column) for column in zip(*parts, strict=True)))
    assert harness.tables["earnings_totals"] == totals


@given(st.lists(st.one_of(moves, st.tuples(st.just("wait"), st.just(9 * DAY))), max_size=60), st.booleans())
@settings(max_examples=80, deadline=None)
def test_months_are_the_sums_of_their_closed_days(script: list[Any], restarting: bool) -> None:
    """EARN-FORM-002: bounds, sums, active days, and the returns from which APR and APY are made, restarted or not."""
    harness = fold(play(script).events, size=5, restarting=restarting)
    days: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in harness.closed_rows():
        month = datetime.fromtimestamp(row["day"] // 10**6, UTC)
        days.setdefault((row["account"], month.year * 100 + month.month), []).append(row)
    expected = {}
    for key, rows in days.items():
        active = [row for row in rows if any(row[f"{name}_quanta"] for name in (*FORM[:-2], "yield"))]
        returns = [row["return_1e12"] for row in rows if row["return_1e12"] is not None]
        expected[key] = {
            **{f"{name}_quanta": sum(row[f"{name}_quanta"] for row in rows) for name in SUMS},
            "equity_start_quanta": rows[0]["equity_start_quanta"],
            "equity_end_quanta": rows[-1]["equity_end_quanta"],
            "active_days": len(active),
            "return_days": len(returns),
            "return_sum": sum(returns),
            "apy": apy_ppb(returns),
        }
    kept = {}
    for row in (*harness.rows("earnings_months"), *harness.rows("earnings_open_months")):
        row["apy"] = apy_of_growth_ppb(Decimal(row.pop("growth")), row["return_days"])
        kept[row.pop("account"), row.pop("month")] = row
    assert kept == expected
