"""Statistics over time and over venues, exact: roots and quotients are rounded once, at the end, halves up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt

from cleartide.money import PPB, half_up_div

from services.ingestor.domain.liquidity.worth import PPT


@dataclass(frozen=True, slots=True)
class FundingStatistics:
    """Of rates in ppb: how many, least, largest; mean, population deviation and trend per sample in ppt.

    trend: slope of the least-squares line through the rates in order.
    """

    count: int
    least: int
    largest: int
    mean: int
    deviation: int
    trend: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """Of whole numbers: percentiles lie between neighbours (linear), halves up."""

    count: int
    least: int
    mean: int
    median: int
    p5: int
    p95: int
    p99: int
    largest: int


@dataclass(frozen=True, slots=True)
class Share:
    """A venue's part of the whole in ppb; `partial`: its book ends before the distance, so it may hold more."""

    venue: str
    quanta: int
    ppb: int
    partial: bool


def funding_statistics(rates: Sequence[int]) -> FundingStatistics | None:
    """Of funding rates in ppb, oldest first; None without any."""
    count = len(rates)
    if not count:
        return None
    scale = PPT // PPB
    total = sum(rates)
    spread = count * sum(rate * rate for rate in rates) - total * total
    places = count * (count * count - 1)
    lean = sum((2 * place - count + 1) * rate for place, rate in enumerate(rates))
    return FundingStatistics(
        count,
        min(rates),
        max(rates),
        half_up_div(total * scale, count),
        root_half_up(spread * scale * scale, count * count),
        half_up_div(6 * lean * scale, places) if places else 0,
    )


def distribution(values: Sequence[int]) -> Distribution | None:
    """Of whole numbers in any order; None without any."""
    if not values:
        return None
    ordered, count = sorted(values), len(values)
    median, p5, p95, p99 = (percentile(ordered, each) for each in (50, 5, 95, 99))
    mean = half_up_div(sum(ordered), count)
    return Distribution(count, ordered[0], mean, median, p5, p95, p99, ordered[-1])


def percentile(ordered: Sequence[int], percent: int) -> int:
    """Between the two neighbours of the place (count - 1) * percent / 100, in rising values."""
    place, part = divmod((len(ordered) - 1) * percent, 100)
    above = ordered[min(place + 1, len(ordered) - 1)]
    return half_up_div(ordered[place] * (100 - part) + above * part, 100)


def turnover_ppb(open_interest: int, volume: int) -> int | None:
    """Open interest over volume, both in one unit, in ppb; None without volume."""
    return half_up_div(open_interest * PPB, volume) if volume > 0 else None


def deviation_ppt(price: int, reference: int) -> int:
    """How far a price lies from another of the same unit, above positive, in ppt of the other. Zero is refused."""
    if reference <= 0:
        raise ValueError(f"a price to compare with must be positive, not {reference}")
    return half_up_div((price - reference) * PPT, reference)


def shares(quanta: Mapping[str, int], reaches: Mapping[str, int], distance: int) -> list[Share]:
    """Each venue's part of the depth within `distance` ppt, largest first; together they are the whole.

    `reaches`: how far each venue's book goes, in ppt. What division leaves over goes to the largest rests.
    """
    total = sum(quanta.values())
    parts = {venue: divmod(amount * PPB, total) if total else (0, 0) for venue, amount in quanta.items()}
    left = PPB - sum(part for part, _ in parts.values()) if total else 0
    by_rest = sorted(parts, key=lambda venue: (-parts[venue][1], venue))
    extra = set(by_rest[:left])
    found = [
        Share(venue, amount, parts[venue][0] + (venue in extra), reaches.get(venue, 0) < distance)
        for venue, amount in quanta.items()
    ]
    return sorted(found, key=lambda share: (-share.quanta, share.venue))


def root_half_up(top: int, bottom: int) -> int:
    """Square root of top / bottom to the nearest whole number, halves up. Neither is negative."""
    return (isqrt(4 * top // bottom) + 1) // 2
