"""The sandbox's markets: recordings that were made, terms, and the orders of each population."""

import gzip
from itertools import pairwise

import pytest
from cleartide.money import Grid
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.markets import MARKETS, Market
from deploy.local.recordings.made import MADE, Maker
from deploy.local.sandbox.market import HALF_PPB, PPB, listed
from deploy.local.sandbox.population import Population, leveraged, makers
from deploy.local.venues import FOLDER, RECORDING
from services.ingestor.simulator.recording import Recording

STEP_NANOS = 10_000_000_000


def moves(recording: Recording) -> list[int]:
    """How far the best bid goes in each ten seconds, in millionths."""
    bids: dict[int, int] = {}
    for line in recording.lines:
        if "@bookTicker" in line.stream:
            bids.setdefault(line.after_ns // STEP_NANOS, int(str(line.body().b).replace(".", "")))
    return [(then - now) * 1_000_000 // now for now, then in pairwise(bids.values())]


def correlation(left: list[int], right: list[int]) -> float:
    pairs = list(zip(left, right, strict=False))
    (x, y) = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
    along = sum((a - x) * (b - y) for a, b in pairs)
    return float(along / (sum((a - x) ** 2 for a, _ in pairs) * sum((b - y) ** 2 for _, b in pairs)) ** 0.5)


def test_recordings_are_made_again_the_same() -> None:
    """DEP-MARKETS-002"""
    source = Recording(RECORDING)
    for own in MADE:
        assert "".join(Maker(own, source).lines()).encode() == gzip.decompress(own.path.read_bytes()), own.symbol


def test_no_chart_is_another_one() -> None:
    """DEP-MARKETS-002: they move together, as markets do, and apart."""
    charts = [moves(Recording(FOLDER / market.recording)) for market in MARKETS]
    for place, chart in enumerate(charts):
        for other in charts[:place]:
            assert -0.5 < correlation(chart, other) < 0.8


def test_every_market_has_terms_of_its_own() -> None:
    """DEP-MARKETS-001: the first bracket is its leverage; no two have a maker or a leveraged account in common."""
    specs = [listed(market) for market in MARKETS]
    assert [spec.market for spec in specs] == ["BTC-PERP", "ETH-PERP", "SOL-PERP"]
    for market, spec in zip(MARKETS, specs, strict=True):
        margins = [(each.initial_margin_ppb, each.maintenance_fraction_ppb) for each in spec.brackets]
        assert margins[0] == (PPB // market.leverage, HALF_PPB)
        assert margins == sorted(margins)
        assert spec.limits is not None and spec.limits.max_leverage == market.leverage
    names = [name for market in MARKETS for name in (*makers(market), *leveraged(market))]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.base)
class TestPopulation:
    @given(mark=st.integers(1_000, 10_000_000))
    def test_quotes_never_cross(self, market: Market, mark: int) -> None:
        """DEP-MARKETS-003: those of all makers together; each has an id of its own."""
        quotes = Population(market, "s", "run").quotes(mark)
        bids = [quote.price_ticks for quote in quotes if quote.side == "buy"]
        asks = [quote.price_ticks for quote in quotes if quote.side == "sell"]
        assert max(bids) < mark < min(asks)
        assert len({quote.client_order_id for quote in quotes}) == len(quotes)

    @given(mark=st.integers(1_000, 10_000_000), count=st.integers(1, 12))
    def test_positions_are_opened_above_maintenance(self, market: Market, mark: int, count: int) -> None:
        """DEP-MARKETS-003: by the first bracket, which they are in; and those below 1.01 fall soon."""
        grid, population = Grid.of(market.tick_size, market.lot_size), Population(market, "s", "run")
        first = listed(market).brackets[0]
        share = first.initial_margin_ppb * first.maintenance_fraction_ppb
        for _ in range(count):
            opening = population.opening("lev-01", mark, grid.quanta_per_lot_tick)
            notional = opening.size_lots * opening.price_ticks * grid.quanta_per_lot_tick
            maintenance = -(-notional * share // PPB**2)
            assert maintenance < opening.deposit_quanta < 4 * maintenance

    def test_the_same_seed_gives_the_same_orders(self, market: Market) -> None:
        """DEP-MARKETS-003"""
        first, again, other = (Population(market, seed, "run") for seed in ("a", "a", "b"))
        told = [[list(each.takes()) for _ in range(20)] for each in (first, again, other)]
        assert told[0] == told[1] != told[2]
