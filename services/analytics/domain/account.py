"""One account's hour and day: what it gained and paid, by source, and what it was worth at the end.

All amounts in quote quanta. Equity E = cash + Q + V + U + W over the account's positions and shares (domain rules R4,
R34 and R36): Q is the quote amount of a position, V = lots * mark * u its value, U = -lots * (market index - settled
index) the funding that is owed but not yet in cash, W what shares of the venue's vaults would bring. In every span
E1 - E0 = flows + pnl + funding - fees + yield: what goes into a vault is no flow, for it is the account's there too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from services.analytics.domain.vaults import Vault

HOUR_MICROS: Final = 3_600_000_000
DAY_MICROS: Final = 24 * HOUR_MICROS


def hour_of(at: int) -> int:
    """Start of the UTC hour of `at`, both in microseconds since the Unix epoch."""
    return at - at % HOUR_MICROS


def day_of(at: int) -> int:
    """Midnight UTC at or before `at`, both in microseconds since the Unix epoch."""
    return at - at % DAY_MICROS


class Inconsistent(Exception):  # noqa: N818 - a verdict on the stream, not a fault of the reader
    """What matching says does not follow from what it said before: events are missing, so the service stops."""


@dataclass(slots=True)
class Unit:
    """What a market's positions are worth: u, mark (ticks) and funding index (quanta per lot) now and at the boundary.

    A mark of 0 means none yet: until the first mark a market is valued at the price of its first fill.
    """

    quanta_per_lot_tick: int
    mark: int = 0
    index: int = 0
    boundary_mark: int = 0
    boundary_index: int = 0


@dataclass(slots=True)
class Holding:
    """A position as matching last reported it."""

    lots: int
    quote_quanta: int
    settled_index: int


class Span(NamedTuple):
    """A closed hour or day of one account; `start` is its first microsecond.

    Money in quanta (R34). `pnl` is what fills and marks gained, `realized` the part of all gains that was booked by
    closing positions, `fees` what was paid less what was received. `volume` and `trades` count trades between parties
    as they were told. `earned` is the yield: what shares of vaults gained beside what was paid in, out, and as fees.
    """

    number: int
    start: int
    account: str
    equity_start: int
    equity_end: int
    flows: int
    pnl: int
    funding: int
    fees: int
    realized: int
    volume: int
    trades: int
    earned: int


class Adjustment(NamedTuple):
    """A trade of `hour` was taken back or corrected: what that adds to one party's volume (quanta) and trades."""

    seq: int
    part: int
    number: int
    hour: int
    volume: int
    trades: int


