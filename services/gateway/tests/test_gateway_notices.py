"""What occurrences are, whom they concern, and when somebody is told: the pure rules."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cleartide.contracts import (
    DelegateChanged,
    LeverageSet,
    LiquidationExecuted,
    MarketStateChanged,
    Message,
    OrderAccepted,
    OrderClosed,
    PositionChanged,
    RiskLimitsSet,
    SubaccountOpened,
    TransferApplied,
    VenueChanged,
)
from cleartide.contracts.examples import EXAMPLES
from cleartide.money import Grid
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.domain.notices import (
    OUTSIDE,
    Choice,
    Notice,
    Profile,
    QuietHours,
    notice_of,
    quiet_until,
    send_at,
    ways,
)
from services.gateway.domain.occurrences import EVERYBODY, KINDS, Occurrence, occurrences
from services.gateway.domain.webhooks import SECOND, Policy, Standing, backoff, outcome_of
from services.gateway.tests.support import alert, trade

GRID = Grid.of("0.1", "0.001")
BERLIN = ZoneInfo("Europe/Berlin")
EVERYWHERE = Profile("a1", {"email": "a@b.example", "push": "topic", "chat": "token"})
HIGH = Notice("risk", "high", "t", "b")


class Btc:
    """Steps of one market; those of others are not known."""

    def price(self, market: str, ticks: int) -> str | None:
        return GRID.price_text(ticks) if market == "BTC-PERP" else None

    def size(self, market: str, lots: int) -> str | None:
        return GRID.size_text(lots) if market == "BTC-PERP" else None


def told(event: Message) -> list[Occurrence]:
    return occurrences(event, Btc())


def changed(event: Message, **fields: Any) -> Message:
    return event.model_copy(update=fields)


def example(contract: type[Message]) -> Message:
    return EXAMPLES[contract]


def test_a_trade_fills_two_orders_and_a_resting_one_is_the_maker() -> None:
    """GW-NOTE-001: an occurrence says what happened in decimals, and its id follows from the event."""
    buy, sell = told(trade(7, 618_000, 20))
    assert (buy.id, buy.kind, buy.account) == ("matching-7.0", "order.filled", "a1")
    assert (sell.id, sell.account) == ("matching-7.1", "a2")
    assert (buy.data["liquidity"], sell.data["liquidity"]) == ("taker", "maker")
    assert (buy.data["price"], buy.data["size"]) == ("61800.0", "0.020")
    assert told(trade(7, 618_000, 20)) == [buy, sell]


@pytest.mark.parametrize(
    ("fill", "after", "kinds"),
    [
        (5, 5, ["position.opened"]),
        (5, 8, []),
        (-3, 5, []),
        (-5, 0, ["position.closed"]),
        (-9, -4, ["position.closed", "position.opened"]),
        (9, 4, ["position.closed", "position.opened"]),
    ],
)
def test_a_position_opens_and_closes_and_turns(fill: int, after: int, kinds: list[str]) -> None:
    """GW-NOTE-002: a position is opened from nothing, closed to nothing, and a turn is both."""
    assert [one.kind for one in told(changed(example(PositionChanged), fill_lots=fill, lots=after))] == kinds


def test_an_order_that_ended_filled_is_no_cancellation() -> None:
    """GW-NOTE-003: an order that ended unfilled is cancelled with its reason; a filled one was told by its trades."""
    closed = example(OrderClosed)
    assert told(changed(closed, unfilled_lots=0)) == []
    [cancelled] = told(changed(closed, unfilled_lots=3, reason="expired"))
    assert (cancelled.kind, cancelled.data["reason"]) == ("order.cancelled", "expired")


def test_every_kind_but_the_price_alert_comes_from_an_event() -> None:
    """GW-NOTE-004: there are thirteen kinds; money that comes adds and money that goes removes."""
    money = example(TransferApplied)
    events = [
        example(OrderAccepted),
        changed(example(OrderClosed), unfilled_lots=1),
        trade(1, 618_000, 1),
        changed(example(PositionChanged), fill_lots=5, lots=5),
        changed(example(PositionChanged), fill_lots=5, lots=0),
        example(LiquidationExecuted),
        changed(money, amount_quanta=1),
        changed(money, amount_quanta=-1),
        example(SubaccountOpened),
        example(LeverageSet),
        example(DelegateChanged),
        example(RiskLimitsSet),
        example(MarketStateChanged),
        changed(example(VenueChanged), scope="venue"),
    ]
    assert {one.kind for event in events for one in told(event)} == {*KINDS} - {"price.alert"}
    assert len(KINDS) == 13


def test_what_is_of_everybody_and_what_is_nobodys_business() -> None:
    """GW-NOTE-005: markets and the venue concern everybody; terms of one account are not told to others."""
    assert told(example(MarketStateChanged))[0].account == EVERYBODY
    assert told(changed(example(VenueChanged), scope="venue"))[0].account == EVERYBODY
    assert told(changed(example(VenueChanged), scope="account:a1")) == []


def test_steps_that_are_not_known_hold_nothing_back() -> None:
    """GW-NOTE-006: an occurrence of a market whose steps are not known yet is told without decimals."""
    assert told(changed(trade(1, 618_000, 1), market="NEW-PERP"))[0].data["price"] is None


def test_every_example_is_understood() -> None:
    """GW-NOTE-007: no event of the contracts is beyond the rules, and what is for people has words."""
    for event in EXAMPLES.values():
        for occurrence in told(event):
            notice = notice_of(occurrence)
            assert notice is None or (notice.title and "None" not in notice.body)


def test_without_a_word_important_things_go_every_way_and_the_rest_stays_in_the_application() -> None:
    """GW-NOTE-010: the default of somebody who has given addresses and no choices."""
    assert ways(EVERYWHERE, HIGH) == ("in_app", *OUTSIDE)
    assert ways(EVERYWHERE, Notice("transaction", "normal", "t", "b")) == ("in_app",)
    assert ways(Profile("a1"), HIGH) == ("in_app",), "no address, no way"


def test_choices_decide_by_type_and_priority_and_urgent_risk_is_always_shown() -> None:
    """GW-NOTE-011: channels are chosen per type from a priority on; an urgent matter of risk cannot be hidden."""
    mine = Profile("a1", EVERYWHERE.addresses, {"risk": Choice(("email",), "high"), "promotion": Choice(())})
    assert ways(mine, HIGH) == ("email",)
    assert ways(mine, Notice("risk", "normal", "t", "b")) == ()
    assert ways(mine, Notice("risk", "urgent", "t", "b")) == ("in_app", "email")
    assert ways(mine, Notice("promotion", "high", "t", "b")) == ()


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-06-10T20:29:59+02:00", "2026-06-10T20:29:59+02:00"),
        ("2026-06-10T22:30:00+02:00", "2026-06-11T07:00:00+02:00"),
        ("2026-06-11T06:59:59+02:00", "2026-06-11T07:00:00+02:00"),
        ("2026-06-11T07:00:00+02:00", "2026-06-11T07:00:00+02:00"),
        ("2026-10-24T23:00:00+02:00", "2026-10-25T07:00:00+01:00"),
        ("2026-03-28T23:00:00+01:00", "2026-03-29T07:00:00+02:00"),
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_wall(at: str, until: str) -> None:
    """GW-NOTE-012: over midnight, to the minute, and on the nights when the clock changes."""
    assert quiet_until(QuietHours(22 * 60 + 30, 7 * 60, BERLIN), micros(at)) == micros(until)


def test_quiet_hours_wake_nobody_but_for_what_is_urgent() -> None:
    """GW-NOTE-013: what is urgent is sent at once, the application shows everything at once, the rest waits."""
    night = micros("2026-06-10T23:00:00+02:00")
    quiet = Profile("a1", EVERYWHERE.addresses, {}, QuietHours(22 * 60, 7 * 60, BERLIN))
    assert send_at(quiet, HIGH, "email", night) == micros("2026-06-11T07:00:00+02:00")
    assert send_at(quiet, HIGH, "in_app", night) == night
    assert send_at(quiet, Notice("risk", "urgent", "t", "b"), "email", night) == night


@given(
    st.integers(0, 1_439),
    st.integers(0, 1_439),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - the strategy wants them so
)
def test_quiet_hours_always_end(begin: int, end: int, zone: str, at: datetime) -> None:
    """GW-NOTE-014: never earlier, at most a day and a changed clock later, and then they are over."""
    quiet, now = QuietHours(begin, end, ZoneInfo(zone)), int(at.replace(tzinfo=UTC).timestamp()) * SECOND
    until = quiet_until(quiet, now)
    assert now <= until <= now + 26 * 3_600 * SECOND
    assert until == now or quiet_until(quiet, until) == until


def test_a_risk_alert_has_the_priority_of_its_level() -> None:
    """GW-NOTE-015: critical wakes, a warning goes out, a resolution is shown."""
    found = [notice_of(told(alert(1, level=level))[0]) for level in ("critical", "warning", "resolved")]
    assert [notice.priority for notice in found if notice] == ["urgent", "high", "normal"]


def test_answers_mean_delivered_again_or_never() -> None:
    """GW-HOOK-001: 2xx is delivered; no answer, 5xx and 429 are tried again; other refusals and redirects are not."""
    policy = Policy(attempts=3)
    assert [outcome_of(status, 1, policy) for status in (200, 204, 299)] == ["delivered"] * 3
    assert [outcome_of(status, 1, policy) for status in (None, 500, 503, 429, 408)] == ["retry"] * 5
    assert [outcome_of(status, 1, policy) for status in (302, 400, 401, 404)] == ["failed"] * 4
    assert outcome_of(410, 1, policy) == "gone"
    assert outcome_of(500, 3, policy) == "failed"


def test_waits_grow_from_a_second_to_an_hour() -> None:
    """GW-HOOK-002: 1, 4, 16, 64 s ... and never more than an hour."""
    assert [backoff(n) // SECOND for n in (1, 2, 3, 4, 5, 6, 7, 30)] == [1, 4, 16, 64, 256, 1_024, 3_600, 3_600]


@given(st.lists(st.tuples(st.sampled_from(["delivered", "retry", "failed"]), st.integers(0, 600)), max_size=60))
def test_an_endpoint_is_switched_off_only_after_failing_often_and_long(history: list[tuple[Any, int]]) -> None:
    """GW-HOOK-003: a short outage switches nothing off, however many attempts it costs; a success forgives all."""
    policy, standing, at = Policy(), Standing(), 0
    for outcome, seconds in history:
        at += seconds * SECOND
        standing = standing.after(outcome, at)
        assert outcome != "delivered" or standing == Standing()
        if standing.is_hopeless(policy, at):
            assert standing.failures >= policy.disable_failures
            assert standing.failing_since is not None
            assert at - standing.failing_since >= policy.disable_after
