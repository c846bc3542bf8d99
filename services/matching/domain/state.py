"""Everything matching knows, and what of it has changed since it was last collected."""

from dataclasses import dataclass, field
from typing import NamedTuple

from services.matching.domain.accounts import Account, Holding
from services.matching.domain.book import Book, Order
from services.matching.domain.conditional.registry import Conditionals
from services.matching.domain.deadlines import Deadlines
from services.matching.domain.intake import Intake
from services.matching.domain.jit.record import Auctions
from services.matching.domain.ledger import FEES, Ledger, cash_name, position_name
from services.matching.domain.market import Market
from services.matching.domain.reported import ReportedTrades
from services.matching.domain.sealed.record import Rounds
from services.matching.domain.treasury import Treasury
from services.matching.domain.vaults.record import Vaults
from services.matching.domain.venue.record import Venue
from services.matching.domain.waterfall.record import Solvency


class TradeRecord(NamedTuple):
    """One trade, in the column order of its table."""

    trade_id: int
    market: str
    at: int
    price_ticks: int
    size_lots: int
    quote_quanta: int
    buyer: str
    seller: str
    buy_order_id: int | None
    sell_order_id: int | None
    taker_side: str
    origin: str
    outside_trade_id: str
    buyer_fee_quanta: int
    seller_fee_quanta: int
    corrects: int | None


class ClosedOrder(NamedTuple):
    """An order that is over, in the column order of its table."""

    order_id: int
    account: str
    market: str
    client_order_id: str
    side: int
    order_type: str
    time_in_force: str
    post_only: bool
    reduce_only: bool
    price_ticks: int
    size_lots: int
    filled_lots: int
    quote_quanta: int
    state: str
    reason: str
    placed_at: int
    closed_at: int

    @classmethod
    def of(cls, order: Order, reason: str, at: int) -> "ClosedOrder":
        """The order as it stands, closed for a reason at a time (microseconds)."""
        return cls(
            order_id=order.order_id,
            account=order.account,
            market=order.market,
            client_order_id=order.client_order_id,
            side=order.side,
            order_type=order.order_type,
            time_in_force=order.time_in_force,
            post_only=order.post_only,
            reduce_only=order.reduce_only,
            price_ticks=order.price,
            size_lots=order.size,
            filled_lots=order.filled,
            quote_quanta=order.quote,
            state=order.state,
            reason=reason,
            placed_at=order.placed_at,
            closed_at=at,
        )


class LiquidationRecord(NamedTuple):
    """One liquidation step, in the column order of its table."""

    liquidation_id: int
    at: int
    account: str
    market: str
    closed_lots: int
    taken_over_lots: int
    remaining_lots: int
    mark_ticks: int
    bankruptcy_price_ticks: int
    fee_quanta: int
    insurance_paid_quanta: int
    equity_before_quanta: int
    maintenance_margin_before_quanta: int
    deleveraged_lots: int
    waits: str | None
    keeper: str | None


class FundingRecord(NamedTuple):
    """One settled interval, in the column order of its table."""

    market: str
    interval_start: int
    rate_ppb: int
    mark_ticks: int
    index_step_quanta: int
    funding_index_quanta: int
    at: int


@dataclass(slots=True)
class Counters:
    """Last number given out of each kind. `priorities`: places at the end of a price level."""

    orders: int = 0
    priorities: int = 0
    trades: int = 0
    liquidations: int = 0


@dataclass(slots=True)
class Dirty:
    """What changed. A client id maps to its order, or to None when it is forgotten."""

    markets: dict[str, Market] = field(default_factory=dict)
    prices: dict[str, Market] = field(default_factory=dict)
    statuses: dict[str, Market] = field(default_factory=dict)
    funding: dict[str, Market] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    delegates: set[tuple[str, str]] = field(default_factory=set)
    leverages: dict[tuple[str, str], Holding] = field(default_factory=dict)
    holdings: dict[tuple[str, str], Holding] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    books: dict[str, Book] = field(default_factory=dict)
    closed_orders: list[ClosedOrder] = field(default_factory=list)
    client_ids: dict[tuple[str, str], int | None] = field(default_factory=dict)
    trades: list[TradeRecord] = field(default_factory=list)
    liquidations: list[LiquidationRecord] = field(default_factory=list)
    funding_history: list[FundingRecord] = field(default_factory=list)


