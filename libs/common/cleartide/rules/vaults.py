"""A vault by its rules (domain rules R3, R36): shares, fees, lock, capacity, pause, and a queue of withdrawals.

It is the program of the venue's own vaults, whose money matching moves by it, and of those on chains as far as money
goes: the sandbox runs it, and what an indexer reads of a real one can be held against it. Amounts in smallest units of
the asset, instants in microseconds; every refusal names its reason and changes nothing. Rounding is always against the
caller, so shares never claim more than there is.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cleartide.money import ceil_div

BPS: Final = 10_000
YEAR_MICROS: Final = 365 * 86_400_000_000
PRICE_SCALE: Final = 10**12
VAULT_KINDS: Final = frozenset({"vault_deposit", "vault_withdrawal", "vault_allocation", "vault_recall", "vault_fee"})
"""Kinds of transfers between an account and a vault's reserve."""
FARM_REWARD: Final = "farm_reward"
MAX_SHARES: Final = 2**53 - 1
"""Of one vault, so that every reader holds them exactly."""
MAX_WAITING: Final = 1_000
"""Withdrawals in one vault's queue."""


class Refused(Exception):  # noqa: N818 - a verdict on the request
    """The vault does not do it; `reason` says why, and nothing has changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Terms:
    """What a vault promises. Fees in basis points: of what comes in, goes out, lies there for a year, and is gained.

    virtual_assets and virtual_shares keep the first depositor from setting the price (domain section 15.1).
    lock_micros: how long a deposit stays. capacity: most assets it takes; None is no limit.
    idle_bps: what part of the assets can be paid at once; more than that waits in the queue.
    """

    deposit_fee_bps: int = 0
    withdraw_fee_bps: int = 0
    management_fee_bps: int = 0
    performance_fee_bps: int = 0
    virtual_assets: int = 1
    virtual_shares: int = 1_000
    lock_micros: int = 0
    capacity: int | None = None
    idle_bps: int = BPS


@dataclass(frozen=True, slots=True)
class Paid:
    """What one withdrawal or deposit came to: shares, what changed hands, and the fee within or beside it."""

    owner: str
    shares: int
    amount: int
    fee: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A withdrawal in the queue. Its shares stay the owner's and earn until they are paid. `number` names it."""

    owner: str
    shares: int
    number: int = 0


class Figures(NamedTuple):
    """What a vault's rules reckon with beside who holds what: see `Vault`."""

    assets: int
    shares: int
    fees: int
    high_water: int
    charged_at: int
    carry: int


