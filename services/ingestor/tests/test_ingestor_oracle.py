"""Oracles, confidence and fallbacks in the index (domain rule R13 and its guards)."""

from typing import Any

import pytest
from cleartide.contracts import VenueOracle
from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.domain.index_markets import IndexMarket, PriceSource
from services.ingestor.domain.index_price import AnyQuote, IndexPrice, OracleQuote, Quote, index_price, oracle_ticks
from services.ingestor.domain.state import IngestorState
from services.ingestor.handlers import HANDLERS
from services.ingestor.repository import IngestorRepository
from tests.support.fold_bench import RecordingEffects

NOW = 1_723_161_255_000_000
SECOND = 1_000_000
KINDS = {"v": {}, "o": {"oracle": True}, "f": {"fallback": True}, "g": {"oracle": True, "fallback": True}}


def market(kinds: str, *, min_sources: int = 2, **limits: int) -> IndexMarket:
    """One source per letter: v venue, o oracle, f fallback venue, g fallback oracle."""
    sources = tuple(PriceSource(f"s{place}", "BTC", "0.1", **KINDS[kind]) for place, kind in enumerate(kinds))
    return IndexMarket("BTC-PERP", "0.1", sources, min_sources=min_sources, **limits)


def sure(ticks: int, confidence: int = 0, age: int = 0) -> OracleQuote:
    """An oracle's price in tenths, counted in 1e-8."""
    return OracleQuote(ticks * 10**7, confidence, -8, NOW - age)


def book(ticks: int, age: int = 0) -> Quote:
    return Quote(ticks - 1, ticks + 1, ticks, NOW - age)


def index(made: IndexMarket, *quotes: AnyQuote | None) -> IndexPrice:
    given_quotes = {(f"s{place}", "BTC"): quote for place, quote in enumerate(quotes) if quote is not None}
    return index_price(made, given_quotes, NOW)


def rejected(price: IndexPrice) -> list[str]:
    return [source.rejected for source in price.sources]


@pytest.mark.parametrize(
    ("price", "exponent", "tick", "ticks"),
    [(6_349_019, -2, "0.1", 634_901), (63, 3, "0.5", 126_000), (99, -3, "0.1", 0), (7, 0, "2", 3)],
)
def test_ing_idx_013_an_oracles_price_is_floored_to_ticks(price: int, exponent: int, tick: str, ticks: int) -> None:
    """ING-IDX-013"""
    assert oracle_ticks(OracleQuote(price, 0, exponent, 0), tick) == ticks


@pytest.mark.parametrize(("confidence", "why"), [(10**9, "unsure"), (10**9 - 1, "")])
def test_ing_idx_014_an_oracle_must_be_sure_to_a_tenth(confidence: int, why: str) -> None:
    """ING-IDX-014: 1,000 ticks are 1e10 units."""
    assert rejected(index(market("vo", min_sources=1), book(1_000), sure(1_000, confidence))) == ["", why]


def test_ing_idx_015_an_old_price_is_stale_and_an_older_slot_is_ignored() -> None:
    """ING-IDX-015"""
    made = market("vo", min_sources=1)
    assert rejected(index(made, book(1_000), sure(1_000, age=10 * SECOND))) == ["", ""]
    assert rejected(index(made, book(1_000), sure(1_000, age=10 * SECOND + 1))) == ["", "stale"]
    state = IngestorState((made,))
    for slot, price in ((7, 5), (6, 4), (7, 3)):
        HANDLERS[VenueOracle](state, oracle(slot, price), RecordingEffects("ingestor", NOW))
    assert (state.oracles["s1", "BTC"].slot, state.oracles["s1", "BTC"].price) == (7, 5)


def oracle(slot: int, price: int, **changes: Any) -> VenueOracle:
    body: dict[str, Any] = {"confidence": 0, "exponent": -2, "venue_time": NOW, "received_at": NOW, **changes}
    body |= {"id": f"o-{slot}-{price}", "source": "ingestor", "occurred_at": NOW, "price": price}
    return VenueOracle(venue="s1", symbol="BTC", venue_seq=slot, **body)


def test_ing_idx_016_fallbacks_wait_and_then_count_by_the_same_rules() -> None:
    """ING-IDX-016"""
    made = market("vvfg")
    calm = index(made, book(1_000), book(1_002), book(500), sure(501))
    assert (calm.ticks, rejected(calm)) == (1_001, ["", "", "standby", "standby"])
    alone = index(made, book(1_000), None, book(1_001), sure(1_002))
    assert (alone.ticks, rejected(alone)) == (1_001, ["", "missing", "", ""])
    apart = index(made, book(1_000), None, book(500), None)
    assert apart.ticks is None
    with pytest.raises(ValueError, match="stand in"):
        market("ff")


def test_ing_idx_017_two_that_disagree_make_no_index_and_a_third_decides() -> None:
    """ING-IDX-017: 7 % apart, each is more than 3 % from the middle."""
    assert index(market("oo"), sure(1_000), sure(1_070)).ticks is None
    told = index(market("oov"), sure(1_000), sure(1_070), book(1_001))
    assert (told.ticks, rejected(told)) == (1_001, ["", "outlier", ""])


prices = st.one_of(st.none(), st.integers(900, 1_100))


@given(st.lists(st.tuples(st.sampled_from("vofg"), prices, st.integers(0, 12)), min_size=1, max_size=8))
def test_ing_idx_018_what_is_said_lies_among_the_sources_used(plan: list[tuple[str, int | None, int]]) -> None:
    """ING-IDX-018"""
    kinds = "v" + "".join(kind for kind, _, _ in plan)
    quotes: list[AnyQuote | None] = [book(1_000)]
    for kind, price, age in plan:
        quote = sure if kind in "og" else book
        quotes.append(None if price is None else quote(price, age=age * SECOND))
    made = market(kinds)
    told = index(made, *quotes)
    used = [source for source in told.sources if not source.rejected]
    assert [source.source for source in told.sources] == list(made.sources)
    if told.ticks is not None:
        assert len(used) >= 2
        assert min(source.ticks for source in used) <= told.ticks <= max(source.ticks for source in used)
    first = index(market("".join(kind for kind in kinds if kind in "vo") or "v"), *_only(kinds, quotes))
    if first.ticks is not None:
        assert told.ticks == first.ticks


def _only(kinds: str, quotes: list[AnyQuote | None]) -> list[AnyQuote | None]:
    return [quote for kind, quote in zip(kinds, quotes, strict=True) if kind in "vo"]


def test_ing_idx_019_an_oracle_makes_an_index_through_the_fold() -> None:
    """ING-IDX-019"""
    made = market("vo", min_sources=1)
    repository = IngestorRepository((made,))
    state = repository.restore({table.name: [] for table in repository.tables})
    effects = RecordingEffects("ingestor", NOW)
    HANDLERS[VenueOracle](state, oracle(9, 6_349_019, confidence=500), effects)
    (said,) = effects.emitted
    assert said.price == "63490.1"  # type: ignore[attr-defined]
    assert [source.rejected for source in said.sources] == ["missing", ""]  # type: ignore[attr-defined]
    changes = repository.collect(state)
    rows = {table.name: list(written) for table, written in changes.rows.items()}
    assert rows["oracle_newest"] == [("s1", "BTC", 6_349_019, 500, -2, 9, NOW, NOW)]
