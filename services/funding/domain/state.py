"""The intervals of every market: what has been sampled in those still open, and which one closes next."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cleartide.contracts.types import FundingType

from services.funding.domain.rate import MINUTE_MICROS, Rate, Terms, interval_rate, set_rate

MOST_CLOSED_AT_ONCE: Final = 256
"""After so many intervals one event closes no further instant; the next events close the rest, in order."""


class SampleError(ValueError):
    """A premium sample that cannot be counted; `reason` is a code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class Sum(NamedTuple):
    """The samples of one interval so far: their sum in ppb, their number, and the minute of the last."""

    premium_sum_ppb: int
    samples: int
    last_minute: int


class Closed(NamedTuple):
    """One market's finished interval."""

    market: str
    interval_start: int
    interval_micros: int
    rate: Rate
    samples: int
    funding_type: FundingType = "automatic"


@dataclass(eq=False)
class Market:
    """A market's terms and its open intervals. `open_start`: start of the interval that closes next.

    It is None until the market's first price: before that nobody can hold a position. `next_interval_micros`: another
    length that begins at the first end that both lengths share, None for none. `manual_ppb`, `emergency_ppb`: hourly
    rates that the operator has set, for all intervals and for the open one. `settled_start`: of the interval that
    matching settled last, -1 before the first.
    """

    market: str
    terms: Terms
    interval_micros: int
    open_start: int | None = None
    last: Closed | None = None
    next_interval_micros: int | None = None
    manual_ppb: int | None = None
    emergency_ppb: int | None = None
    settled_start: int = -1
    sums: dict[int, Sum] = field(default_factory=dict)

    @property
    def closes_at(self) -> int | None:
        """First instant that belongs to the next interval."""
        return None if self.open_start is None else self.open_start + self.interval_micros

    @property
    def slots(self) -> int:
        """Minutes in an interval."""
        return self.interval_micros // MINUTE_MICROS

    @property
    def funding_type(self) -> FundingType:
        """How the open interval's rate will be made."""
        if self.emergency_ppb is not None:
            return "emergency"
        return "automatic" if self.manual_ppb is None else "manual"

    def rate_of(self, total: int, samples: int, slots: int) -> Rate:
        """The open interval's rate, if `total` and `samples` over these minutes were all of it."""
        hourly = self.emergency_ppb if self.emergency_ppb is not None else self.manual_ppb
        if hourly is not None:
            return set_rate(hourly, total, slots, self.interval_micros)
        return interval_rate(total, samples, slots, self.interval_micros, self.terms)


@dataclass(eq=False)
class Dirty:
    """What changed since the repository last looked."""

    markets: set[str] = field(default_factory=set)
    sums: set[tuple[str, int]] = field(default_factory=set)
    closed: list[tuple[Closed, int]] = field(default_factory=list)
    settled: "list[Settlement]" = field(default_factory=list)
    positions: dict[tuple[str, str, int], int] = field(default_factory=dict)

    def clear(self) -> None:
        """All of it has been written down."""
        for marks in (self.markets, self.sums, self.closed, self.settled, self.positions):
            marks.clear()


class Settlement(NamedTuple):
    """What matching made of a rate: the mark price it used and the step of the market's funding index."""

    market: str
    interval_start: int
    rate_ppb: int
    mark_ticks: int
    index_step_quanta: int
    funding_index_quanta: int
    settled_at: int


