"""What the model knows. Plain data: sizes in lots, prices in ticks, money in quanta, times in microseconds."""

from collections import Counter
from copy import copy
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cleartide.contracts import AssetSpec, FeeTier, MarketSpec, Message, OrderTerms

from services.matching.tests.model.linked import Ended, Filled
from services.matching.tests.model.numbers import MINUTE
from services.matching.tests.model.triggers import Armed, Met, Moved
from services.matching.tests.model.vault_record import Vault

if TYPE_CHECKING:
    from services.matching.tests.model.courses import Auction

OUTSIDE: Final = "outside"
INSURANCE: Final = "insurance"
RESERVED: Final = (OUTSIDE, INSURANCE, "venue")

MOST_LOTS: Final = 2**40 - 1
MOST_TICKS: Final = 2**40 - 1
MOST_QUANTA: Final = 2**53 - 1
MOST_NOTIONAL: Final = 2**50
MOST_VALUE: Final = 2**52
MOST_BALANCE: Final = 2**52
MOST_COLLATERAL: Final = 2**51
MOST_OPEN_INTEREST: Final = 2**49
MOST_OUTSIDE_LOTS: Final = 2**48
MOST_ORDERS: Final = 1_000
NAMES_REMEMBERED: Final = 4_096
MOST_PARTS: Final = 100
"""Of an iceberg: what it shows times this is not less than its size."""

Said = tuple[str, dict[str, Any]]


class Refusal(Exception):  # noqa: N818 - a verdict, not a fault
    """The command is not done, and nothing changes."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Missing(Exception):  # noqa: N818 - a verdict, not a fault
    """A numbered command is missing before this one: the service must stop."""


@dataclass
class Market:
    """A market's rules, prices and pots.

    since, fresh_since: when it came to trade as it does, and when a fresh index last came after none or an old one.
    state: how it trades; ends_at: when that ends by itself, None for never. version: of its rules.
    average: of the index over five minutes, in millionths of a tick, up to the last price.
    funding_total: the exact sum of mark * u * rate over all settled intervals, per lot.
    basis: the smoothed mid - index in millionths of a tick, stepped up to the second `basis_second`.
    """

    spec: MarketSpec
    tick: Fraction
    lot: Fraction
    unit: int
    mark: int = 0
    index: int = 0
    last: int = 0
    stale: bool = True
    heard_at: int = 0
    since: int = 0
    fresh_since: int = 0
    state: str = "trading"
    ends_at: int | None = None
    version: int = 1
    average: int = 0
    basis: int | None = None
    basis_second: int = 0
    minute: int = -1
    funding_total: Fraction = Fraction(0)
    funding_rate: int = 0
    interval_start: int = -1
    interval: int = 0
    funding_pot: int = 0
    insurance: int = 0

    @property
    def name(self) -> str:
        """Its id."""
        return self.spec.market

    @property
    def matches(self) -> bool:
        """Whether its orders meet as they come."""
        return self.state in ("trading", "reduce_only", "delisting")


@dataclass
class Position:
    """Signed lots, their signed quote amount Q (what was paid is negative), and funding not yet in cash.

    funding_since: the market's funding index at the last fill.
    """

    lots: int = 0
    quote: int = 0
    funding: int = 0
    funding_since: int = 0


@dataclass
class Account:
    """An account: cash, positions by market, and the client order ids that it may not use again, oldest first.

    leverages: its own choice by market, 0 for none. parent: of a sub-account; pinned: an isolated one's market.
    delegates: what others may do for it. collateral: smallest units beside cash, by asset.
    """

    name: str
    opened_at: int
    cash: int = 0
    positions: dict[str, Position] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    leverages: dict[str, int] = field(default_factory=dict)
    parent: str = ""
    pinned: str = ""
    delegates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    collateral: dict[str, int] = field(default_factory=dict)

    def position(self, market: str) -> Position:
        """The position in a market; an empty one where there is none."""
        return self.positions.setdefault(market, Position())

    def copy(self) -> "Account":
        """Another account in the same state, to try something on."""
        positions = {market: copy(position) for market, position in self.positions.items()}
        return replace(self, positions=positions, collateral=dict(self.collateral))


@dataclass
class Order:
    """A resting order, or one that arrives. side: +1 buys, -1 sells. loss: to the mark at entry, per lot.

    age: of two orders at one price the one of less age trades first. display: lots shown at a time, 0 for all; shown:
    lots shown now. prevented: lots that met their own account. until: its end, 0 for none. paid: quanta of its fills.
    quoted: it stands in an auction, with a number among quotes.
    """

    number: int
    account: str
    market: str
    name: str
    side: int
    price: int
    size: int
    left: int
    reduce_only: bool
    loss: int
    prevention: str = "expire_maker"
    display: int = 0
    shown: int = 0
    prevented: int = 0
    until: int = 0
    age: int = 0
    post_only: bool = False
    kind: str = "limit"
    in_force: str = "gtc"
    paid: int = 0
    quoted: bool = False

    @property
    def filled(self) -> int:
        """Lots that have traded."""
        return self.size - self.left - self.prevented


@dataclass
class Round:
    """Of a market that batches: it collects until `closes_at`, may be opened until `ends_at`."""

    number: int
    market: str
    closes_at: int
    ends_at: int


@dataclass
class Commitment:
    """An account's part in a round; salt, actor and order once it is opened."""

    number: int
    round: int
    account: str
    digest: str
    bond: int
    salt: str = ""
    actor: str | None = None
    order: OrderTerms | None = None


