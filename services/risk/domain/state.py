"""What risk knows: markets, accounts and positions, as matching's events left them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from cleartide.contracts import AlertKind, AssetSpec, MarginBracket
from cleartide.contracts.pools import EVERYBODY, Pool
from cleartide.money import PPB
from cleartide.rules.margin import PositionView, open_interest_scale

from services.risk.domain.alerts import Alert
from services.risk.domain.collateral import Asset, Stake
from services.risk.domain.levels import Level
from services.risk.domain.rules import RuleBook
from services.risk.domain.watch import Watch

if TYPE_CHECKING:
    from services.risk.domain.measures import Limits, Track

Key = TypeVar("Key")
Value = TypeVar("Value")
HOUR_MICROS: Final = 3_600_000_000
MOST_HOURS: Final = 744
"""Hours of prices kept per market: 31 days."""


@dataclass(slots=True, eq=False)
class Market:
    """A market's rules and last price. `mark_ticks` 0: no price yet, so its holders cannot be judged.

    oi_scale: between these open interests, in quanta at the index, initial margin rises; equal: it does not (3.2).
    holders: who has a position; due: those below maintenance without an open request; assets: those whose price is this
    market's index. hours: its first mark in each of the last hours, by hours since the epoch. limited: holders with
    limits of their own. funding_rate_ppb: of its last funding, None before. stale_since: when its index stopped being
    fresh, 0 while it is. wheel: its number in the watch, -1 before it has one; fits: whether the watch can hold its
    rules.
    """

    market: str
    tick_size: str
    lot_size: str
    quanta_per_lot_tick: int
    brackets: Sequence[MarginBracket]
    oi_scale: tuple[int, int] = (0, 0)
    taker_fee_ppb: int = 0
    mark_ticks: int = 0
    index_ticks: int = 0
    index_stale: bool = True
    open_interest_lots: int = 0
    funding_index_quanta: int = 0
    funding_rate_ppb: int | None = None
    holders: "dict[str, Account]" = field(default_factory=dict)
    due: "dict[str, Account]" = field(default_factory=dict)
    assets: dict[str, Asset] = field(default_factory=dict)
    hours: dict[int, int] = field(default_factory=dict)
    limited: "dict[str, Account]" = field(default_factory=dict)
    stale_since: int = 0
    wheel: int = -1
    fits: bool = True

    def maintenance(self, notional_quanta: int) -> int:
        """Maintenance margin of a position: each slice at its own rate, rounded up twice (R8)."""
        required = lower = 0
        for bracket in self.brackets:
            upper = bracket.upper_notional_quanta
            top = notional_quanta if upper is None or notional_quanta < upper else upper
            if top <= lower:
                break
            initial = -((lower - top) * bracket.initial_margin_ppb // PPB)
            required -= -initial * bracket.maintenance_fraction_ppb // PPB
            lower = top
        return required

    @property
    def oi_scale_ppm(self) -> int:
        """How far open interest raised initial margin at the last price."""
        open_interest = self.open_interest_lots * self.index_ticks * self.quanta_per_lot_tick
        return open_interest_scale(open_interest, *self.oi_scale)


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

    def view(self, leverage: int) -> PositionView:
        """As the margin rules see it, with the leverage that its holder chose (0 for none)."""
        return PositionView(
            self.lots,
            self.value_quanta,
            self.quote_quanta,
            self.unsettled_funding_quanta,
            self.market.brackets,
            leverage,
            self.market.oi_scale_ppm,
        )


class Answer(NamedTuple):
    """What an account said to one of its alerts."""

    account: str
    account_seq: int
    answer: str
    note: str
    actor: str
    at: int


class InsurancePoint(NamedTuple):
    """What is in a market's insurance fund after an event."""

    market: str
    seq: int
    at: int
    balance_quanta: int


class Request(NamedTuple):
    """A request to liquidate: the market to close, and the event and time it was decided on."""

    market: str
    observed_seq: int
    requested_at: int


NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})
"""What most accounts have of collateral, choices and flags: one for all of them, as an empty dict takes 64 bytes.
Whoever has some has a mapping of his own, which is replaced, never changed."""


def _nothing() -> Mapping[Any, Any]:
    return NOTHING


