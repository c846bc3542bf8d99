"""Domain rule R13: what the index is, and which source is left out for what reason."""

import csv
import gzip
import random
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from cleartide.money import MoneyError
from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.domain.index_markets import IndexMarket, PriceSource
from services.ingestor.domain.index_price import (
    Quote,
    index_price,
    source_ticks,
    ticks_to_text,
    weighted_median,
)

NOW = 1_000_000_000
SECOND = 1_000_000
QUOTES = Path(__file__).parents[4] / "shared/fixtures/market_history/cross_venue_quotes"


def market(*weights: int, min_sources: int = 3, tick_size: str = "0.1") -> IndexMarket:
    sources = tuple(PriceSource(f"venue{number}", "BTCUSDT", "0.1", weight) for number, weight in enumerate(weights))
    return IndexMarket("BTC-PERP", tick_size, sources, min_sources=min_sources)


def at(ticks: int, age: int = 0) -> Quote:
    """A quote whose three prices have `ticks` as their median."""
    return Quote(ticks - 1, ticks + 1, ticks, NOW - age)


def quoted(*quotes: Quote | None) -> dict[tuple[str, str], Quote]:
    return {(f"venue{number}", "BTCUSDT"): quote for number, quote in enumerate(quotes) if quote is not None}


class TestSourcePrice:
    @pytest.mark.parametrize(
        ("bid", "ask", "last", "price"),
        [(100, 102, 101, 101), (100, 102, 90, 100), (100, 102, 110, 102), (100, 102, 100, 100)],
    )
    def test_it_is_the_median_of_bid_ask_and_last(self, bid: int, ask: int, last: int, price: int) -> None:
        """ING-IDX-001"""
        assert source_ticks(Quote(bid, ask, last, 0), "0.1", "0.1") == price

    def test_it_is_floored_to_the_index_tick(self) -> None:
        """ING-IDX-001"""
        assert source_ticks(Quote(1_000, 1_099, 1_099, 0), "0.01", "0.1") == 109
        assert source_ticks(Quote(1_000, 1_001, 1_001, 0), "0.5", "0.1") == 5_005

    def test_without_a_last_trade_there_is_none(self) -> None:
        """ING-IDX-002"""
        assert source_ticks(Quote(100, 102, None, 0), "0.1", "0.1") is None


class TestIndex:
    def test_median_of_three(self) -> None:
        """ING-IDX-003"""
        result = index_price(market(1, 1, 1), quoted(at(1_000), at(1_005), at(1_001)), NOW)
        assert result.ticks == 1_001
        assert [source.rejected for source in result.sources] == ["", "", ""]

    def test_the_heavier_source_decides(self) -> None:
        """ING-IDX-003"""
        assert index_price(market(3, 1, 1), quoted(at(1_000), at(1_005), at(1_001)), NOW).ticks == 1_000

    @pytest.mark.parametrize(("prices", "mean"), [((1_000, 1_004), 1_002), ((1_000, 1_001), 1_001)])
    def test_an_even_split_is_the_mean_half_up(self, prices: tuple[int, int], mean: int) -> None:
        """ING-IDX-004"""
        one, other = prices
        assert index_price(market(1, 1, min_sources=2), quoted(at(one), at(other)), NOW).ticks == mean

    def test_exactly_ten_seconds_is_fresh_and_one_microsecond_more_is_stale(self) -> None:
        """ING-IDX-005"""
        old, older = at(1_000, 10 * SECOND), at(1_000, 10 * SECOND + 1)
        assert index_price(market(1, min_sources=1), quoted(old), NOW).ticks == 1_000
        result = index_price(market(1, min_sources=1), quoted(older), NOW)
        assert (result.ticks, result.sources[0].rejected) == (None, "stale")
        assert result.sources[0].age_micros == 10 * SECOND + 1

    def test_exactly_three_percent_from_the_plain_median_counts_and_more_does_not(self) -> None:
        """ING-IDX-006"""
        for far, rejected in ((10_300, ""), (10_301, "outlier"), (9_700, ""), (9_699, "outlier")):
            result = index_price(market(1, 1, 1), quoted(at(10_000), at(10_000), at(far)), NOW)
            assert result.sources[2].rejected == rejected

    def test_the_plain_median_ignores_weight_and_stale_sources(self) -> None:
        """ING-IDX-006"""
        heavy_and_wrong = quoted(at(10_000), at(10_001), at(10_002), at(20_000), at(30_000, 60 * SECOND))
        result = index_price(market(1, 1, 1, 50, 50), heavy_and_wrong, NOW)
        assert [source.rejected for source in result.sources] == ["", "", "", "outlier", "stale"]

    def test_fewer_than_the_least_number_of_sources_is_stale(self) -> None:
        """ING-IDX-007"""
        assert index_price(market(1, 1, 1), quoted(at(1_000), at(1_000), None), NOW).ticks is None
        assert index_price(market(1, 1, 1, min_sources=2), quoted(at(1_000), at(1_000), None), NOW).ticks == 1_000

    def test_less_than_half_of_all_weight_is_stale(self) -> None:
        """ING-IDX-008"""
        half = market(1, 1, 2, min_sources=2)
        assert index_price(half, quoted(at(1_000), at(1_000), None), NOW).ticks == 1_000
        less = market(1, 1, 3, min_sources=2)
        assert index_price(less, quoted(at(1_000), at(1_000), None), NOW).ticks is None

    def test_a_missing_and_a_crossed_source_are_named(self) -> None:
        """ING-IDX-002"""
        quotes = quoted(None, Quote(1_001, 1_000, 1_000, NOW), Quote(1_000, 1_001, None, NOW))
        result = index_price(market(1, 1, 1), quotes, NOW)
        assert [source.rejected for source in result.sources] == ["missing", "crossed", "missing"]

    def test_a_quote_from_the_future_is_not_older_than_now(self) -> None:
        """ING-IDX-005"""
        assert index_price(market(1, min_sources=1), quoted(at(1_000, -SECOND)), NOW).sources[0].age_micros == 0


