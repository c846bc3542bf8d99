"""Who may do what: scopes, tiers and whose accounts are whose. Pure, so that one can read the whole of it here."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from cleartide.rules.accounts import is_strategy

SUBACCOUNT_MARK: Final = "--"

Kind = Literal["anonymous", "demo", "session", "key"]
Tier = Literal["free", "basic", "pro", "enterprise"]
Scope = Literal["account:read", "orders:write", "transfers:write", "account:write", "identity:write", "venue:read"]

KEY_SCOPES: Final[tuple[Scope, ...]] = ("account:read", "orders:write", "transfers:write", "account:write")
"""What an API key may be given. `identity:write` (keys, wallets, sessions) stays with a person who has signed in."""
OWNER_SCOPES: Final[tuple[Scope, ...]] = (*KEY_SCOPES, "identity:write")
SIGNED_SCOPES: Final[frozenset[str]] = frozenset({"orders:write", "transfers:write", "account:write"})
"""A key uses these only with signed requests: who reads a log or a header cannot trade with what is found there."""


@dataclass(frozen=True)
class Allowance:
    """What a tier gives: requests of a person altogether, per minute, hour and day; and how many keys."""

    per_minute: int
    per_hour: int
    per_day: int
    keys: int
    orders_per_second: int


TIERS: Final[dict[Tier, Allowance]] = {
    "free": Allowance(300, 6_000, 50_000, 2, 5),
    "basic": Allowance(1_200, 36_000, 500_000, 10, 20),
    "pro": Allowance(6_000, 200_000, 3_000_000, 50, 100),
    "enterprise": Allowance(60_000, 2_000_000, 40_000_000, 500, 1_000),
}


@dataclass(frozen=True)
class Principal:
    """Who asks. `accounts`: a key's own narrowing, empty means every account of its owner."""

    kind: Kind
    user: str = ""
    tier: Tier = "free"
    scopes: frozenset[str] = frozenset()
    session: str = ""
    key: str = ""
    signed: bool = False
    accounts: tuple[str, ...] = field(default=())

    @property
    def known(self) -> bool:
        """Whether it is somebody."""
        return self.kind in ("session", "key")

    def has(self, scope: Scope) -> bool:
        """Whether it may do what a scope names. A key signs what changes something."""
        return scope in self.scopes and (self.kind != "key" or scope not in SIGNED_SCOPES or self.signed)

    def owns(self, account: str) -> bool:
        """Whether an account is of this person's family, and within what the key was narrowed to."""
        mine = self.user != "" and head_of(account) == self.user
        return mine and (not self.accounts or account in self.accounts)


ANONYMOUS: Final = Principal("anonymous")
DEMO: Final = Principal("demo", scopes=frozenset({"venue:read"}))
"""Whoever reaches an installation that is for show: reads everything, changes nothing."""


def head_of(account: str) -> str:
    """The account at the head of an account's family; a vault's strategy has none but itself."""
    if is_strategy(account):
        return account
    return account.partition(SUBACCOUNT_MARK)[0]


def grantable(asked: Iterable[str], own: frozenset[str]) -> bool:
    """Whether a person may give a key these scopes: some, known ones, and none that the person lacks."""
    wanted = set(asked)
    return bool(wanted) and wanted <= set(KEY_SCOPES) & own
