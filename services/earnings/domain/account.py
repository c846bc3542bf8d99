"""One account's open day: what it started with, what moved, and the identity that ties both together.

All amounts in quote quanta (1e-6 quote), instants in microseconds UTC. Equity E = cash + Q + V + U + W over the
account's positions and shares: Q is the quote amount of domain rule R4, V = lots * mark * u the positions' value,
U = -lots * (market index - settled index) the funding that is owed but not yet in cash (R18), W what shares of vaults
would bring (R36).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cleartide.rules.returns import day_return_1e12, weighted_flow


class Inconsistent(Exception):  # noqa: N818 - a verdict on the stream, not a fault of the reader
    """Matching's figures contradict each other: counting on would spread a wrong balance, so the service stops."""


class Valuation(NamedTuple):
    """What a market's positions are worth at one instant: mark in ticks, cumulative funding index in quanta per lot."""

    mark_ticks: int
    funding_index_quanta: int


UNPRICED: Final = Valuation(0, 0)


class Worth(NamedTuple):
    """An account's positions at one valuation: value V and unsettled funding U; and its shares of vaults. In quanta."""

    value: int
    unsettled: int
    vaults: int = 0


@dataclass(slots=True)
class Market:
    """A market's unit u (quanta per lot and tick), the marks in force and those at which the last day closed.

    A mark of 0 means none yet: until the first mark a market is valued at the price of its first fill.
    """

    market: str
    quanta_per_lot_tick: int
    now: Valuation = UNPRICED
    close: Valuation = UNPRICED


@dataclass(slots=True)
class Position:
    """A position as matching last reported it."""

    lots: int
    quote_quanta: int
    settled_index_quanta: int


class Fill(NamedTuple):
    """One PositionChanged, reduced to what moved and the state after it."""

    market: str
    fill_lots: int
    fill_price_ticks: int
    fee_quanta: int
    lots: int
    quote_quanta: int
    cash_quanta: int
    settled_index_quanta: int


class EarningsDay(NamedTuple):
    """One row of earnings: equity_end - equity_start = flows + pnl + funding - fees + yield, exactly (rule R34).

    `as_of`: the instant whose marks value equity_end; the end of the day once closed. `rebates`: what of the fees came
    back, as maker rebates and referral shares; fees are net of it, so fees paid are fees + rebates. `earned`: the
    yield, what shares of vaults gained beside what was paid in, out, and as fees. flows = deposits - withdrawals.
    `return_1e12`: by R35, of a closed day alone. `cumulative_*`: pnl + funding + yield since the account's first day,
    this one in it, before fees and after them.
    """

    account: str
    day: int
    equity_start: int
    equity_end: int
    flows: int
    pnl: int
    funding: int
    fees: int
    closed: bool
    as_of: int
    rebates: int
    earned: int
    deposits: int
    withdrawals: int
    cumulative_earned: int
    cumulative_net: int
    return_1e12: int | None