def _with(held: Mapping[Key, Value], key: Key, value: Value) -> Mapping[Key, Value]:
    return {**held, key: value}


def _without(held: Mapping[Key, Value], key: Key) -> Mapping[Key, Value]:
    return {each: value for each, value in held.items() if each != key} or NOTHING


@dataclass(slots=True, eq=False)
class Account:
    """One margin account. `liquidating`: its last request has not been answered yet.

    collateral: what it holds beside cash, by asset; leverages: its choices, by market.
    limits, track: what it wants to be alerted at, and the equity that is measured from; flags: alerts that hold beside
    health, by kind and market; fills: how many in busy_minute. row: its place in the watch; is_due: whether its markets
    list it as due.
    """

    account: str
    cash_quanta: int = 0
    level: Level = Level.NONE
    account_seq: int = 0
    last_request: Request | None = None
    liquidating: bool = False
    busy_minute: int = 0
    fills: int = 0
    limits: "Limits | None" = None
    track: "Track | None" = None
    positions: dict[str, Position] = field(default_factory=dict)
    flags: Mapping[tuple[AlertKind, str], None] = field(default_factory=_nothing)
    collateral: Mapping[str, Stake] = field(default_factory=_nothing)
    leverages: Mapping[str, int] = field(default_factory=_nothing)
    row: int = 0
    is_due: bool = False


@dataclass(eq=False)
class Dirty:
    """What changed since the repository last looked."""

    specs: set[str] = field(default_factory=set)
    markets: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    positions: set[tuple[str, str]] = field(default_factory=set)
    assets: set[str] = field(default_factory=set)
    collateral: set[tuple[str, str]] = field(default_factory=set)
    leverages: set[tuple[str, str]] = field(default_factory=set)
    limits: set[str] = field(default_factory=set)
    flags: set[tuple[str, AlertKind, str]] = field(default_factory=set)
    answers: list[Answer] = field(default_factory=list)
    hours: list[tuple[str, int]] = field(default_factory=list)
    insurance: list[InsurancePoint] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    def clear(self) -> None:
        """All of it has been written down."""
        held = (self.positions, self.assets, self.collateral, self.leverages)
        watched = (self.limits, self.flags, self.answers, self.hours, self.insurance, self.alerts)
        for marks in (self.specs, self.markets, self.accounts, *held, *watched):
            marks.clear()


