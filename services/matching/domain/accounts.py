"""Accounts and what they hold in each market."""

from collections import deque
from collections.abc import Mapping
from typing import Final

from cleartide.contracts import Right
from cleartide.rules.margin import requirements

from services.matching.domain.assets import Pocket
from services.matching.domain.book import Order
from services.matching.domain.fees.book import Standing
from services.matching.domain.ledger import LedgerAccount
from services.matching.domain.limits import CLIENT_IDS_REMEMBERED, MAX_BALANCE_QUANTA
from services.matching.domain.market import Market


class Holding:
    """One account in one market: the position (lots, Q) of rule R4 and the sizes of its open orders.

    `quote` is the ledger account that holds Q. `bids` and `asks` are open lots without reduce-only orders (R9).
    `funding_index`: up to where funding is settled, quanta per lot. `leverage`: the owner's choice, 0 for none.
    """

    __slots__ = ("account", "asks", "bids", "funding_index", "leverage", "lots", "market", "quote")

    def __init__(self, account: str, market: Market, quote: LedgerAccount) -> None:
        self.account, self.market, self.quote = account, market, quote
        self.lots = self.bids = self.asks = self.funding_index = self.leverage = 0

    @property
    def value(self) -> int:
        """Signed value at the mark in quanta; at cost while the market has no mark."""
        mark = self.market.prices.mark
        return self.lots * mark * self.market.unit if mark else -self.quote.balance

    @property
    def unsettled(self) -> int:
        """Funding since the last touch in quanta, credit > 0: a long pays while the index rises."""
        return -self.lots * (self.market.funding.index - self.funding_index)

    def requirements(self, notional: int) -> tuple[int, int]:
        """(initial, maintenance) margin in quanta of a position of this notional (R8)."""
        market = self.market
        return requirements(notional, market.brackets, self.leverage, market.oi_scale_ppm)


class ClientIds:
    """The last CLIENT_IDS_REMEMBERED client order ids that were accepted for an account, oldest first."""

    __slots__ = ("_ids", "_order")

    def __init__(self) -> None:
        # Most accounts never place an order: they should cost next to nothing.
        self._ids: set[str] | None = None
        self._order: deque[str] | None = None

    def __contains__(self, client_order_id: str) -> bool:
        return self._ids is not None and client_order_id in self._ids

    def add(self, client_order_id: str) -> str | None:
        """Remember an id that is not in yet; returns the one that is forgotten for it."""
        if self._ids is None or self._order is None:
            # lint: allow bounded-queue: `add` forgets the oldest beyond CLIENT_IDS_REMEMBERED
            self._ids, self._order = set(), deque()
        self._ids.add(client_order_id)
        self._order.append(client_order_id)
        if len(self._order) <= CLIENT_IDS_REMEMBERED:
            return None
        forgotten = self._order.popleft()
        self._ids.remove(forgotten)
        return forgotten


NO_DELEGATES: Final[Mapping[str, frozenset[Right]]] = {}
NO_COLLATERAL: Final[Mapping[str, Pocket]] = {}


class Account:
    """One margin account. `orders`: resting, by client order id, oldest first.

    `reserved`: the loss to the mark that open orders may bring, in quanta (sum of remaining * loss_per_lot).
    `root`: the account at the top of the family, itself unless it is a sub-account. `pinned`: an isolated account's
    only market. `delegates`: what others may do for it. `collateral`: what it holds beside cash, by asset.
    `standing`: its family's volume and fees.
    """

    __slots__ = (
        "cash",
        "client_ids",
        "collateral",
        "delegates",
        "holdings",
        "name",
        "opened_at",
        "orders",
        "pinned",
        "reserved",
        "root",
        "standing",
    )

    def __init__(self, name: str, opened_at: int, cash: LedgerAccount, standing: Standing, pinned: str = "") -> None:
        self.name, self.opened_at, self.cash = name, opened_at, cash
        self.root, self.standing, self.pinned = standing.root, standing, pinned
        self.delegates = NO_DELEGATES
        self.collateral = NO_COLLATERAL
        self.holdings: dict[str, Holding] = {}
        self.orders: dict[str, Order] = {}
        self.client_ids = ClientIds()
        self.reserved = 0

    @property
    def is_debtor(self) -> bool:
        """Whether it owes cash that only its collateral can pay: it holds no position (decision 14)."""
        return bool(self.collateral) and self.cash.balance < 0 and not any(h.lots for h in self.holdings.values())

    def fits(self, holding: Holding, quote: int) -> bool:
        """Whether a fill of `quote` quanta surely keeps cash and Q within bounds, whatever part of it is realized."""
        from_position = abs(holding.quote.balance) + abs(holding.unsettled)
        return abs(self.cash.balance) + from_position + 2 * quote <= MAX_BALANCE_QUANTA


def stp_group(account: Account) -> str:
    """Whose orders do not trade with each other: those of one family of accounts (R29)."""
    return account.root