class MatchingState:
    """The whole state of the sequencer.

    families: the sub-accounts of those accounts that have any. expiring: open orders with an end, by their numbers.
    """

    __slots__ = (
        "accounts",
        "auctions",
        "changed_books",
        "collected_numbers",
        "conditional",
        "counters",
        "deadlines",
        "dirty",
        "expiring",
        "families",
        "fees",
        "intake",
        "ledger",
        "markets",
        "reported",
        "rounds",
        "solvency",
        "treasury",
        "vaults",
        "venue",
    )

    def __init__(self) -> None:
        self.markets: dict[str, Market] = {}
        self.accounts: dict[str, Account] = {}
        self.families: dict[str, list[str]] = {}
        self.ledger = Ledger()
        self.fees = self.ledger.account(FEES)
        self.treasury = Treasury(self.ledger)
        self.intake = Intake()
        self.reported = ReportedTrades()
        self.venue = Venue()
        self.solvency = Solvency()
        self.conditional = Conditionals()
        self.counters = Counters()
        self.deadlines = Deadlines()
        self.auctions = Auctions()
        self.rounds = Rounds()
        self.vaults = Vaults()
        self.expiring: dict[int, Order] = {}
        self.dirty = Dirty()
        self.changed_books: list[Book] = []
        self.collected_numbers: dict[str, int] = {}

    def numbers(self) -> dict[str, int]:
        """The last number of every kind, by name."""
        counters = self.counters
        return {
            "orders": counters.orders,
            "priorities": counters.priorities,
            "trades": counters.trades,
            "liquidations": counters.liquidations,
            "transactions": self.ledger.transactions,
            "changes": self.venue.changes,
            "transfers": self.treasury.log.last,
            "quotes": self.auctions.quotes,
            "rounds": self.rounds.last,
            "commitments": self.rounds.commitments,
            "vault_exits": self.vaults.exits,
            "vault_moves": self.vaults.moves,
        }

    def restore_numbers(self, numbers: dict[str, int]) -> None:
        """Take back what `numbers` gave; kinds that were never stored start at zero."""
        counters = self.counters
        counters.orders, counters.trades = numbers.get("orders", 0), numbers.get("trades", 0)
        counters.liquidations, counters.priorities = numbers.get("liquidations", 0), numbers.get("priorities", 0)
        self.ledger.transactions = numbers.get("transactions", 0)
        self.venue.changes = numbers.get("changes", 0)
        self.treasury.log.last = numbers.get("transfers", 0)
        self.auctions.quotes = numbers.get("quotes", 0)
        self.rounds.last, self.rounds.commitments = numbers.get("rounds", 0), numbers.get("commitments", 0)
        self.vaults.exits, self.vaults.moves = numbers.get("vault_exits", 0), numbers.get("vault_moves", 0)
        self.collected_numbers = self.numbers()

    def open_account(self, name: str, at: int, *, root: str = "", pinned: str = "") -> Account:
        """The account of this name; it comes into being on first use, as a sub-account when it has a `root`."""
        account = self.accounts.get(name)
        if account is None:
            standing = self.treasury.fees.standing(root or name)
            account = self.accounts[name] = Account(name, at, self.ledger.account(cash_name(name)), standing, pinned)
            self.dirty.accounts[name] = account
            if root:
                self.families.setdefault(root, []).append(name)
        return account

    def is_used(self, account: Account, client_order_id: str) -> bool:
        """Whether the id is that of an open order, of an exit still to be armed, or among those remembered."""
        if client_order_id in account.orders or client_order_id in account.client_ids:
            return True
        return (account.name, client_order_id) in self.conditional.names

    def holding(self, account: Account, market: Market) -> Holding:
        """What the account holds in the market; empty on first use."""
        holding = account.holdings.get(market.id)
        if holding is None:
            quote = self.ledger.account(position_name(market.id, account.name))
            holding = account.holdings[market.id] = Holding(account.name, market, quote)
            market.holders[account.name] = account
        return holding
