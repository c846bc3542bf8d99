"""The double-entry ledger: an amount only ever moves between two ledger accounts of the same asset.

Amounts of the settlement asset are quote quanta; those of any other asset are its own smallest units.
"""

from typing import Final, NamedTuple

from cleartide.rules.assets import SETTLEMENT_ASSET

from services.matching.domain.errors import Unbalanced

EXTERNAL: Final = "external"
FEES: Final = "fees"
COLLATERAL: Final = "collateral"
POOL: Final = "pool"
LOCKED: Final = "locked"
REFERRAL: Final = "referral"
VAULT: Final = "vault"
FARM: Final = "farm"


def cash_name(account: str) -> str:
    """An account's settled collateral."""
    return f"cash:{account}"


def position_name(market: str, account: str) -> str:
    """Q of a position: the signed quote amount it cost (domain rule R4)."""
    return f"position:{market}:{account}"


def insurance_name(market: str) -> str:
    """A market's insurance fund."""
    return f"insurance:{market}"


def external_name(asset: str) -> str:
    """The outside world, by asset."""
    return EXTERNAL if asset == SETTLEMENT_ASSET else f"{EXTERNAL}:{asset}"


def collateral_name(asset: str, account: str) -> str:
    """What an account holds of an asset beside the settlement asset."""
    return f"{COLLATERAL}:{asset}:{account}"


def pool_name(pool: str, asset: str) -> str:
    """What one of the venue's pools holds of an asset."""
    return f"{POOL}:{pool}:{asset}"


def locked_name(asset: str, account: str) -> str:
    """What an account has asked to be paid out and cannot use any more."""
    return f"{LOCKED}:{asset}:{account}"


def referral_name(account: str) -> str:
    """What an account has earned by others' fees and not claimed yet."""
    return f"{REFERRAL}:{account}"


def vault_name(vault: str) -> str:
    """A vault's reserve: its cash that no position can touch."""
    return f"{VAULT}:{vault}"


def farm_name(vault: str) -> str:
    """Rewards of a vault's farm that are not paid yet."""
    return f"{FARM}:{vault}"


def funding_name(market: str) -> str:
    """What a market's funding still owes to holders (or they to it) since each was last settled."""
    return f"funding:{market}"


def settlement_name(market: str) -> str:
    """The other side of every position of a delisted market while it is settled; zero before and after."""
    return f"settlement:{market}"


class LedgerAccount:
    """One account of the ledger. Its balance is the only copy of that amount in memory."""

    __slots__ = ("asset", "balance", "name")

    def __init__(self, name: str, asset: str = SETTLEMENT_ASSET, balance: int = 0) -> None:
        self.name, self.asset = name, asset
        self.balance = balance


class Entry(NamedTuple):
    """One leg, in the column order of its table. `command_seq`: the command's place in COMMANDS."""

    transaction_id: int
    leg: int
    account: str
    amount_quanta: int
    kind: str
    command_seq: int
    at: int
    asset: str


class Ledger:
    """Balances, and the legs not yet collected. A step of a command is one transaction; one without moves is none.

    command_seq: the present command's place in COMMANDS; at: its sequenced time, microseconds UTC.
    """

    __slots__ = ("_first", "accounts", "at", "command_seq", "entries", "touched", "transactions")

    def __init__(self) -> None:
        self.accounts: dict[str, LedgerAccount] = {}
        self.touched: dict[str, LedgerAccount] = {}
        self.entries: list[Entry] = []
        self.transactions = 0
        self._first = self.command_seq = self.at = 0

    def account(self, name: str, asset: str = SETTLEMENT_ASSET) -> LedgerAccount:
        """The ledger account of this name; it comes into being with a balance of zero, and keeps its asset."""
        found = self.accounts.get(name)
        if found is None:
            found = self.accounts[name] = LedgerAccount(name, asset)
        return found

    def begin(self, command_seq: int, at: int) -> None:
        """The following moves belong to a step of this command."""
        self._first, self.command_seq, self.at = len(self.entries), command_seq, at

    def move(self, kind: str, source: LedgerAccount, target: LedgerAccount, amount: int) -> None:
        """Move an amount; a negative one moves the other way and zero leaves no trace."""
        if not amount:
            return
        leg = len(self.entries) - self._first
        if not leg:
            self.transactions += 1
        transaction, command_seq, at = self.transactions, self.command_seq, self.at
        source.balance -= amount
        target.balance += amount
        self.touched[source.name] = source
        self.touched[target.name] = target
        self.entries.append(Entry(transaction, leg, source.name, -amount, kind, command_seq, at, source.asset))
        self.entries.append(Entry(transaction, leg + 1, target.name, amount, kind, command_seq, at, target.asset))

    def end(self) -> None:
        """Check what the step left behind, asset by asset. Raises Unbalanced; nothing may go on after that."""
        sums: dict[str, int] = {}
        for entry in self.entries[self._first :]:
            sums[entry.asset] = sums.get(entry.asset, 0) + entry.amount_quanta
        for asset, total in sums.items():
            if total:
                raise Unbalanced(f"command {self.command_seq}: the legs of {asset} sum to {total} units")
