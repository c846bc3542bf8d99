"""What risk knows: markets, accounts and positions, as matching's events left them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cleartide.contracts import MarginBracket
from cleartide.rules.margin import PositionView

from services.risk.domain.alerts import Alert
from services.risk.domain.fences import Fences
from services.risk.domain.levels import Level
from services.risk.domain.safe_box import Slope, slope_of


@dataclass(slots=True, eq=False)
class Market:
    """A market's rules and last price. `mark_ticks` 0: no price yet, so its holders cannot be judged.

    holders: who has a position; fences: their price bounds; due: those below maintenance without an open request.
    """

    market: str
    tick_size: str
    lot_size: str
    quanta_per_lot_tick: int
    brackets: Sequence[MarginBracket]
    mark_ticks: int = 0
    index_stale: bool = True
    funding_index_quanta: int = 0
    slope: Slope = field(init=False)
    holders: "dict[str, Account]" = field(default_factory=dict)
    fences: "Fences[Account]" = field(default_factory=Fences)
    due: "dict[str, Account]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.slope = slope_of(self.brackets)


@dataclass(slots=True, eq=False)
class Position:
    """`quote_quanta` is Q of domain rule R4; funding is settled up to `funding_index_quanta` (quanta per lot)."""

    market: Market
    lots: int
    quote_quanta: int
    funding_index_quanta: int

    @property
    def value_quanta(self) -> int:
        """Signed value at the mark price."""
        return self.lots * self.market.mark_ticks * self.market.quanta_per_lot_tick

    @property
    def unsettled_funding_quanta(self) -> int:
        """Funding since the last settlement, credit > 0: a long pays while the index rises."""
        return -self.lots * (self.market.funding_index_quanta - self.funding_index_quanta)

    def view(self) -> PositionView:
        """As the margin rules see it."""
        return PositionView(
            self.lots, self.value_quanta, self.quote_quanta, self.unsettled_funding_quanta, self.market.brackets
        )


class Request(NamedTuple):
    """A request to liquidate: the market to close, and the event and time it was decided on."""

    market: str
    observed_seq: int
    requested_at: int


@dataclass(slots=True, eq=False)
class Account:
    """One cross-margin account. `liquidating`: its last request has not been answered yet."""

    account: str
    cash_quanta: int = 0
    level: Level = Level.NONE
    account_seq: int = 0
    last_request: Request | None = None
    liquidating: bool = False
    positions: dict[str, Position] = field(default_factory=dict)
    box: int = 0


@dataclass(eq=False)
class Dirty:
    """What changed since the repository last looked."""

    specs: set[str] = field(default_factory=set)
    markets: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    positions: set[tuple[str, str]] = field(default_factory=set)
    alerts: list[Alert] = field(default_factory=list)

    def clear(self) -> None:
        """All of it has been written down."""
        for marks in (self.specs, self.markets, self.accounts, self.positions, self.alerts):
            marks.clear()


@dataclass(eq=False)
class RiskState:
    """Everything risk folds. `alerts` counts all alerts ever raised; `boxes` numbers the safe boxes ever placed."""

    markets: dict[str, Market] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    alerts: int = 0
    boxes: int = 0
    dirty: Dirty = field(default_factory=Dirty)

    def list_market(
        self, market: str, tick_size: str, lot_size: str, quanta_per_lot_tick: int, brackets: Sequence[MarginBracket]
    ) -> Market:
        """Open a market, or give an open one new rules; its price, index and holders stay."""
        known = self.markets.get(market)
        if known is None:
            known = Market(market, tick_size, lot_size, quanta_per_lot_tick, brackets)
            self.markets[market] = known
        else:
            known.tick_size, known.lot_size = tick_size, lot_size
            known.quanta_per_lot_tick, known.brackets = quanta_per_lot_tick, brackets
            known.slope = slope_of(brackets)
        self.dirty.specs.add(market)
        self.dirty.markets.add(market)
        return known

    def set_mark(self, market: Market, mark_ticks: int, index_stale: bool) -> None:
        """Take over a mark price and whether the index behind it is fresh (domain rule R13)."""
        market.mark_ticks, market.index_stale = mark_ticks, index_stale
        self.dirty.markets.add(market.market)

    def set_funding_index(self, market: Market, funding_index_quanta: int) -> None:
        """Take over the cumulative funding of one lot; it reaches cash when a position is touched."""
        market.funding_index_quanta = funding_index_quanta
        self.dirty.markets.add(market.market)

    def set_cash(self, account: str, cash_quanta: int) -> Account:
        """Take over an account's cash; an account begins with the first event that names it."""
        known = self.accounts.setdefault(account, Account(account))
        known.cash_quanta = cash_quanta
        self.dirty.accounts.add(account)
        return known

    def set_position(
        self, account: Account, market: Market, lots: int, quote_quanta: int, funding_index_quanta: int
    ) -> None:
        """Take over a position; with no lots left it is gone, and so are its bounds."""
        self.dirty.positions.add((account.account, market.market))
        if lots:
            account.positions[market.market] = Position(market, lots, quote_quanta, funding_index_quanta)
            market.holders[account.account] = account
        else:
            account.positions.pop(market.market, None)
            market.holders.pop(account.account, None)
            market.due.pop(account.account, None)

    def record_alert(self, account: Account, alert: Alert) -> None:
        """Move the account to the alert's level and number the alert."""
        account.level = alert.level
        account.account_seq = alert.account_seq
        self.alerts = alert.alert_seq
        self.dirty.accounts.add(account.account)
        self.dirty.alerts.append(alert)

    def open_request(self, account: Account, request: Request) -> None:
        """Note a request to liquidate; no other is made until it is answered."""
        account.last_request, account.liquidating = request, True
        self.dirty.accounts.add(account.account)

    def close_request(self, account: Account) -> None:
        """Matching answered."""
        account.liquidating = False
        self.dirty.accounts.add(account.account)
