"""The venue's exposure: who holds how much of what, and at which prices that would have to be liquidated."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from cleartide.rules.liquidation_price import PricedPosition, margin_at
from cleartide.rules.margin import AccountMargin, is_liquidatable

from services.risk.domain.health import margin_of
from services.risk.domain.scenario import PPM, shocked_ticks
from services.risk.domain.state import Account, Position

MAP_PERCENTS: Final = 50
LARGEST: Final = 10


class MarketExposure(NamedTuple):
    """One market's positions, in quanta at mark. Shares in ppm of the gross notional.

    concentration: sum of squared shares (Herfindahl), 1e6 when one account holds all. top: the ten largest holders, by
    notional.
    """

    holders: int
    long_quanta: int
    short_quanta: int
    largest_account: str
    largest_ppm: int
    top_ten_ppm: int
    concentration_ppm: int
    top: tuple[tuple[str, int], ...]


class Step(NamedTuple):
    """One step of a liquidation map: `percent` from mark, and what becomes liquidatable from the step before to it."""

    percent: int
    accounts: int
    long_quanta: int
    short_quanta: int


def exposures(accounts: Iterable[Account]) -> dict[str, MarketExposure]:
    """By market, in order of name."""
    held: dict[str, list[tuple[int, str]]] = {}
    for account in accounts:
        for name, position in account.positions.items():
            held.setdefault(name, []).append((position.value_quanta, account.account))
    return {name: _exposure(positions) for name, positions in sorted(held.items())}


def _exposure(positions: Sequence[tuple[int, str]]) -> MarketExposure:
    largest = sorted(positions, key=lambda one: (-abs(one[0]), one[1]))
    sizes = [abs(value) for value, _ in largest]
    gross = sum(sizes) or 1
    return MarketExposure(
        len(positions),
        sum(value for value, _ in positions if value > 0),
        -sum(value for value, _ in positions if value < 0),
        largest[0][1],
        sizes[0] * PPM // gross,
        sum(sizes[:LARGEST]) * PPM // gross,
        sum(size * size for size in sizes) * PPM // (gross * gross),
        tuple((account, abs(value)) for value, account in largest[:LARGEST]),
    )


def liquidation_map(accounts: Iterable[Account], market: str) -> list[Step]:
    """When a market alone moves, one percent after the other to -50 % and +50 %, who becomes liquidatable where.

    Whoever already is stands at 0. The account's positions in this market are what is counted.
    """
    steps: dict[int, list[Position]] = {}
    for account in accounts:
        position = account.positions[market]
        percent = _first_percent(margin_of(account), position)
        if percent is not None:
            steps.setdefault(percent, []).append(position)
    return [_step(percent, steps.get(percent, ())) for percent in range(-MAP_PERCENTS, MAP_PERCENTS + 1)]


def _step(percent: int, positions: Sequence[Position]) -> Step:
    values = [position.value_quanta for position in positions]
    longs = sum(value for value in values if value > 0)
    return Step(percent, len(values), longs, longs - sum(values))


def _first_percent(now: AccountMargin, position: Position) -> int | None:
    """The smallest move against a position that makes its account liquidatable; None within the map's reach."""
    if is_liquidatable(now.equity_quanta, now.maintenance_margin_quanta):
        return 0
    market, against = position.market, -1 if position.lots > 0 else 1
    priced = PricedPosition(position.lots * market.quanta_per_lot_tick, market.mark_ticks, market.brackets)
    if not _is_due(now, priced, against * MAP_PERCENTS):
        return None
    safe, due = 0, MAP_PERCENTS
    while due - safe > 1:
        middle = (safe + due) // 2
        if _is_due(now, priced, against * middle):
            due = middle
        else:
            safe = middle
    return against * due


def _is_due(now: AccountMargin, priced: PricedPosition, percent: int) -> bool:
    there = margin_at(now, priced, shocked_ticks(priced.mark_ticks, percent * PPM // 100))
    return is_liquidatable(there.equity_quanta, there.maintenance_margin_quanta)


def gross_quanta(account: Account) -> int:
    """Notional of all positions, in quanta."""
    gross = 0
    for position in account.positions.values():
        market = position.market
        gross += abs(position.lots) * market.mark_ticks * market.quanta_per_lot_tick
    return gross