@dataclass(eq=False)
class RiskState:
    """Everything risk folds. `alerts` counts all alerts ever raised; `watch` knows whom a price concerns.

    book: the operator's alert rules.

    pool: the accounts that are this state's; of markets, assets and prices every pool keeps all.
    """

    markets: dict[str, Market] = field(default_factory=dict)
    assets: dict[str, Asset] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    alerts: int = 0
    watch: Watch = field(default_factory=Watch)
    book: RuleBook = field(default_factory=RuleBook)
    dirty: Dirty = field(default_factory=Dirty)
    pool: Pool = EVERYBODY

    def list_market(self, fresh: Market) -> Market:
        """Open a market, or give an open one new rules; its price, index and holders stay."""
        known = self.markets.setdefault(fresh.market, fresh)
        if known is not fresh:
            known.tick_size, known.lot_size = fresh.tick_size, fresh.lot_size
            known.quanta_per_lot_tick, known.brackets = fresh.quanta_per_lot_tick, fresh.brackets
            known.oi_scale, known.taker_fee_ppb = fresh.oi_scale, fresh.taker_fee_ppb
        self.watch.set_rules(known)
        self.dirty.specs.add(known.market)
        self.dirty.markets.add(known.market)
        return known

    def list_asset(self, spec: AssetSpec) -> Asset:
        """Take an asset as collateral, or give one new rules; its holders stay."""
        market = self.markets[spec.index_market] if spec.index_market is not None else None
        known = self.assets.setdefault(spec.asset, Asset(spec.asset, spec, market))
        if known.market is not None:
            known.market.assets.pop(spec.asset, None)
            for holder in known.holders:
                known.market.due.pop(holder, None)
        known.spec, known.market = spec, market
        if market is not None:
            market.assets[spec.asset] = known
        self.watch.set_asset(known)
        self.dirty.assets.add(spec.asset)
        return known

    def set_mark(
        self, market: Market, mark_ticks: int, index_ticks: int, index_stale: bool, open_interest_lots: int
    ) -> None:
        """Take over a mark price, and the index behind it with whether it is fresh (domain rule R13)."""
        market.mark_ticks, market.index_ticks = mark_ticks, index_ticks
        market.index_stale, market.open_interest_lots = index_stale, open_interest_lots
        self.dirty.markets.add(market.market)

    def record_hour(self, market: Market, hour: int) -> bool:
        """Keep the price of an hour's first mark; the oldest hour goes when there are MOST_HOURS. True: it is new."""
        if hour in market.hours:
            return False
        market.hours[hour] = market.mark_ticks
        self.dirty.hours.append((market.market, hour))
        if len(market.hours) > MOST_HOURS:
            oldest = min(market.hours)
            del market.hours[oldest]
            self.dirty.hours.append((market.market, oldest))
        return True

    def set_funding_index(self, market: Market, funding_index_quanta: int, rate_ppb: int) -> None:
        """Take over the cumulative funding of one lot; it reaches cash when a position is touched."""
        market.funding_index_quanta, market.funding_rate_ppb = funding_index_quanta, rate_ppb
        self.dirty.markets.add(market.market)

    def account(self, name: str) -> Account:
        """The account of this name; it begins with the first event that names it."""
        known = self.accounts.get(name)
        if known is None:
            known = self.accounts[name] = Account(name)
            self.dirty.accounts.add(name)
        return known

    def set_cash(self, account: str, cash_quanta: int) -> Account:
        """Take over an account's cash."""
        known = self.account(account)
        known.cash_quanta = cash_quanta
        self.dirty.accounts.add(account)
        return known

    def set_position(
        self, account: Account, market: Market, lots: int, quote_quanta: int, funding_index_quanta: int
    ) -> None:
        """Take over a position; with no lots left it is gone, and so are its bounds."""
        self.dirty.positions.add((account.account, market.market))
        self.watch.hold(account, market, lots)
        if self.book.watches_holders:
            self.book.hold(account.account, market.market, bool(lots))
        if lots:
            account.positions[market.market] = Position(market, lots, quote_quanta, funding_index_quanta)
            market.holders[account.account] = account
            if account.limits is not None:
                market.limited[account.account] = account
        else:
            account.positions.pop(market.market, None)
            market.holders.pop(account.account, None)
            market.limited.pop(account.account, None)
            market.due.pop(account.account, None)

    def set_collateral(self, account: str, asset: Asset, units: int) -> Account:
        """Take over what an account holds of an asset; with nothing left it holds it no more."""
        known = self.account(account)
        self.dirty.collateral.add((account, asset.asset))
        self.watch.hold_asset(known, asset, units)
        if units:
            known.collateral = _with(known.collateral, asset.asset, Stake(asset, units))
            asset.holders[account] = known
        else:
            known.collateral = _without(known.collateral, asset.asset)
            asset.holders.pop(account, None)
            if asset.market is not None:
                asset.market.due.pop(account, None)
        return known

    def set_leverage(self, account: str, market: str, leverage: int | None) -> None:
        """Take over a choice of leverage; None takes it back."""
        known = self.account(account)
        self.dirty.leverages.add((account, market))
        if leverage:
            known.leverages = _with(known.leverages, market, leverage)
        else:
            known.leverages = _without(known.leverages, market)

    def set_limits(self, account: Account, limits: "Limits", track: "Track | None") -> None:
        """Take over an account's limits; without any, nothing of it is tracked."""
        chosen = limits if any(limit is not None for limit in limits) else None
        account.limits, account.track = chosen, track if chosen else None
        self.dirty.limits.add(account.account)
        for position in account.positions.values():
            if chosen is None:
                position.market.limited.pop(account.account, None)
            else:
                position.market.limited[account.account] = account

    def set_flag(self, account: Account, kind: AlertKind, market: str, on: bool) -> None:
        """An alert beside health begins or ends to hold."""
        if on:
            account.flags = _with(account.flags, (kind, market), None)
        else:
            account.flags = _without(account.flags, (kind, market))
        self.dirty.flags.add((account.account, kind, market))

    def record_alert(self, account: Account, alert: Alert) -> None:
        """Move the account to the alert's level, if it is about health, and number the alert."""
        if alert.kind == "health":
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
