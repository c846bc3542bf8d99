"""The composite index price, domain rule R13, with the audit of what each source gave and why it was left out.

Source price = median(bid, ask, last) floored to index ticks. Sources with an old quote are left out; so is what is
too far from the plain median of the rest. The index is the weighted median of those that remain (8.3: smallest price
whose cumulated weight is at least half; exactly half: mean with the next, half up). Too few sources, or less than half
of all weight: the fallbacks are asked too, by the same rules over all sources; if that is not enough, no index.
An oracle gives its price with a confidence: whoever is not sure of it to a tenth is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from cleartide.money import PPB, half_up_div, parse_decimal

from services.ingestor.domain.index_markets import IndexMarket, PriceSource

MISSING: Final = "missing"
CROSSED: Final = "crossed"
STALE: Final = "stale"
OUTLIER: Final = "outlier"
UNSURE: Final = "unsure"
STANDBY: Final = "standby"


@dataclass(frozen=True)
class Quote:
    """A venue's best bid, best ask and last trade in venue ticks; `at` is the bid and ask's time, microseconds UTC."""

    bid_ticks: int
    ask_ticks: int
    last_ticks: int | None
    at: int


@dataclass(frozen=True)
class OracleQuote:
    """An oracle's price and the half width of its confidence, both times 10^exponent; `at` is its time."""

    price: int
    confidence: int
    exponent: int
    at: int


AnyQuote = Quote | OracleQuote


@dataclass(frozen=True)
class SourcePrice:
    """One source's contribution: price in index ticks (0 when it has none), and "" or why it was left out."""

    source: PriceSource
    ticks: int
    age_micros: int
    rejected: str = ""


@dataclass(frozen=True)
class IndexPrice:
    """The index in index ticks, None when it is stale, and every source's part in it."""

    ticks: int | None
    sources: tuple[SourcePrice, ...]


def index_price(market: IndexMarket, quotes: Mapping[tuple[str, str], AnyQuote], at: int) -> IndexPrice:
    """The index of `market` at time `at` (microseconds UTC) from the newest quote by (venue, symbol)."""
    priced = [_price(market, source, quotes.get((source.venue, source.symbol)), at) for source in market.sources]
    first = [each for each in priced if not each.source.fallback]
    index = _composed(market, first)
    if index.ticks is None and len(first) < len(priced):
        return _composed(market, priced)
    told = {each.source: each for each in index.sources}
    waiting = (replace(each, rejected=each.rejected or STANDBY) for each in priced if each.source.fallback)
    told.update((each.source, each) for each in waiting)
    return IndexPrice(index.ticks, tuple(told[source] for source in market.sources))


def _composed(market: IndexMarket, priced: Sequence[SourcePrice]) -> IndexPrice:
    """The index of these sources, judged by their distance from each other, their number and their weight."""
    middle = _twice_median([each.ticks for each in priced if not each.rejected])
    judged = tuple(_judge_distance(each, middle, market.max_deviation_ppb) for each in priced)
    used = [each for each in judged if not each.rejected]
    weight, all_weight = (sum(each.source.weight for each in group) for group in (used, judged))
    if len(used) < market.min_sources or 2 * weight < all_weight:
        return IndexPrice(None, judged)
    return IndexPrice(weighted_median([(each.ticks, each.source.weight) for each in used]), judged)


def source_ticks(quote: Quote, tick_size: str, index_tick_size: str) -> int | None:
    """Median of bid, ask and last in index ticks, floored; None without a last trade."""
    if quote.last_ticks is None:
        return None
    middle = sorted((quote.bid_ticks, quote.ask_ticks, quote.last_ticks))[1]
    numerator, denominator = parse_decimal(tick_size).as_integer_ratio()
    unit_numerator, unit_denominator = parse_decimal(index_tick_size).as_integer_ratio()
    return middle * numerator * unit_denominator // (denominator * unit_numerator)


def weighted_median(prices: Sequence[tuple[int, int]]) -> int:
    """Weighted median of (ticks, weight >= 1); at an even split the mean of the two middle prices, half up."""
    ordered = sorted(prices)
    total = sum(weight for _, weight in ordered)
    cumulated = 0
    for place, (ticks, weight) in enumerate(ordered):
        cumulated += weight
        if 2 * cumulated == total:
            return half_up_div(ticks + ordered[place + 1][0], 2)
        if 2 * cumulated > total:
            return ticks
    raise ValueError("a median needs at least one price")


def ticks_to_text(ticks: int, tick_size: str) -> str:
    """Index ticks as decimal text in the tick's own number of decimals."""
    return format(Decimal(ticks) * Decimal(tick_size), "f")


def oracle_ticks(quote: OracleQuote, index_tick_size: str) -> int:
    """The oracle's price in index ticks, floored."""
    numerator, denominator = parse_decimal(index_tick_size).as_integer_ratio()
    scale = int(10 ** abs(quote.exponent))
    if quote.exponent >= 0:
        return quote.price * scale * denominator // numerator
    return quote.price * denominator // (numerator * scale)


def _oracle_price(market: IndexMarket, source: PriceSource, quote: OracleQuote, at: int) -> SourcePrice:
    age, ticks = max(0, at - quote.at), oracle_ticks(quote, market.tick_size)
    if ticks <= 0:
        return SourcePrice(source, 0, age, MISSING)
    if quote.confidence * PPB >= quote.price * market.max_confidence_ppb:
        return SourcePrice(source, ticks, age, UNSURE)
    return SourcePrice(source, ticks, age, _aged(market, age))


def _price(market: IndexMarket, source: PriceSource, quote: AnyQuote | None, at: int) -> SourcePrice:
    if isinstance(quote, OracleQuote):
        return _oracle_price(market, source, quote, at)
    if quote is None:
        return SourcePrice(source, 0, 0, MISSING)
    age = max(0, at - quote.at)
    ticks = source_ticks(quote, source.tick_size, market.tick_size)
    if ticks is None or ticks <= 0:
        return SourcePrice(source, 0, age, MISSING)
    if quote.bid_ticks >= quote.ask_ticks:
        return SourcePrice(source, ticks, age, CROSSED)
    return SourcePrice(source, ticks, age, _aged(market, age))


def _aged(market: IndexMarket, age: int) -> str:
    return STALE if age > market.max_age_micros else ""


def _twice_median(prices: Sequence[int]) -> int:
    """Twice the plain median: an integer also for an even count."""
    if not prices:
        return 0
    ordered, half = sorted(prices), len(prices) // 2
    return 2 * ordered[half] if len(ordered) % 2 else ordered[half - 1] + ordered[half]


def _judge_distance(priced: SourcePrice, twice_median: int, max_deviation_ppb: int) -> SourcePrice:
    if priced.rejected:
        return priced
    too_far = abs(2 * priced.ticks - twice_median) * PPB > twice_median * max_deviation_ppb
    return replace(priced, rejected=OUTLIER) if too_far else priced
