"""Domain rules R10, R19 and R20 as risk applies them, and mutants that these tests notice."""

import sys

import pytest
from cleartide.contracts import LiquidateAccount, Message, RiskAlertRaised

from services.risk.domain.levels import LEAVE_PPM, Level, next_level
from services.risk.tests.support import Venue
from tests.support.mutation import Mutant, Product, Suite


def told(messages: list[Message]) -> list[tuple[str, str]]:
    """(account, level) of the alerts, in order."""
    return [(message.account, message.level) for message in messages if isinstance(message, RiskAlertRaised)]


def asked(messages: list[Message]) -> list[tuple[str, str]]:
    """(account, market) of the requests, in order."""
    return [(message.account, message.market) for message in messages if isinstance(message, LiquidateAccount)]


@pytest.mark.parametrize(
    ("equity", "level"),
    [
        (1_500_000, 0),
        (1_499_999, 1),
        (1_200_000, 1),
        (1_199_999, 2),
        (1_050_000, 2),
        (1_049_999, 3),
        (1_000_000, 3),
        (999_999, 4),
    ],
)
def test_levels_begin_strictly_below_their_thresholds(equity: int, level: int) -> None:
    """RULE-R10-101: 1.5, 1.2, 1.05 and 1 of a requirement of a million."""
    assert next_level(Level.NONE, equity, 1_000_000) == level


@pytest.mark.parametrize(
    ("level", "kept", "left"), [(1, 1_529_999, 1_530_000), (2, 1_223_999, 1_224_000), (4, 1_019_999, 1_020_000)]
)
def test_a_level_is_left_two_percent_above(level: int, kept: int, left: int) -> None:
    """RULE-R10-102"""
    assert next_level(Level(level), kept, 1_000_000) == level
    assert next_level(Level(level), left, 1_000_000) == level - 1
    assert LEAVE_PPM[Level(level)] == left


def crowd(**cash: int) -> Venue:
    """Each account holds 100 of AAA from 1,000: 5,000 of maintenance at the mark."""
    venue = Venue()
    venue.list_market("AAA")
    venue.list_market("BBB")
    venue.mark("AAA", 1_000)
    venue.mark("BBB", 1_000)
    for name, quanta in cash.items():
        venue.hold(name, "AAA", 100, quote=-100_000, cash=quanta)
    return venue


def test_the_riskiest_account_is_asked_for_first_then_by_name() -> None:
    """RULE-R19-001: health by cross multiplication: a quantum of equity decides, equals go by account id."""
    venue = crowd(c=9_001, b=9_000, a=9_001, d=8_999, e=9_001)
    said = venue.mark("AAA", 950)
    assert [name for name, _ in asked(said)] == ["d", "b", "a", "c", "e"]
    assert [name for name, _ in told(said)] == ["d", "b", "a", "c", "e"]


def test_health_is_compared_as_a_ratio_and_not_by_amounts() -> None:
    """RULE-R19-002: 40 of 50 is healthier than 70 of 100; without a requirement nobody is at risk."""
    venue = crowd(a=9_000)
    venue.hold("big", "AAA", 200, quote=-200_000, cash=17_900)
    assert [name for name, _ in asked(venue.mark("AAA", 950))] == ["big", "a"]


def test_prices_funding_and_configuration_are_scanned() -> None:
    """RULE-R19-003: each of them by itself brings the alert."""
    due = ([("a", "liquidatable")], [("a", "AAA")])
    venue = crowd(a=5_099)
    said = venue.settle_funding("AAA", 1)
    assert (told(said), asked(said)) == due
    venue = crowd(a=5_000)
    said = venue.list_market("AAA", brackets=((None, 100_020_000, 500_000_000),))
    assert (told(said), asked(said)) == due
    venue = crowd(a=5_094)
    said = venue.mark("AAA", 999)
    assert (told(said), asked(said)) == due


@pytest.mark.parametrize(("first", "second", "market"), [(100, 101, "BBB"), (101, 100, "AAA"), (100, 100, "AAA")])
def test_the_position_with_the_largest_requirement_is_named_then_the_market_id(
    first: int, second: int, market: str
) -> None:
    """RULE-R20-001"""
    venue = crowd()
    venue.hold("a", "BBB", second, quote=-1_000 * second, cash=50_000)
    venue.hold("a", "AAA", first, quote=-1_000 * first, cash=50_000)
    assert asked(venue.transfer("a", 9_000)) == [("a", market)]


MUTANTS = (
    Mutant("RULE-R10-101", "Level.WATCH: 1_500_000,", "Level.WATCH: 1_499_999,"),
    Mutant("RULE-R10-101", "Level.WARNING: 1_200_000,", "Level.WARNING: 1_200_001,"),
    Mutant("RULE-R10-101", "Level.CRITICAL: 1_050_000,", "Level.CRITICAL: 1_050_001,"),
    Mutant("RULE-R10-101", "equity_quanta * PPM < threshold_ppm", "equity_quanta * PPM <= threshold_ppm"),
    Mutant(
        "RULE-R10-101", "threshold_ppm * maintenance_margin_quanta", "threshold_ppm * (maintenance_margin_quanta + 1)"
    ),
    Mutant("RULE-R10-102", "(PPM + HYSTERESIS_PPM) // PPM", "(PPM + HYSTERESIS_PPM - 1) // PPM"),
    Mutant("RULE-R19-001", "return (left > right) - (left < right)", "return (left < right) - (left > right)"),
    Mutant(
        "RULE-R19-001",
        "return compare_health(first.margin, second.margin) or by_account",
        "return compare_health(first.margin, second.margin)",
    ),
    Mutant("RULE-R19-001", "return compare_health(first.margin, second.margin) or by_account", "return by_account"),
    Mutant(
        "RULE-R19-002",
        "left, right = first_equity * second_margin, second_equity * first_margin",
        "left, right = first_equity, second_equity",
    ),
    Mutant(
        "RULE-R19-003",
        "maintenance_margin_quanta > 0 and equity_quanta < maintenance_margin_quanta",
        "maintenance_margin_quanta > 0 and equity_quanta + 1 < maintenance_margin_quanta",
    ),
    Mutant(
        "RULE-R20-001",
        "key=lambda margin: (-margin.maintenance_margin_quanta, margin.market)",
        "key=lambda margin: (margin.maintenance_margin_quanta, margin.market)",
    ),
    Mutant(
        "RULE-R20-001",
        "key=lambda margin: (-margin.maintenance_margin_quanta, margin.market)",
        "key=lambda margin: margin.market",
    ),
)
PRODUCT = Product("services/risk/domain", "libs/common/cleartide/rules/margin.py")


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_of_risk_is_noticed(mutant: Mutant) -> None:
    """RULE-MUT-003"""
    with PRODUCT.planted(mutant):
        assert Suite([sys.modules[__name__]]).notices(mutant.criterion), f"{mutant}: survives"
