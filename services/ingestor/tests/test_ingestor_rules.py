"""Domain rule R13 at its exact bounds, and mutants of the index that these tests notice."""

import sys

import pytest

from services.ingestor.domain.index_markets import IndexMarket, PriceSource
from services.ingestor.domain.index_price import Quote, index_price, source_ticks, weighted_median
from tests.support.mutation import Mutant, Product, Suite

NOW = 1_000_000_000
SECOND = 1_000_000


def asked(*sources: tuple[int, int, int], min_sources: int = 3) -> tuple[int | None, list[str]]:
    """Index and verdicts of (price in ticks, age in microseconds, weight) each, at one tick for all."""
    market = IndexMarket(
        "BTC-PERP",
        "0.1",
        tuple(PriceSource(f"v{number}", "X", "0.1", weight) for number, (_, _, weight) in enumerate(sources)),
        min_sources=min_sources,
    )
    quotes = {
        (f"v{number}", "X"): Quote(ticks - 1, ticks + 1, ticks, NOW - age)
        for number, (ticks, age, _) in enumerate(sources)
    }
    found = index_price(market, quotes, NOW)
    return found.ticks, [source.rejected for source in found.sources]


@pytest.mark.parametrize(
    ("bid", "ask", "last", "ticks"),
    [(1_000, 1_020, 1_009, 100), (1_000, 1_020, 1_010, 101), (1_011, 1_019, 1_025, 101)],
)
def test_a_source_price_is_a_median_floored_to_index_ticks(bid: int, ask: int, last: int, ticks: int) -> None:
    """RULE-R13-001: venue ticks of 0.01, index ticks of 0.1."""
    assert source_ticks(Quote(bid, ask, last, 0), "0.01", "0.1") == ticks


@pytest.mark.parametrize(("age", "rejected"), [(10 * SECOND, ""), (10 * SECOND + 1, "stale")])
def test_ten_seconds_old_is_fresh_and_a_microsecond_more_is_not(age: int, rejected: str) -> None:
    """RULE-R13-002"""
    ticks, verdicts = asked((1_000, 0, 1), (1_001, 0, 1), (1_002, 0, 1), (1_003, age, 1))
    assert verdicts[3] == rejected
    assert ticks == (1_002 if not rejected else 1_001)


@pytest.mark.parametrize(("price", "rejected"), [(10_300, ""), (10_301, "outlier"), (9_700, ""), (9_699, "outlier")])
def test_three_percent_from_the_plain_median_counts_and_a_tick_more_does_not(price: int, rejected: str) -> None:
    """RULE-R13-003: on both sides; the median of the others is 10,000."""
    _, verdicts = asked(*((10_000, 0, 1),) * 4, (price, 0, 1))
    assert verdicts[4] == rejected


def test_the_plain_median_of_an_even_count_is_a_mean() -> None:
    """RULE-R13-004: of 10,000 and 10,301 it is 10,150.5: 3 % reach from 9,845.985 to 10,455.015."""
    far = [
        asked((10_000, 0, 1), (10_301, 0, 1), (low, 0, 1), (high, 0, 1))[1]
        for low, high in ((9_846, 10_455), (9_845, 10_456))
    ]
    assert far == [["", "", "", ""], ["", "", "outlier", "outlier"]]


@pytest.mark.parametrize(("fresh", "ticks"), [(3, 1_000), (2, None)])
def test_three_sources_are_needed(fresh: int, ticks: int | None) -> None:
    """RULE-R13-005"""
    rows = [(1_000, 0 if number < fresh else 11 * SECOND, 1) for number in range(4)]
    assert asked(*rows)[0] == ticks


@pytest.mark.parametrize(("stale_weight", "ticks"), [(3, 1_000), (4, None)])
def test_half_of_all_weight_is_enough(stale_weight: int, ticks: int | None) -> None:
    """RULE-R13-006: three of six, not three of seven."""
    assert asked(*((1_000, 0, 1),) * 3, (1_000, 11 * SECOND, stale_weight))[0] == ticks


@pytest.mark.parametrize(
    ("prices", "ticks"),
    [
        ([(1_000, 1), (1_001, 1)], 1_001),
        ([(1_000, 2), (1_003, 1), (1_004, 1)], 1_002),
        ([(1_000, 1), (1_004, 2), (1_009, 2)], 1_004),
        ([(1_009, 2), (1_004, 1), (1_000, 2)], 1_004),
        ([(1_000, 3), (1_009, 2)], 1_000),
        ([(1_004, 1), (1_000, 1), (1_009, 1)], 1_004),
    ],
)
def test_the_index_is_a_weighted_median_and_at_an_even_split_the_mean_half_up(
    prices: list[tuple[int, int]], ticks: int
) -> None:
    """RULE-R13-007"""
    assert weighted_median(prices) == ticks


MUTANTS = (
    Mutant(
        "RULE-R13-001",
        "    middle = sorted((quote.bid_ticks, quote.ask_ticks, quote.last_ticks))[1]",
        "    middle = quote.last_ticks",
    ),
    Mutant(
        "RULE-R13-001",
        "return middle * numerator * unit_denominator // (denominator * unit_numerator)",
        "return -(-middle * numerator * unit_denominator // (denominator * unit_numerator))",
    ),
    Mutant(
        "RULE-R13-001",
        "middle * numerator * unit_denominator // (denominator",
        "(2 * middle * numerator * unit_denominator + denominator * unit_numerator) // (2 * denominator",
    ),
    Mutant("RULE-R13-002", "STALE if age > market.max_age_micros", "STALE if age >= market.max_age_micros"),
    Mutant("RULE-R13-002", "STALE if age > market.max_age_micros", "STALE if age > market.max_age_micros + 1"),
    Mutant("RULE-R13-003", "* PPB > twice_median * max_deviation_ppb", "* PPB >= twice_median * max_deviation_ppb"),
    Mutant(
        "RULE-R13-003", "too_far = abs(2 * priced.ticks - twice_median)", "too_far = (2 * priced.ticks - twice_median)"
    ),
    Mutant("RULE-R13-004", "else ordered[half - 1] + ordered[half]", "else 2 * ordered[half]"),
    Mutant("RULE-R13-004", "else ordered[half - 1] + ordered[half]", "else 2 * ordered[half - 1]"),
    Mutant("RULE-R13-005", "len(used) < market.min_sources", "len(used) <= market.min_sources"),
    Mutant("RULE-R13-006", "2 * weight < all_weight", "2 * weight <= all_weight"),
    Mutant("RULE-R13-006", "2 * weight < all_weight", "2 * weight + 1 < all_weight"),
    Mutant(
        "RULE-R13-007",
        "return half_up_div(ticks + ordered[place + 1][0], 2)",
        "return (ticks + ordered[place + 1][0]) // 2",
    ),
    Mutant("RULE-R13-007", "if 2 * cumulated == total:", "if 2 * cumulated == total + 1:"),
    Mutant("RULE-R13-007", "if 2 * cumulated > total:", "if 2 * cumulated >= total - 1:"),
    Mutant("RULE-R13-007", "    ordered = sorted(prices)\n", "    ordered = list(prices)\n"),
)
PRODUCT = Product("services/ingestor/domain")


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_of_the_index_is_noticed(mutant: Mutant) -> None:
    """RULE-MUT-001"""
    with PRODUCT.planted(mutant):
        assert Suite([sys.modules[__name__]]).notices(mutant.criterion), f"{mutant}: survives"