@dataclass(slots=True)
class Account:
    """One account's ledger state and the sums of its open day.

    number: order of first appearance, from 1; it fixes the order in which days are closed.
    active: the account was touched on `day` or holds a position, so `day` will have a row.
    vault_flow: cash from vaults less cash into them; vault_fees: what they kept of it as fees. shares: by vault.
    weighted: flows by the part of the day still to come (domain section 15.3). cumulative_*: at the end of the last
    closed day.
    fill_flow: sum of -fill_lots * price * u over the day's fills; settled: funding those fills moved into cash.
    """

    account: str
    number: int
    cash: int = 0
    day: int = 0
    active: bool = False
    equity_start: int = 0
    value_start: int = 0
    unsettled_start: int = 0
    deposits: int = 0
    withdrawals: int = 0
    weighted: int = 0
    fill_flow: int = 0
    settled: int = 0
    fees: int = 0
    rebates: int = 0
    vaults_start: int = 0
    vault_flow: int = 0
    vault_fees: int = 0
    cumulative_earned: int = 0
    cumulative_net: int = 0
    positions: dict[str, Position] = field(default_factory=dict)
    shares: dict[str, int] = field(default_factory=dict)

    def transfer(self, amount: int, cash_after: int, at: int) -> None:
        """Collateral moved; `amount` is signed from the account's view: what came is a deposit, what went the other."""
        if amount > 0:
            self.deposits += amount
        else:
            self.withdrawals -= amount
        self.weighted += weighted_flow(amount, at)
        self.cash = cash_after

    def reward(self, amount: int, cash_after: int) -> None:
        """A fee received counts against the fees paid (domain rule R6)."""
        self.fees -= amount
        self.rebates += amount
        self.cash = cash_after

    def vault_transfer(self, amount: int, cash_after: int) -> None:
        """Cash came from a vault or went into one; what it bought or sold is equity as well (domain rule R36)."""
        self.vault_flow += amount
        self.cash = cash_after

    def hold(self, vault: str, shares: int, fee: int) -> None:
        """The account's shares after it came or went, and the fee of that."""
        self.vault_fees += fee
        if shares:
            self.shares[vault] = shares
        else:
            self.shares.pop(vault, None)

    def fill(self, fill: Fill, quanta_per_lot_tick: int) -> None:
        """Count one fill: what it moves is -fill_lots * price * u, and the old size's funding is settled (R4, R5, R18).

        Raises Inconsistent when the reported size is not the old one plus the fill.
        """
        held = self.positions.get(fill.market)
        lots_before = held.lots if held else 0
        if fill.lots != lots_before + fill.fill_lots:
            where = f"{self.account} {fill.market}"
            raise Inconsistent(f"{where}: {lots_before} + {fill.fill_lots} lots is not {fill.lots}")
        if held:
            self.settled -= lots_before * (fill.settled_index_quanta - held.settled_index_quanta)
        self.fill_flow -= fill.fill_lots * fill.fill_price_ticks * quanta_per_lot_tick
        self.fees += fill.fee_quanta
        self.rebates -= min(fill.fee_quanta, 0)
        self.cash = fill.cash_quanta
        if fill.lots == 0 and fill.quote_quanta == 0:
            self.positions.pop(fill.market, None)
        else:
            self.positions[fill.market] = Position(fill.lots, fill.quote_quanta, fill.settled_index_quanta)

    def worth(self, markets: Mapping[str, Market], *, at_close: bool) -> Worth:
        """V = sum of lots * mark * u (R4) and U = -sum of lots * (index - settled index) (R18), in quanta.

        At the marks in force, or at those of the last close.
        """
        value = unsettled = 0
        for name, position in self.positions.items():
            market = markets[name]
            mark, index = market.close if at_close else market.now
            value += position.lots * mark * market.quanta_per_lot_tick
            unsettled -= position.lots * (index - position.settled_index_quanta)
        return Worth(value, unsettled)

    def result(self, worth: Worth, *, closed: bool, as_of: int) -> EarningsDay:
        """The day at one valuation. Raises Inconsistent when equity moved by other than its reasons (R34).

        Equity comes from the balances matching reports, the reasons from what it says has moved: a fill with a
        wrong balance, quote amount, realized figure or funding payment breaks the equation.
        """
        quote = sum(position.quote_quanta for position in self.positions.values())
        equity = self.cash + quote + worth.value + worth.unsettled + worth.vaults
        flows, fees = self.deposits - self.withdrawals, self.fees + self.vault_fees
        pnl = self.fill_flow + worth.value - self.value_start
        funding = self.settled + worth.unsettled - self.unsettled_start
        earned = worth.vaults - self.vaults_start + self.vault_flow + self.vault_fees
        gained = pnl + funding + earned
        if gap := equity - self.equity_start - (flows + gained - fees):
            raise Inconsistent(f"{self.account} day {self.day}: equity is off by {gap} quanta from its reasons")
        return EarningsDay(
            account=self.account,
            day=self.day,
            equity_start=self.equity_start,
            equity_end=equity,
            flows=flows,
            pnl=pnl,
            funding=funding,
            fees=fees,
            closed=closed,
            as_of=as_of,
            rebates=self.rebates,
            earned=earned,
            deposits=self.deposits,
            withdrawals=self.withdrawals,
            cumulative_earned=self.cumulative_earned + gained,
            cumulative_net=self.cumulative_net + gained - fees,
            return_1e12=day_return_1e12(self.equity_start, equity, flows, self.weighted) if closed else None,
        )

    def begin(self, day: int, equity: int, worth: Worth) -> None:
        """Open a day with this equity, of which `worth` is in positions and vaults; both in quanta."""
        self.day, self.active = day, True
        self.equity_start, self.value_start, self.unsettled_start = equity, worth.value, worth.unsettled
        self.vaults_start = worth.vaults
        self.deposits = self.withdrawals = self.weighted = self.fill_flow = self.settled = 0
        self.fees = self.rebates = self.vault_flow = self.vault_fees = 0
