"""What a series of hours says of an account: returns, risk and concentration.

Money enters in integer quanta. Every figure that leaves is a dimensionless `Decimal`, cut (not rounded) to 12 places as
domain rule R35 asks: a fraction, so 0.05 is five per cent; never a percentage or basis points. It is computed with 34
digits, so cutting is all that is lost. None means that the figure is not defined for these hours. A year has 365 days:
the markets here do not close. `docs/analytics.md` writes the formulas down.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal
from typing import Final, NamedTuple

from services.analytics.domain.account import DAY_MICROS, HOUR_MICROS, day_of
from services.analytics.domain.ratio import ratio

YEAR_DAYS: Final = Decimal(365)
TAIL: Final = (1, 20)
"""The worst twentieth of the days: 95 % value at risk."""
MOST: Final = Decimal(10**9)
"""Ratios from here on are not told: a good day, compounded for a year, says nothing."""
_PLACES: Final = Decimal("1e-12")
_exact: Final = Context(prec=34)
_cut: Final = Context(prec=34, rounding=ROUND_DOWN)
_ONE, _ZERO = Decimal(1), Decimal(0)


class Hour(NamedTuple):
    """One hour's figures in quanta; `start` in microseconds since the Unix epoch (UTC)."""

    start: int
    equity_start: int
    equity_end: int
    flows: int
    pnl: int
    funding: int
    fees: int
    earned: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """A span of hours: what came from where (quanta), and its return (fraction, or None)."""

    start: int
    equity_start: int
    equity_end: int
    flows: int
    pnl: int
    funding: int
    fees: int
    change: Decimal | None
    earned: int = 0

    @property
    def gain(self) -> int:
        """What was gained: pnl + funding - fees + yield, in quanta; the flows are not a gain."""
        return self.pnl + self.funding - self.fees + self.earned


@dataclass(frozen=True, slots=True)
class Performance:
    """Ratios of a series of days, each a fraction or a plain number; see `performance`."""

    days: int
    time_weighted: Decimal | None
    apr: Decimal | None
    apy: Decimal | None
    volatility: Decimal | None
    sharpe: Decimal | None
    sortino: Decimal | None
    max_drawdown: Decimal | None
    drawdown: Decimal | None
    calmar: Decimal | None
    value_at_risk: Decimal | None
    expected_shortfall: Decimal | None
    win_rate: Decimal | None
    profit_factor: Decimal | None


def window(hours: Sequence[Hour], start: int, end: int, equity_before: int) -> Window:
    """The hours from `start` up to `end` as one span; `equity_before` counts when none of them is there.

    Return by Modified Dietz (domain rule 15.3): (E1 - E0 - F) / (E0 + sum of w * F), where w is the share of the span
    that was still to come when the hour of the flow began; a span in which the first money came begins with that hour.
    None when the denominator is not above zero (R35).
    """
    inside = [hour for hour in hours if start <= hour.start < end]
    before = inside[0].equity_start if inside else equity_before
    begin = inside[0].start if inside and before == 0 else start
    after = inside[-1].equity_end if inside else equity_before
    flows = sum(hour.flows for hour in inside)
    weighed = sum(hour.flows * (end - hour.start) for hour in inside)
    base = before * (end - begin) + weighed
    gained = (after - before - flows) * (end - begin)
    return Window(
        start,
        before,
        after,
        flows,
        sum(hour.pnl for hour in inside),
        sum(hour.funding for hour in inside),
        sum(hour.fees for hour in inside),
        ratio(gained, base) if base > 0 else None,
        sum(hour.earned for hour in inside),
    )


def by_day(hours: Sequence[Hour], now: int) -> list[Window]:
    """Every UTC day from the first hour's to that of `now` (microseconds); a day without hours changed nothing.

    Each is a `window` of its own: domain rules R34 and R35.
    """
    if not hours:
        return []
    days, equity = [], hours[0].equity_start
    place = 0
    for day in range(day_of(hours[0].start), day_of(now) + 1, DAY_MICROS):
        end = place
        while end < len(hours) and hours[end].start < day + DAY_MICROS:
            end += 1
        days.append(window(hours[place:end], day, day + DAY_MICROS, equity))
        equity, place = days[-1].equity_end, end
    return days