def value_of_shares(shares: int, assets: int, total: int, virtual_shares: int, virtual_assets: int = 1) -> int:
    """What shares would bring before fees (15.1): floor(shares * (A + a) / (T + v)), at most what there is."""
    return min(shares * (assets + virtual_assets) // (total + virtual_shares), assets) if shares else 0


def unit_price(assets: int, total: int, virtual_shares: int) -> int:
    """Price of as many shares as 10^6 smallest units bought at first: floor(10^6 * v * (A + 1) / (T + v)) (15.1).

    In smallest units; it begins with one whole unit of the asset, whatever the virtual shares.
    """
    return 1_000_000 * virtual_shares * (assets + 1) // (total + virtual_shares)


@dataclass(slots=True)
class Vault:
    """A vault's own ledger: assets and shares, whose they are, and the highest price a performance fee was taken at.

    fees: taken, and not among the assets any more. carry: what of the management fee is less than a smallest unit, in
    units / (BPS * YEAR_MICROS), so that charging often costs what charging once does.
    """

    terms: Terms
    assets: int = 0
    shares: int = 0
    fees: int = 0
    paused: bool = False
    high_water: int = 0
    charged_at: int = 0
    carry: int = 0
    holders: dict[str, int] = field(default_factory=dict)
    staked: dict[str, int] = field(default_factory=dict)
    locked_until: dict[str, int] = field(default_factory=dict)
    queue: list[Waiting] = field(default_factory=list)

    @property
    def figures(self) -> Figures:
        """As they stand, to be given back to `restore` by whoever changes his mind."""
        return Figures(self.assets, self.shares, self.fees, self.high_water, self.charged_at, self.carry)

    def restore(self, figures: Figures) -> None:
        """Take figures back."""
        self.assets, self.shares, self.fees, self.high_water, self.charged_at, self.carry = figures

    def shares_for(self, amount: int) -> int:
        """Shares for an amount: floor(amount * (T + v) / (A + a)) (domain section 15.1)."""
        return amount * (self.shares + self.terms.virtual_shares) // (self.assets + self.terms.virtual_assets)

    def value_of(self, shares: int) -> int:
        """What shares would bring before fees: floor(shares * (A + a) / (T + v)), at most what there is (15.1)."""
        terms = self.terms
        return value_of_shares(shares, self.assets, self.shares, terms.virtual_shares, terms.virtual_assets)

    def deposit(self, owner: str, amount: int, at: int) -> Paid:
        """Take an amount: the fee is rounded up (R3) and never works in the vault, the rest makes shares (15.1).

        Refused: paused, no_amount, no_equity (shares are out, and worth nothing), over_capacity, no_shares (too little
        for one share), share_cap.
        """
        fee = ceil_div(amount * self.terms.deposit_fee_bps, BPS) if amount > 0 else 0
        net = amount - fee
        made = self.shares_for(net) if net > 0 else 0
        self._refuse_if(self.paused, "paused")
        self._refuse_if(net <= 0, "no_amount")
        self._refuse_if(self.terms.capacity is not None and self.assets + net > self.terms.capacity, "over_capacity")
        self._refuse_if(self.shares > 0 and self.assets <= 0, "no_equity")
        self._refuse_if(made == 0, "no_shares")
        self._refuse_if(self.shares + made > MAX_SHARES, "share_cap")
        self.assets, self.shares, self.fees = self.assets + net, self.shares + made, self.fees + fee
        self.holders[owner] = self.holders.get(owner, 0) + made
        self.locked_until[owner] = at + self.terms.lock_micros
        return Paid(owner, made, amount, fee)

    def withdraw(self, owner: str, shares: int, at: int, idle: int | None = None) -> Paid:
        """Pay shares out at once: `amount` reaches the owner, the fee is kept of what the shares brought.

        idle: what can be paid, where it is known; else the part that the terms name. Refused: as `join_queue`, and
        illiquid when that does not cover it.
        """
        self._check_exit(owner, shares, at)
        self._refuse_if(bool(self.queue) or self.value_of(shares) > self._idle(idle), "illiquid")
        return self._pay(owner, shares)

    def join_queue(self, owner: str, shares: int, at: int, number: int = 0) -> Waiting:
        """Join the queue. Refused: paused, locked, no_shares, not_enough_shares (those that wait or are staked are not
        free), queue_full.
        """
        self._check_exit(owner, shares, at)
        self._refuse_if(len(self.queue) >= MAX_WAITING, "queue_full")
        waiting = Waiting(owner, shares, number)
        self.queue.append(waiting)
        return waiting

    def cancel(self, owner: str, number: int) -> Waiting:
        """Leave the queue. Refused: unknown_exit."""
        found = next(
            (place for place, held in enumerate(self.queue) if (held.owner, held.number) == (owner, number)), -1
        )
        self._refuse_if(found < 0, "unknown_exit")
        return self.queue.pop(found)

    def settle(self, idle: int | None = None, most: int = MAX_WAITING) -> list[tuple[Waiting, Paid]]:
        """Pay the queue from its head while the idle part covers it, at the price of now. Paused, it pays nobody."""
        settled: list[tuple[Waiting, Paid]] = []
        while self._may_pay(self._idle(idle)) and len(settled) < most:
            first = self.queue.pop(0)
            paid = self._pay(first.owner, first.shares)
            settled.append((first, paid))
            idle = idle - paid.amount if idle is not None else None
        return settled

    def gain(self, amount: int) -> int:
        """Book what was earned, harvested and put back, or lost (negative); returns the performance fee that it cost.

        The fee is of the gain above the highest price it was ever taken at, in whole smallest units (R36), so a loss
        that is made good costs nothing: floor(gain * (1 - fee)) stays the holders', the fee takes the rest (15.5).
        """
        self._refuse_if(self.assets + amount < 0, "more_than_there_is")
        self.high_water = self.high_water or self.price()
        self.assets += amount
        above = self.price() - self.high_water
        if amount <= 0 or above <= 0 or not self.shares:
            return 0
        excess = min(above * self.shares // PRICE_SCALE, amount)
        fee = ceil_div(excess * self.terms.performance_fee_bps, BPS)
        self.assets, self.fees = self.assets - fee, self.fees + fee
        self.high_water = max(self.high_water, self.price())
        return fee

    def charge(self, at: int) -> int:
        """The management fee since it was last charged, in smallest units: assets * bps * time / a year of 365 days (as
        15.4 has it); what is less than a smallest unit is carried.
        """
        elapsed = at - self.charged_at if self.charged_at else 0
        due = self.assets * self.terms.management_fee_bps * elapsed + self.carry
        fee, self.carry = divmod(due, BPS * YEAR_MICROS)
        fee = min(fee, self.assets)
        self.assets, self.fees, self.charged_at = self.assets - fee, self.fees + fee, at
        return fee

    def price(self) -> int:
        """What a share is worth, in 1e-12 of a smallest unit, floored: (A + a) / (T + v) (domain section 15.1)."""
        base = self.shares + self.terms.virtual_shares
        return (self.assets + self.terms.virtual_assets) * PRICE_SCALE // base if base else 0

    def free_of(self, owner: str) -> int:
        """An owner's units of shares that neither wait to leave nor are staked in a farm: all less both."""
        waiting = sum(waiting.shares for waiting in self.queue if waiting.owner == owner)
        return self.holders.get(owner, 0) - waiting - self.staked.get(owner, 0)

    def _check_exit(self, owner: str, shares: int, at: int) -> None:
        self._refuse_if(self.paused, "paused")
        self._refuse_if(shares <= 0, "no_shares")
        self._refuse_if(shares > self.free_of(owner), "not_enough_shares")
        self._refuse_if(at < self.locked_until.get(owner, 0), "locked")

    def _may_pay(self, idle: int) -> bool:
        return bool(self.queue) and not self.paused and self.value_of(self.queue[0].shares) <= idle

    def _idle(self, known: int | None) -> int:
        if known is not None:
            return known
        return self.assets * self.terms.idle_bps // BPS

    def _pay(self, owner: str, shares: int) -> Paid:
        value = self.value_of(shares)
        fee = ceil_div(value * self.terms.withdraw_fee_bps, BPS)
        self.assets, self.shares, self.fees = self.assets - value, self.shares - shares, self.fees + fee
        self.holders[owner] -= shares
        return Paid(owner, shares, value - fee, fee)

    @staticmethod
    def _refuse_if(wrong: bool, reason: str) -> None:
        if wrong:
            raise Refused(reason)
