"""Value at risk and expected shortfall from history: what past moves would do to the positions of today.

An observation is one past window: every market's price at its end over that at its beginning, applied to today's
values, each rounded down. VaR at 95 % is the loss that one window in twenty reached or passed; expected shortfall is
the mean of the losses from there on, rounded up. Never below zero: a gain is no risk.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from services.risk.domain.state import Account

PPM: Final = 1_000_000
FEWEST: Final = 20
"""Observations without which nothing is said: one window in twenty does not exist."""

Hours = Mapping[int, int]
"""A market's first mark price in each hour, by hours since the Unix epoch."""


class Tail(NamedTuple):
    """Losses in quanta at one level of confidence."""

    value_at_risk_quanta: int
    expected_shortfall_quanta: int


def values_of(accounts: Sequence[Account]) -> dict[str, int]:
    """Signed value by market of all these accounts together, in quanta; opposite positions cancel."""
    values: dict[str, int] = {}
    for account in accounts:
        for name, position in account.positions.items():
            values[name] = values.get(name, 0) + position.value_quanta
    return values


def windows(histories: Mapping[str, Hours], horizon_hours: int) -> list[int]:
    """Beginnings of the windows that at least one market has both ends of, oldest first."""
    starts = {hour for hours in histories.values() for hour in hours if hour + horizon_hours in hours}
    return sorted(starts)


def outcomes(values: Mapping[str, int], histories: Mapping[str, Hours], horizon_hours: int) -> list[int]:
    """Gain or loss of today's values in each window, in quanta. A market without both ends stays as it is."""
    held = {name: hours for name, hours in histories.items() if values.get(name)}
    return [
        sum(move(values[name], hours, start, horizon_hours) for name, hours in held.items())
        for start in windows(held, horizon_hours)
    ]


def move(value_quanta: int, hours: Hours, start: int, horizon_hours: int) -> int:
    """What one market's window would do to a value, rounded down."""
    first, last = hours.get(start), hours.get(start + horizon_hours)
    if not first or not last:
        return 0
    return value_quanta * (last - first) // first


def tail(results_quanta: Sequence[int], percent: int) -> Tail | None:
    """VaR and expected shortfall at a level of confidence; None with fewer than FEWEST observations."""
    if len(results_quanta) < FEWEST:
        return None
    worst = sorted(results_quanta)[: max(1, -(-len(results_quanta) * (100 - percent) // 100))]
    mean = -sum(worst)
    return Tail(max(0, -worst[-1]), max(0, -(-mean // len(worst))))


def worst_window(histories: Mapping[str, Hours], horizon_hours: int) -> dict[str, int] | None:
    """The shocks, in ppm by market, of the window whose mean move over all markets was lowest; None without any."""
    best: tuple[int, int] | None = None
    for start in windows(histories, horizon_hours):
        moves = _moves(histories, start, horizon_hours)
        mean = sum(moves.values()) // len(moves)
        if best is None or mean < best[0]:
            best = (mean, start)
    return None if best is None else _moves(histories, best[1], horizon_hours)


def betas(histories: Mapping[str, Hours], horizon_hours: int) -> dict[str, int]:
    """How much of the mean move of all markets each of them makes, in ppm, by least squares; 1 without history."""
    steps = [_moves(histories, start, horizon_hours) for start in windows(histories, horizon_hours)]
    means = [sum(moves.values()) // len(moves) for moves in steps]
    found = {}
    for name in histories:
        pairs = [(mean, moves[name]) for mean, moves in zip(means, steps, strict=True) if name in moves]
        square = sum(mean * mean for mean, _ in pairs)
        enough = square and len(pairs) >= FEWEST
        found[name] = sum(mean * own for mean, own in pairs) * PPM // square if enough else PPM
    return found


def _moves(histories: Mapping[str, Hours], start: int, horizon_hours: int) -> dict[str, int]:
    return {
        name: move(PPM, hours, start, horizon_hours)
        for name, hours in histories.items()
        if start in hours and start + horizon_hours in hours
    }