def last_hours(hours: Sequence[Hour], now: int, count: int) -> Window:
    """The last `count` hours, the open one among them, as one `window`; `now` in microseconds."""
    end = now - now % HOUR_MICROS + HOUR_MICROS
    start = end - count * HOUR_MICROS
    earlier = [hour for hour in hours if hour.start < start]
    equity = earlier[-1].equity_end if earlier else hours[0].equity_start if hours else 0
    return window(hours, start, end, equity)


def performance(days: Iterable[Window], risk_free: Decimal) -> Performance:
    """Ratios of the days that have a return r; `risk_free` is a yearly fraction (0.02 is 2 %).

    With n days of mean m and sample deviation s (n - 1), y = 365: TWR = product(1 + r) - 1; APR = m * y;
    APY = (1 + TWR) ** (y / n) - 1 (domain rule 15.4); volatility = s * sqrt(y); Sharpe = (m * y - risk free) /
    volatility (Sharpe 1994); Sortino = (m * y - risk free) / (sqrt(mean(min(r - risk free / y, 0)^2)) * sqrt(y))
    (Sortino and Price 1994); drawdown = 1 - wealth / its highest so far, wealth beginning with 1; Calmar = APY /
    largest drawdown (Young 1991); value at risk = minus the day at rank ceil(n / 20) from the worst (historical
    simulation, Jorion 1997), expected shortfall = minus the mean up to that rank (Acerbi and Tasche 2002), both at
    least 0; win rate = days that gained of those that gained or lost; profit factor = gains / losses of days, in quanta
    (both the usual ratios of trading records).
    """
    every = list(days)
    returns = [day.change for day in every if day.change is not None]
    gains = [day.gain for day in every]
    won, lost = sum(gain for gain in gains if gain > 0), -sum(gain for gain in gains if gain < 0)
    decided = sum(1 for gain in gains if gain)
    count = Decimal(len(returns))
    wealth, deepest, now = _wealth(returns)
    mean = _div(_sum(returns), count) if returns else None
    yearly = None if mean is None else _exact.multiply(mean, YEAR_DAYS)
    apy = _apy(wealth, count) if returns else None
    spread = _yearly(_deviation(returns, mean)) if mean is not None and len(returns) > 1 else None
    below = _yearly(_downside(returns, _div(risk_free, YEAR_DAYS))) if returns else None
    above = None if yearly is None else _exact.subtract(yearly, risk_free)
    tail = sorted(returns)[: -(-len(returns) * TAIL[0] // TAIL[1])]
    return Performance(
        days=len(returns),
        time_weighted=_out(_exact.subtract(wealth, _ONE)) if returns else None,
        apr=_out(yearly),
        apy=_out(apy),
        volatility=_out(spread),
        sharpe=_out(_over(above, spread)),
        sortino=_out(_over(above, below)),
        max_drawdown=_out(deepest) if returns else None,
        drawdown=_out(now) if returns else None,
        calmar=_out(_over(apy, deepest)),
        value_at_risk=_out(max(_ZERO, -tail[-1])) if tail else None,
        expected_shortfall=_out(max(_ZERO, -_div(_sum(tail), Decimal(len(tail))))) if tail else None,
        win_rate=ratio(sum(1 for gain in gains if gain > 0), decided) if decided else None,
        profit_factor=ratio(won, lost) if lost else None,
    )


@dataclass(frozen=True, slots=True)
class Allocation:
    """How what is held is spread. Shares are fractions of the gross value, which is in quanta."""

    gross: int
    net: int
    shares: Mapping[str, Decimal]
    concentration: Decimal | None
    diversification: Decimal | None
    leverage: Decimal | None


def allocation(values: Mapping[str, int], equity: int) -> Allocation:
    """`values`: signed lots * mark * u by market, in quanta.

    Concentration is the Herfindahl-Hirschman index (Hirschman 1964), the sum of squared shares: 1 for one market, 1/n
    for n equal ones. Diversification = (1 - HHI) / (1 - 1/n), one less the normalised index, 0 for one market.
    Leverage = gross / equity (N/E of domain rule R24), None without equity. All are fractions of 12 places, cut (R35).
    """
    gross = sum(map(abs, values.values()))
    held = {market: abs(value) for market, value in values.items() if value}
    squares, count = sum(value * value for value in held.values()), len(held)
    spread = ratio((gross * gross - squares) * count, gross * gross * (count - 1)) if count > 1 else _ZERO
    return Allocation(
        gross=gross,
        net=sum(values.values()),
        shares={market: ratio(value, gross) for market, value in sorted(held.items())},
        concentration=ratio(squares, gross * gross) if held else None,
        diversification=spread if held else None,
        leverage=ratio(gross, equity) if equity > 0 else None,
    )


def rates_of(change: Decimal, micros: int) -> tuple[Decimal | None, Decimal | None]:
    """APR and APY of a return over a time, as fractions: change * year / time, simple, and compounded
    (1 + change) ** (year / time) - 1 (domain rule 15.4). None under a day, which says nothing of a year, and from 1e9.
    """
    if micros < DAY_MICROS:
        return None, None
    years = _div(Decimal(micros), YEAR_DAYS * DAY_MICROS)
    grown = _exact.add(_ONE, change)
    apy = _exact.subtract(_exact.power(grown, _div(_ONE, years)), _ONE) if grown > 0 else -_ONE
    return _out(_div(change, years)), _out(apy)


def _wealth(returns: Sequence[Decimal]) -> tuple[Decimal, Decimal, Decimal]:
    """What 1 became (15.3), the largest drawdown on the way, and the one at the end; see `performance`."""
    wealth, peak, deepest, now = _ONE, _ONE, _ZERO, _ZERO
    for change in returns:
        wealth = _exact.multiply(wealth, _exact.add(_ONE, change))
        peak = max(peak, wealth)
        now = _exact.subtract(_ONE, _div(wealth, peak))
        deepest = max(deepest, now)
    return wealth, deepest, now


def _apy(wealth: Decimal, count: Decimal) -> Decimal | None:
    """wealth ** (365 / days) - 1, a fraction (15.4); None when more than everything was lost, minus 1 for just that."""
    if wealth < 0:
        return None
    if wealth == 0:
        return -_ONE
    return _exact.subtract(_exact.power(wealth, _div(YEAR_DAYS, count)), _ONE)


def _deviation(values: Sequence[Decimal], mean: Decimal) -> Decimal:
    squares = _sum(_exact.power(_exact.subtract(value, mean), 2) for value in values)
    return _exact.sqrt(_div(squares, Decimal(len(values) - 1)))


def _downside(values: Sequence[Decimal], target: Decimal) -> Decimal:
    short = (min(_ZERO, _exact.subtract(value, target)) for value in values)
    return _exact.sqrt(_div(_sum(_exact.power(value, 2) for value in short), Decimal(len(values))))


def _yearly(daily: Decimal) -> Decimal:
    return _exact.multiply(daily, _exact.sqrt(YEAR_DAYS))


def _sum(values: Iterable[Decimal]) -> Decimal:
    total = _ZERO
    for value in values:
        total = _exact.add(total, value)
    return total


def _div(dividend: Decimal, divisor: Decimal) -> Decimal:
    return _exact.divide(dividend, divisor)


def _over(dividend: Decimal | None, divisor: Decimal | None) -> Decimal | None:
    return None if dividend is None or not divisor else _div(dividend, divisor)


def _out(value: Decimal | None) -> Decimal | None:
    return None if value is None or abs(value) >= MOST else value.quantize(_PLACES, context=_cut)
