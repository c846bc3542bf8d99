"""What is watched beside health: an account's figures, each with a threshold, and when an alert about it holds.

Every figure is an integer of millionths: quanta are millionths of the quote, shares and leverage parts per million,
counts are multiplied. An alert begins when its figure passes the threshold and ends at 95 % of it, so that it does not
tremble. The account's own limits are looked at when something happens to it and at each price of what it holds (value
at risk: once an hour); the venue's thresholds, which are the same for all, when something happens to it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from cleartide.contracts import AlertKind

from services.risk.domain.exposure import gross_quanta
from services.risk.domain.health import HasHealth
from services.risk.domain.state import Account, RiskState
from services.risk.domain.tail import PPM, outcomes, tail, values_of

LARGE_POSITION_QUANTA: Final = 1_000_000 * PPM
HIGH_LEVERAGE: Final = 25
CONCENTRATION_PPM: Final = 250_000
LEAST_CONCENTRATED_QUANTA: Final = 100_000 * PPM
"""Below this value a position is not called concentrated, however small its market is."""
BUSY_FILLS: Final = 300
STALE_MICROS: Final = 60_000_000
LEFT_AT_PERCENT: Final = 95
VALUE_AT_RISK_HOURS: Final = 24
MINUTE_MICROS: Final = 60_000_000
DAY_MICROS: Final = 86_400_000_000

FORMULAS: Final[Mapping[str, str]] = {
    "large_position": "|lots| * mark",
    "high_leverage": "sum(|lots| * mark) / equity",
    "concentration": "|lots| / open interest of the market",
    "unusual_activity": "fills in one minute",
    "stale_price": "seconds since the index was fresh",
    "position_limit": "|lots| * mark",
    "leverage_limit": "sum(|lots| * mark) / equity",
    "daily_loss_limit": "equity at 00:00 UTC + transfers since - equity",
    "drawdown_limit": "highest equity, moved by transfers - equity",
    "value_at_risk_limit": "loss that 1 of 20 past days would bring, at today's positions",
}


class Figure(NamedTuple):
    """One figure against its threshold, in millionths; `market` is empty for the whole account."""

    kind: AlertKind
    market: str
    value: int
    threshold: int


class Limits(NamedTuple):
    """What an account wants to be alerted at: quanta, and leverage as a multiple; None is no limit."""

    max_position_quanta: int | None = None
    max_leverage: int | None = None
    max_daily_loss_quanta: int | None = None
    max_drawdown_quanta: int | None = None
    max_value_at_risk_quanta: int | None = None


@dataclass(slots=True, eq=False)
class Track:
    """An account's equity since midnight UTC and since its limits were set; transfers move both along."""

    day: int
    day_equity_quanta: int
    peak_equity_quanta: int

    def transfer(self, quanta: int) -> None:
        """Money that came or went is neither gain nor loss."""
        self.day_equity_quanta += quanta
        self.peak_equity_quanta += quanta

    def follow(self, day: int, equity_quanta: int) -> None:
        """Equity as it is now; the first of a day is what its losses are counted from."""
        if day != self.day:
            self.day, self.day_equity_quanta = day, equity_quanta
        self.peak_equity_quanta = max(self.peak_equity_quanta, equity_quanta)


def is_beyond(figure: Figure, active: bool) -> bool:
    """Whether an alert about this figure holds; one that does ends at 95 % of the threshold."""
    if active:
        return figure.value * 100 > figure.threshold * LEFT_AT_PERCENT
    return figure.value > figure.threshold


def is_quiet(account: Account, margin: HasHealth, at: int) -> bool:
    """Whether surely none of `venue_figures` is beyond its threshold, as of almost every account at almost every fill.

    An account too small in all for one of its positions to be large or concentrated, and not highly leveraged, is.
    """
    gross = gross_quanta(account)
    if gross >= LEAST_CONCENTRATED_QUANTA or gross > HIGH_LEVERAGE * margin.equity_quanta:
        return False
    return account.fills <= BUSY_FILLS or account.busy_minute != at // MINUTE_MICROS


def venue_figures(account: Account, margin: HasHealth, at: int) -> Iterator[Figure]:
    """The figures that are watched for everybody."""
    for name, position in account.positions.items():
        size = abs(position.value_quanta)
        yield Figure("large_position", name, size, LARGE_POSITION_QUANTA)
        if open_interest := position.market.open_interest_lots:
            share = abs(position.lots) * PPM // open_interest if size >= LEAST_CONCENTRATED_QUANTA else 0
            yield Figure("concentration", name, share, CONCENTRATION_PPM)
    if margin.equity_quanta > 0:
        leverage = gross_quanta(account) * PPM // margin.equity_quanta
        yield Figure("high_leverage", "", leverage, HIGH_LEVERAGE * PPM)
    if account.busy_minute == at // MINUTE_MICROS:
        yield Figure("unusual_activity", "", account.fills * PPM, BUSY_FILLS * PPM)


def limit_figures(state: RiskState, account: Account, margin: HasHealth, *, with_tail: bool) -> Iterator[Figure]:
    """The figures that the account has set limits for; value at risk only `with_tail`, as it takes all of history."""
    limits, track = account.limits, account.track
    if limits is None or track is None:
        return
    if (most := limits.max_position_quanta) is not None:
        for name, position in account.positions.items():
            yield Figure("position_limit", name, abs(position.value_quanta), most)
    if limits.max_leverage is not None and margin.equity_quanta > 0:
        leverage = gross_quanta(account) * PPM // margin.equity_quanta
        yield Figure("leverage_limit", "", leverage, limits.max_leverage * PPM)
    if (most := limits.max_daily_loss_quanta) is not None:
        yield Figure("daily_loss_limit", "", max(0, track.day_equity_quanta - margin.equity_quanta), most)
    if (most := limits.max_drawdown_quanta) is not None:
        yield Figure("drawdown_limit", "", max(0, track.peak_equity_quanta - margin.equity_quanta), most)
    if with_tail and (most := limits.max_value_at_risk_quanta) is not None:
        yield from _value_at_risk(state, account, most)


def _value_at_risk(state: RiskState, account: Account, most: int) -> Iterator[Figure]:
    histories = {name: state.markets[name].hours for name in account.positions}
    found = tail(outcomes(values_of([account]), histories, VALUE_AT_RISK_HOURS), 95)
    if found is not None:
        yield Figure("value_at_risk_limit", "", found.value_at_risk_quanta, most)