@dataclass(eq=False)
class FundingState:
    """Everything funding folds. `interval_micros` is given to markets that are listed from now on."""

    interval_micros: int
    markets: dict[str, Market] = field(default_factory=dict)
    dirty: Dirty = field(default_factory=Dirty)
    next_close: int | None = None

    def list_market(self, market: str, terms: Terms, interval_micros: int | None = None) -> None:
        """Learn a market, or give a known one new terms; `interval_micros` None keeps the one it has."""
        known = self.markets.get(market)
        if known is None:
            self.add(Market(market, terms, interval_micros or self.interval_micros))
        else:
            known.terms = terms
            self._change_interval(known, interval_micros or known.next_interval_micros or known.interval_micros)
        self.dirty.markets.add(market)

    def _change_interval(self, market: Market, interval_micros: int) -> None:
        """At once while no interval is open, else at the first end that both lengths share."""
        if market.open_start is None:
            market.interval_micros, market.next_interval_micros = interval_micros, None
        else:
            market.next_interval_micros = interval_micros if interval_micros != market.interval_micros else None

    def set_funding(self, market: Market, funding_type: FundingType, hourly_ppb: int | None) -> None:
        """Make the rate of the open interval, and of those after it, in another way."""
        if funding_type == "emergency":
            market.emergency_ppb = hourly_ppb
        else:
            market.manual_ppb, market.emergency_ppb = hourly_ppb, None
        self.dirty.markets.add(market.market)

    def hold(self, account: str, market: Market, lots: int) -> None:
        """Somebody holds this from here on: the settlements after the last one are paid for it."""
        self.dirty.positions[account, market.market, market.settled_start] = lots

    def begin(self, market: Market, at: int) -> None:
        """A market has a price: its first interval is the one that holds the first such instant."""
        if market.open_start is None:
            market.open_start = at - at % market.interval_micros
            self.dirty.markets.add(market.market)
            self._find_next_close()

    def retire(self, market: Market) -> None:
        """A market has ended, and with it the interval that was open: nobody holds anything any more."""
        market.open_start = None
        self.dirty.markets.add(market.market)
        self._find_next_close()

    def add(self, market: Market) -> None:
        """Take in a market as it is."""
        self.markets[market.market] = market
        self._find_next_close()

    def count(self, market: Market, minute: int, premium_ppb: int) -> None:
        """Count one premium sample in the interval of its minute. Raises SampleError before anything changes."""
        start = minute - minute % market.interval_micros
        if market.open_start is None or start < market.open_start:
            raise SampleError("interval_not_open", f"{market.market}: {start}")
        known = market.sums.get(start, Sum(0, 0, -1))
        if minute - minute % MINUTE_MICROS <= known.last_minute:
            raise SampleError("duplicate_sample", f"{market.market}: {minute}")
        market.sums[start] = Sum(
            known.premium_sum_ppb + premium_ppb, known.samples + 1, minute - minute % MINUTE_MICROS
        )
        self.dirty.sums.add((market.market, start))

    def close_elapsed(self, at: int) -> list[Closed]:
        """Close the intervals that ended at or before `at`, by end, then market; see MOST_CLOSED_AT_ONCE."""
        closed: list[Closed] = []
        while self.next_close is not None and self.next_close <= at and len(closed) < MOST_CLOSED_AT_ONCE:
            closes = self.next_close
            due = [market for _, market in sorted(self.markets.items()) if market.closes_at == closes]
            closed += [self._close(market, closes, at) for market in due]
            self._find_next_close()
        return closed

    def settle(self, settlement: Settlement) -> None:
        """Remember what matching settled."""
        self.dirty.settled.append(settlement)
        market = self.markets.get(settlement.market)
        if market is not None:
            market.settled_start = settlement.interval_start
            self.dirty.markets.add(market.market)

    def _close(self, market: Market, end: int, at: int) -> Closed:
        start = end - market.interval_micros
        total, samples, _ = market.sums.pop(start, Sum(0, 0, -1))
        rate = market.rate_of(total, samples, market.slots)
        market.last = Closed(market.market, start, market.interval_micros, rate, samples, market.funding_type)
        market.open_start, market.emergency_ppb = end, None
        if market.next_interval_micros is not None and end % market.next_interval_micros == 0:
            self._regroup(market, market.next_interval_micros)
        self.dirty.markets.add(market.market)
        self.dirty.sums.add((market.market, start))
        self.dirty.closed.append((market.last, at))
        return market.last

    def _regroup(self, market: Market, interval_micros: int) -> None:
        """Another length begins: samples that came early are counted in the intervals of the new length."""
        early = [(start, market.sums.pop(start)) for start in sorted(market.sums)]
        market.interval_micros, market.next_interval_micros = interval_micros, None
        for start, counted in early:
            new = counted.last_minute - counted.last_minute % interval_micros
            known = market.sums.get(new, Sum(0, 0, -1))
            total, samples = known.premium_sum_ppb + counted.premium_sum_ppb, known.samples + counted.samples
            market.sums[new] = Sum(total, samples, counted.last_minute)
            self.dirty.sums.update({(market.market, start), (market.market, new)})

    def _find_next_close(self) -> None:
        ends = (market.closes_at for market in self.markets.values())
        self.next_close = min((end for end in ends if end is not None), default=None)
