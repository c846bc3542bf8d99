"""A vault of the venue as matching knows it, and all of them together."""

from typing import Final, NamedTuple

from cleartide.contracts.vaults import (
    VaultTerms,
)
from cleartide.money import quanta_from_text
from cleartide.rules.farms import Farm
from cleartide.rules.vaults import Terms, Vault

from services.matching.domain.accounts import Account
from services.matching.domain.deadlines import Deadline
from services.matching.domain.ledger import LedgerAccount

SECOND: Final = 1_000_000
RETRY: Final = 10 * SECOND
"""How long who waits for money waits before it is looked for again, in microseconds."""


def rules_of(terms: VaultTerms) -> Terms:
    """The terms as the shared rules know them. Raises MoneyError for a capacity that is no amount."""
    return Terms(
        deposit_fee_bps=terms.deposit_fee_bps,
        withdraw_fee_bps=terms.withdraw_fee_bps,
        management_fee_bps=terms.management_fee_bps,
        performance_fee_bps=terms.performance_fee_bps,
        virtual_shares=terms.virtual_shares,
        lock_micros=terms.lock_seconds * SECOND,
        capacity=quanta_from_text(terms.capacity) if terms.capacity is not None else None,
    )


class OwnVault:
    """One vault. `book`: its shares by the shared rules. `reserve`: its cash that no position can touch.

    strategy: the account that trades for it.
    state: active, paused or closed, as its manager has set it; halted by the operator is `book.paused`.
    allocated: cash that went to the strategy less what came back, never below zero; harvested: gains that came back and
    were not put to work again. retry_at: when the queue is looked at again, 0 while nobody waits.
    """

    __slots__ = (
        "allocated",
        "book",
        "created_at",
        "farm",
        "harvested",
        "manager",
        "name",
        "number",
        "reserve",
        "retry_at",
        "state",
        "strategy",
        "terms",
    )

    def __init__(
        self,
        name: str,
        number: int,
        manager: str,
        strategy: Account,
        reserve: LedgerAccount,
        terms: VaultTerms,
        created_at: int,
    ) -> None:
        self.name, self.number, self.manager, self.created_at = name, number, manager, created_at
        self.strategy, self.reserve, self.terms = strategy, reserve, terms
        self.book = Vault(rules_of(terms), charged_at=created_at)
        self.farm: Farm | None = None
        self.state = "active"
        self.allocated = self.harvested = self.retry_at = 0

    @property
    def shown_state(self) -> str:
        """The state that its holders see."""
        return "halted" if self.book.paused else self.state

    @property
    def deadline(self) -> Deadline:
        """When who waits is looked after again."""
        return Deadline(self.retry_at, "vault_queue", self.number)


class VaultMoveRecord(NamedTuple):
    """One step of a vault's history, in the column order of its table.

    Shares and amount are above zero where they came in: to the vault, or of a step without a holder to its reserve.
    """

    move_id: int
    at: int
    vault: str
    account: str
    kind: str
    shares: int
    amount_quanta: int
    fee_quanta: int
    assets_quanta: int
    total_shares: int


class Vaults:
    """Every vault by name and by number, the last number given to an exit and to a move, and what has changed.

    touched_exits: (vault, owner, shares) of exits that wait, None of those that wait no more.
    """

    __slots__ = (
        "by_name",
        "by_number",
        "exits",
        "moves",
        "news",
        "touched",
        "touched_exits",
        "touched_farms",
        "touched_holders",
        "touched_stakes",
    )

    def __init__(self) -> None:
        self.by_name: dict[str, OwnVault] = {}
        self.by_number: dict[int, OwnVault] = {}
        self.exits = self.moves = 0
        self.news: list[VaultMoveRecord] = []
        self.touched: set[str] = set()
        self.touched_farms: set[str] = set()
        self.touched_stakes: set[tuple[str, str]] = set()
        self.touched_holders: set[tuple[str, str]] = set()
        self.touched_exits: dict[int, tuple[str, str, int] | None] = {}

    def add(self, vault: OwnVault) -> None:
        """Know a vault."""
        self.by_name[vault.name] = self.by_number[vault.number] = vault
        self.touched.add(vault.name)