@dataclass(slots=True)
class Account:
    """An account's ledger state and the sums of its open hour and of the closed hours of its open day.

    number: order of first appearance, from 1. active: the open hour will have a row. day: the open day, -1 when nothing
    of it is closed yet. fill_flow: sum of -fill_lots * price * u; settled: funding that fills moved into cash.
    vault_flow: cash from vaults and farms less cash into vaults, and what they kept of it as fees. shares: by vault.
    """

    number: int
    account: str
    cash: int = 0
    hour: int = 0
    active: bool = False
    equity_start: int = 0
    value_start: int = 0
    unsettled_start: int = 0
    flows: int = 0
    fill_flow: int = 0
    settled: int = 0
    fees: int = 0
    realized: int = 0
    volume: int = 0
    trades: int = 0
    day: int = -1
    day_equity_start: int = 0
    day_equity_end: int = 0
    day_flows: int = 0
    day_pnl: int = 0
    day_funding: int = 0
    day_fees: int = 0
    day_realized: int = 0
    day_volume: int = 0
    day_trades: int = 0
    vaults_start: int = 0
    vault_flow: int = 0
    day_earned: int = 0
    holdings: dict[str, Holding] = field(default_factory=dict)
    shares: dict[str, int] = field(default_factory=dict)

    def begin(self, hour: int, equity: int, value: int, unsettled: int, vaults: int) -> None:
        """Open an hour with this equity, of which `value` and `unsettled` are in positions and the last in vaults."""
        self.hour, self.active = hour, True
        self.equity_start, self.value_start, self.unsettled_start = equity, value, unsettled
        self.vaults_start, self.vault_flow = vaults, 0
        self.flows = self.fill_flow = self.settled = self.fees = self.realized = self.volume = self.trades = 0

    def pay(self, amount: int, cash_after: int) -> None:
        """Cash moved by `amount` quanta. Raises Inconsistent when that does not give the reported balance."""
        if self.cash + amount != cash_after:
            raise Inconsistent(f"{self.account}: cash {self.cash} + {amount} is not {cash_after}")
        self.cash = cash_after

    def fill(
        self,
        market: str,
        quanta_per_lot_tick: int,
        fill_lots: int,
        price_ticks: int,
        lots: int,
        quote_quanta: int,
        settled_index: int,
    ) -> None:
        """Count what a fill moved, -fill_lots * price * u, and the funding that it settled (R4, R5, R18), in quanta.

        The last three are the position after it. Raises Inconsistent when sizes do not fit.
        """
        held = self.holdings.get(market)
        if lots != fill_lots + (held.lots if held is not None else 0):
            raise Inconsistent(f"{self.account} {market}: {fill_lots} lots do not lead from {held} to {lots}")
        self.fill_flow -= fill_lots * price_ticks * quanta_per_lot_tick
        if held is None:
            self.holdings[market] = Holding(lots, quote_quanta, settled_index)
            return
        self.settled -= held.lots * (settled_index - held.settled_index)
        if lots == 0 and quote_quanta == 0:
            del self.holdings[market]
        else:
            held.lots, held.quote_quanta, held.settled_index = lots, quote_quanta, settled_index

    def hold(self, vault: str, shares: int, fee: int) -> None:
        """The account's shares after it came or went; the fee of that lowers what the vault brought."""
        self.fees += fee
        self.vault_flow += fee
        if shares:
            self.shares[vault] = shares
        else:
            self.shares.pop(vault, None)

    def close_hour(self, units: Mapping[str, Unit], vaults: Mapping[str, Vault]) -> Span:
        """Finish the hour at the marks and indices of the boundary (R34), and add it to its day."""
        value, unsettled, quote = self.worth(units)
        invested = self.invested(vaults)
        equity = self.cash + quote + value + unsettled + invested
        span = Span(
            self.number,
            self.hour,
            self.account,
            self.equity_start,
            equity,
            self.flows,
            self.fill_flow + value - self.value_start,
            self.settled + unsettled - self.unsettled_start,
            self.fees,
            self.realized,
            self.volume,
            self.trades,
            invested - self.vaults_start + self.vault_flow,
        )
        self._add_to_day(span)
        self.active = False
        return span

    def worth(self, units: Mapping[str, Unit]) -> tuple[int, int, int]:
        """V, U and Q of all positions at the boundary, in quanta (domain rules R4 and R18)."""
        value = unsettled = quote = 0
        for name, held in self.holdings.items():
            unit = units[name]
            value += held.lots * unit.boundary_mark * unit.quanta_per_lot_tick
            unsettled -= held.lots * (unit.boundary_index - held.settled_index)
            quote += held.quote_quanta
        return value, unsettled, quote

    def invested(self, vaults: Mapping[str, Vault]) -> int:
        """W at the boundary, in quanta (domain rule R36)."""
        return sum(vaults[name].worth_at_boundary(shares) for name, shares in self.shares.items())

    def _add_to_day(self, span: Span) -> None:
        if self.day < 0:
            self.day, self.day_equity_start = day_of(span.start), span.equity_start
            self.day_flows = self.day_pnl = self.day_funding = self.day_fees = 0
            self.day_realized = self.day_volume = self.day_trades = self.day_earned = 0
        self.day_equity_end = span.equity_end
        self.day_flows += span.flows
        self.day_pnl += span.pnl
        self.day_funding += span.funding
        self.day_fees += span.fees
        self.day_realized += span.realized
        self.day_volume += span.volume
        self.day_trades += span.trades
        self.day_earned += span.earned

    def close_day(self) -> Span:
        """The day as the sum of its hours: the identity of R34 holds for sums as well."""
        day, self.day = self.day, -1
        return Span(
            self.number,
            day,
            self.account,
            self.day_equity_start,
            self.day_equity_end,
            self.day_flows,
            self.day_pnl,
            self.day_funding,
            self.day_fees,
            self.day_realized,
            self.day_volume,
            self.day_trades,
            self.day_earned,
        )
