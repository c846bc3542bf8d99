"""Answers about the venue's own vaults. Shares are whole units, amounts decimals."""

from typing_extensions import TypedDict

from cleartide.answers.parts import Page


class OwnVaultTerms(TypedDict):
    """Fees in basis points; `capacity` null: without end."""

    deposit_fee_bps: int
    withdraw_fee_bps: int
    management_fee_bps: int
    performance_fee_bps: int
    lock_seconds: int
    capacity: str | None
    reserve_bps: int
    virtual_shares: int


class OwnFarm(TypedDict):
    """`to_come`: what still flows until `ends_at`; `reward_apr`: of what is staked, null while nothing is."""

    platform_fee_bps: int
    to_come: str
    ends_at: int
    staked_shares: int
    reward_apr: str | None


class SharesWorth(TypedDict):
    """What all shares are worth; `million_shares`, what a million of them, `unit_price`, what one unit."""

    assets: str
    shares: int
    million_shares: str
    unit_price: str


class SharesWorthAt(SharesWorth):
    """The same at an instant."""

    at: int


class OwnVaultHistory(TypedDict):
    """Points, the oldest first, the last one now."""

    vault: str
    step_seconds: int
    points: list[SharesWorthAt]
    largest_drawdown: str


class OwnVaultReturns(SharesWorthAt):
    """`returns`: 24h, 7d, 30d and all, null where it is younger; rates are of what it did since `rates_since`."""

    vault: str
    created_at: int
    returns: dict[str, str | None]
    rates_since: int
    apr: str | None
    apy: str | None


class OwnVaultPerformance(TypedDict):
    """Every vault."""

    as_of: int
    vaults: list[OwnVaultReturns]


class OwnVault(SharesWorth):
    """A vault now; `farm` is null where nobody has put a reward in."""

    vault: str
    manager: str
    strategy: str
    created_at: int
    state: str
    terms: OwnVaultTerms
    farm: OwnFarm | None
    reserve: str
    fees_owed: str
    allocated: str
    harvested: str
    holders: int
    waiting_shares: int


class OwnVaults(TypedDict):
    """Every vault, the oldest first."""

    vaults: list[OwnVault]


class VaultHolding(TypedDict):
    """What an account holds of a vault, at the marks in force; `rewards`: what a claim would bring."""

    vault: str
    state: str
    shares: int
    staked_shares: int
    value: str
    rewards: str
    locked_until: int


class VaultExit(TypedDict):
    """Shares that wait to be paid out."""

    exit_id: int
    vault: str
    shares: int


class VaultHoldings(TypedDict):
    """All of an account's holdings and exits."""

    account: str
    holdings: list[VaultHolding]
    exits: list[VaultExit]


class VaultMove(TypedDict):
    """What happened; `account` is null where it was the vault's own doing."""

    move_id: int
    at: int
    vault: str
    account: str | None
    kind: str
    shares: int
    amount: str
    fee: str
    assets: str
    total_shares: int


class VaultMoves(Page):
    """Moves, newest first."""

    moves: list[VaultMove]