PRICES = st.integers(10_000, 10_300)


class TestProperties:
    @given(st.lists(st.tuples(PRICES, st.integers(1, 5)), min_size=3, max_size=9), st.randoms())
    def test_the_order_of_sources_does_not_matter(self, sources: list[tuple[int, int]], shuffle: random.Random) -> None:
        """ING-IDX-009"""
        straight = weighted_median(sources)
        shuffle.shuffle(sources)
        assert weighted_median(sources) == straight

    @given(st.lists(st.tuples(PRICES, st.integers(1, 5)), min_size=1, max_size=9))
    def test_it_splits_the_weight_in_halves(self, sources: list[tuple[int, int]]) -> None:
        """ING-IDX-009"""
        median, total = weighted_median(sources), sum(weight for _, weight in sources)
        assert 2 * sum(weight for price, weight in sources if price < median) <= total
        assert 2 * sum(weight for price, weight in sources if price > median) <= total
        assert min(sources)[0] <= median <= max(sources)[0]

    @given(st.lists(st.tuples(PRICES, st.integers(1, 4)), min_size=1, max_size=8))
    def test_a_weight_is_so_many_equal_sources(self, sources: list[tuple[int, int]]) -> None:
        """ING-IDX-009"""
        spread = [(price, 1) for price, weight in sources for _ in range(weight)]
        assert weighted_median(sources) == weighted_median(spread)

    @given(st.lists(PRICES, min_size=4, max_size=9), st.integers(1, 10**9))
    def test_one_lying_source_cannot_move_it_out_of_the_others_range(self, honest: list[int], lie: int) -> None:
        """ING-IDX-009"""
        quotes = quoted(*(at(price) for price in honest), Quote(lie, lie + 2, lie + 1, NOW))
        ticks = index_price(market(*[1] * (len(honest) + 1)), quotes, NOW).ticks
        assert ticks is not None
        assert min(honest) <= ticks <= max(honest)

    @given(st.lists(st.one_of(st.none(), PRICES), min_size=1, max_size=9))
    def test_every_source_has_its_line_in_the_audit(self, prices: list[int | None]) -> None:
        """ING-IDX-010"""
        asked = market(*[1] * len(prices), min_sources=1)
        result = index_price(asked, quoted(*(None if price is None else at(price) for price in prices)), NOW)
        assert [each.source for each in result.sources] == list(asked.sources)
        assert (result.ticks is None) == (2 * sum(not each.rejected for each in result.sources) < len(prices))


class TestMarkets:
    def test_what_makes_no_sense_is_refused(self) -> None:
        """ING-IDX-011"""
        source = PriceSource("venue", "BTCUSDT", "0.1")
        for make in (
            lambda: PriceSource("venue", "BTCUSDT", "0.1", 0),
            lambda: PriceSource("venue", "BTCUSDT", "0"),
            lambda: IndexMarket("BTC-PERP", "0.1", ()),
            lambda: IndexMarket("BTC-PERP", "0.1", (source, source)),
            lambda: IndexMarket("BTC-PERP", "-1", (source,)),
        ):
            with pytest.raises((ValueError, MoneyError)):
                make()

    def test_the_defaults_are_those_of_the_rule(self) -> None:
        """ING-IDX-011"""
        made = IndexMarket("BTC-PERP", "0.1", (PriceSource("venue", "BTCUSDT", "0.1"),))
        assert (made.min_sources, made.max_age_micros, made.max_deviation_ppb) == (3, 10_000_000, 30_000_000)


@pytest.mark.skipif(not QUOTES.exists(), reason="the recorded market data (../shared/fixtures) is not here")
def test_a_day_of_three_venues_minute_by_minute() -> None:
    """ING-IDX-012: 1,440 minutes of real quotes against an index computed independently (mids, 5 s, two of three)."""
    names = ("binance", "hyperliquid", "kraken_futures")
    sources = tuple(PriceSource(name, "BTC", "0.05") for name in names)
    asked = IndexMarket("BTC-PERP", "0.025", sources, 2, 5 * SECOND, 30_000_000)
    series = {name: quotes_of(name) for name in names}
    with (QUOTES / "expected/index_1m_2026-01-01.csv").open() as file:
        expected = list(csv.DictReader(file))
    assert len(expected) == 1_440
    for row in expected:
        now = int(row["unix_s"])
        quotes = {(name, "BTC"): quote for name in names if (quote := series[name].get(now)) is not None}
        result = index_price(asked, quotes, now * SECOND)
        assert result.ticks is not None
        assert Decimal(ticks_to_text(result.ticks, asked.tick_size)) == Decimal(row["index"])
        assert sum(not each.rejected for each in result.sources) == int(row["fresh_venues"])


def quotes_of(name: str) -> dict[int, Quote]:
    """The quote in force at the last second of each minute of the day; the middle stands for the last trade."""
    newest: dict[int, Quote] = {}
    held: dict[int, Quote] = {}
    with gzip.open(QUOTES / f"{name}_BTC_quotes_2026-01-01.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            second = int(datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC).timestamp())
            bid, ask = (int(Decimal(row[side]) / Decimal("0.05")) for side in ("bid_price", "ask_price"))
            held[second] = Quote(bid, ask, (bid + ask) // 2, second * SECOND)
    start = min(held) // 86_400 * 86_400
    current: Quote | None = None
    for second in range(start, start + 86_400):
        current = held.get(second, current)
        if second % 60 == 59 and current is not None:
            newest[second] = current
    return newest