@dataclass
class Reported:
    """A trade from outside as it holds now. first, at: of its first form; before: the last price before it."""

    source: str
    name: str
    market: str
    first: int
    number: int
    at: int
    price: int
    lots: int
    buyer: str
    seller: str
    before: int
    busted: bool = False


@dataclass
class Incoming:
    """A deposit that is neither credited nor lost."""

    number: int
    asset: str
    account: str
    amount: int
    confirmations: int
    needed: int
    seen_at: int
    status: str = "pending"


@dataclass
class Outgoing:
    """A withdrawal whose amount is locked."""

    account: str
    asset: str
    amount: int
    destination: str
    asked_at: int
    status: str = "pending"


class Limits(NamedTuple):
    """Of every account in a mode: quanta of one position, leverage, quanta lost in a UTC day."""

    max_position: int | None = None
    max_leverage: int | None = None
    max_daily_loss: int | None = None


@dataclass
class World:
    """Everything. `orders`: those that rest, by number; `armed`: those that wait for a price;
    `auctions`: those that are auctioned.

    dormant: exits that no fill has armed yet. entries: open orders that have exits. groups: names by order. spent: the
    others of groups in which an order has traded. passed: whether time has ended orders before the command. pending:
    what is to follow from it. fired: orders to be placed, in their turn. batched: whether a batch or a slot came before
    the command. secrets: what its owners know of a digest. untold: what funds held before a trade of theirs that nobody
    has told yet. switches: those that are on. changes: how many of the venue are written down. reported: trades that
    may still be restated, the oldest first. transfers: steps of this command. incoming: deposits by (asset,
    transaction, output); outgoing: withdrawals by number. limits: by mode; caps: a tier's, per minute, hour and day;
    terms: (tier, standing) by account; order_times: (number, when) of the orders that caps count; results: (day,
    quanta) by account.
    schedules: tiers by market, of "" those of all others; referral: ppb less for the referred, and of the rest for who
    brought them; referral_said: by the operator. revenue: takers' fees, makers', rebates and referrers' parts by (day,
    market). pools: smallest units by pool and asset; locked: by (asset, account); outside: by asset. conceded: quanta
    of equity that accounts have lost by sales of assets within this command. vault_moves: steps of vaults in it.
    """

    markets: dict[str, Market] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    armed: dict[int, Armed] = field(default_factory=dict)
    auctions: dict[int, "Auction"] = field(default_factory=dict)
    dormant: dict[int, Armed] = field(default_factory=dict)
    entries: set[int] = field(default_factory=set)
    groups: dict[int, str] = field(default_factory=dict)
    spent: list[Order] = field(default_factory=list)
    pending: list[Met | Moved | Filled | Ended] = field(default_factory=list)
    fired: list[Armed] = field(default_factory=list)
    rounds: dict[int, Round] = field(default_factory=dict)
    commitments: dict[int, Commitment] = field(default_factory=dict)
    assets: dict[str, AssetSpec] = field(default_factory=dict)
    pools: dict[str, dict[str, int]] = field(default_factory=dict)
    locked: Counter[tuple[str, str]] = field(default_factory=Counter)
    round_number: int = 0
    commitment_number: int = 0
    batched: bool = False
    secrets: dict[str, tuple[str, OrderTerms]] = field(default_factory=dict)
    fees: int = 0
    schedules: dict[str, tuple[FeeTier, ...]] = field(default_factory=dict)
    referral: tuple[int, int] = (100_000_000, 250_000_000)
    referral_said: bool = False
    volumes: dict[tuple[str, int], int] = field(default_factory=dict)
    revenue: dict[tuple[int, str], tuple[int, int, int, int]] = field(default_factory=dict)
    referrers: dict[str, str] = field(default_factory=dict)
    rewards: dict[str, int] = field(default_factory=dict)
    outside: Counter[str] = field(default_factory=Counter)
    order_number: int = 0
    trade_number: int = 0
    quote_number: int = 0
    liquidation_number: int = 0
    cooldowns: dict[tuple[str, str], int] = field(default_factory=dict)
    untold: dict[str, int] = field(default_factory=dict)
    switches: set[str] = field(default_factory=set)
    changes: int = 0
    mode: str = "demo"
    limits: dict[str, Limits] = field(default_factory=dict)
    caps: dict[str, tuple[int | None, int | None, int | None]] = field(default_factory=dict)
    terms: dict[str, tuple[str, str]] = field(default_factory=dict)
    order_times: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    results: dict[str, tuple[int, int]] = field(default_factory=dict)
    reported: list[Reported] = field(default_factory=list)
    incoming: dict[tuple[str, str, int], Incoming] = field(default_factory=dict)
    outgoing: dict[int, Outgoing] = field(default_factory=dict)
    vaults: dict[str, Vault] = field(default_factory=dict)
    exit_number: int = 0
    vault_move_number: int = 0
    vault_moves: list[tuple[Any, ...]] = field(default_factory=list)
    transfer_number: int = 0
    transfers: list[tuple[Any, ...]] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    applied: set[tuple[str, str, str]] = field(default_factory=set)
    at: int = 0
    ages: int = 0
    passed: bool = False
    said: list[Said] = field(default_factory=list)
    conceded: Counter[str] = field(default_factory=Counter)
    trades: list[dict[str, Any]] = field(default_factory=list)

    def say(self, contract: type[Message], **body: Any) -> None:
        """An event that the service must publish, with these fields."""
        self.said.append((contract.__name__, body))

    def book(self, market: str, side: int) -> list[Order]:
        """The orders of one side, the next to trade first: best price, then age."""
        resting = [order for order in self.orders.values() if order.market == market and order.side == side]
        return sorted(resting, key=lambda order: (-side * order.price, order.age))

    def best(self, market: str, side: int) -> int | None:
        """Best price of one side."""
        prices = [order.price for order in self.orders.values() if order.market == market and order.side == side]
        return (max(prices) if side > 0 else min(prices)) if prices else None

    def orders_of(self, account: str) -> list[Order]:
        """An account's resting orders, and those that are auctioned, oldest first."""
        auctioned = {number: auction.order for number, auction in self.auctions.items()}
        return [order for _, order in sorted({**self.orders, **auctioned}.items()) if order.account == account]

    def open_orders(self) -> list[Order]:
        """Those that rest, those that wait for a price, and those that are auctioned."""
        armed = [armed.order for armed in self.armed.values()]
        return [*self.orders.values(), *armed, *(auction.order for auction in self.auctions.values())]

    def open_interest(self, market: str) -> int:
        """The sum of all long positions in lots."""
        held = (account.positions.get(market) for account in self.accounts.values())
        return sum(max(0, position.lots) for position in held if position is not None)

    def rest(self, order: Order) -> None:
        """The order becomes the last of its price, and shows its first part."""
        self.ages += 1
        order.age = self.ages
        order.shown = min(order.display or order.left, order.left)
        self.orders[order.number] = order

    def trial(self) -> "World":
        """Another world in the same state, to try an order in: what happens there is said to nobody."""
        return World(
            markets={name: copy(market) for name, market in self.markets.items()},
            accounts={name: account.copy() for name, account in self.accounts.items()},
            orders={number: copy(order) for number, order in self.orders.items()},
            groups=dict(self.groups),
            schedules=self.schedules,
            referral=self.referral,
            volumes=dict(self.volumes),
            referrers=self.referrers,
            rewards=dict(self.rewards),
            assets=self.assets,
            pools={name: dict(held) for name, held in self.pools.items()},
            order_number=self.order_number,
            at=self.at,
            ages=self.ages,
        )

    def open_account(self, name: str) -> Account:
        """The account of this name, made on first use."""
        return self.accounts.setdefault(name, Account(name, self.at))


def is_stale(world: World, market: Market) -> bool:
    """No fresh index: declared so, or silent for more than a minute (R13)."""
    return market.stale or world.at - market.heard_at > MINUTE
