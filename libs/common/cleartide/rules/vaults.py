"""A vault by its rules (domain rules R3, R36): shares, fees, lock, capacity, pause, and a queue of withdrawals.

It is the program that a vault's chain runs, as far as money goes: the sandbox runs it, and what an indexer reads of a
real one can be held against it. Amounts in smallest units of the asset, instants in microseconds; every refusal names
its reason and changes nothing. Rounding is always against the caller, so shares never claim more than there is.
"""

from dataclasses import dataclass, field
from typing import Final

from cleartide.money import ceil_div

BPS: Final = 10_000
YEAR_MICROS: Final = 365 * 86_400_000_000
PRICE_SCALE: Final = 10**12


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
    """A withdrawal in the queue. Its shares stay the owner's and earn until they are paid."""

    owner: str
    shares: int


@dataclass(slots=True)
class Vault:
    """A vault's own ledger: assets and shares, whose they are, and the highest price a performance fee was taken at."""

    terms: Terms
    assets: int = 0
    shares: int = 0
    fees: int = 0
    paused: bool = False
    high_water: int = 0
    charged_at: int = 0
    holders: dict[str, int] = field(default_factory=dict)
    locked_until: dict[str, int] = field(default_factory=dict)
    queue: list[Waiting] = field(default_factory=list)

    def shares_for(self, amount: int) -> int:
        """Shares for an amount: floor(amount * (T + v) / (A + a))."""
        return amount * (self.shares + self.terms.virtual_shares) // (self.assets + self.terms.virtual_assets)

    def value_of(self, shares: int) -> int:
        """What shares would bring before fees: floor(shares * (A + a) / (T + v)), and never more than there is."""
        whole = shares * (self.assets + self.terms.virtual_assets) // (self.shares + self.terms.virtual_shares)
        return min(whole, self.assets)

    def deposit(self, owner: str, amount: int, at: int) -> Paid:
        """Take an amount: the fee is rounded up and never works in the vault, the rest makes shares.

        Refused: paused, no_amount, over_capacity, no_shares (too little for one share).
        """
        fee = ceil_div(amount * self.terms.deposit_fee_bps, BPS) if amount > 0 else 0
        net = amount - fee
        made = self.shares_for(net) if net > 0 else 0
        self._refuse_if(self.paused, "paused")
        self._refuse_if(net <= 0, "no_amount")
        self._refuse_if(self.terms.capacity is not None and self.assets + net > self.terms.capacity, "over_capacity")
        self._refuse_if(made == 0, "no_shares")
        self.assets, self.shares, self.fees = self.assets + net, self.shares + made, self.fees + fee
        self.holders[owner] = self.holders.get(owner, 0) + made
        self.locked_until[owner] = at + self.terms.lock_micros
        return Paid(owner, made, amount, fee)

    def withdraw(self, owner: str, shares: int, at: int) -> Paid:
        """Pay shares out at once: `amount` reaches the owner, the fee is kept of what the shares brought.

        Refused: as `request`, and illiquid when the idle part does not cover it.
        """
        self._check_exit(owner, shares, at)
        self._refuse_if(bool(self.queue) or self.value_of(shares) > self._idle(), "illiquid")
        return self._pay(owner, shares)

    def request(self, owner: str, shares: int, at: int) -> Waiting:
        """Join the queue. Refused: paused, locked, no_shares, not_enough_shares (those waiting are spoken for)."""
        self._check_exit(owner, shares, at)
        waiting = Waiting(owner, shares)
        self.queue.append(waiting)
        return waiting

    def settle(self) -> list[Paid]:
        """Pay the queue from its head while the idle part covers it, at the price of now. Paused, it pays nobody."""
        paid: list[Paid] = []
        while self.queue and not self.paused and self.value_of(self.queue[0].shares) <= self._idle():
            first = self.queue.pop(0)
            paid.append(self._pay(first.owner, first.shares))
        return paid

    def gain(self, amount: int) -> int:
        """Book what was earned, harvested and put back, or lost (negative); returns the performance fee that it cost.

        The fee is of the gain above the highest price it was ever taken at, so a loss that is made good costs nothing.
        """
        self._refuse_if(self.assets + amount < 0, "more_than_there_is")
        self.high_water = max(self.high_water, self.price()) if amount > 0 and not self.high_water else self.high_water
        self.assets += amount
        above = self.price() - self.high_water
        if amount <= 0 or above <= 0 or not self.shares:
            return 0
        excess = min(above * self.shares // PRICE_SCALE, amount)
        fee = excess * self.terms.performance_fee_bps // BPS
        self.assets, self.fees = self.assets - fee, self.fees + fee
        self.high_water = max(self.high_water, self.price())
        return fee

    def charge(self, at: int) -> int:
        """The management fee since it was last charged: assets * bps * time / a year of 365 days, floored."""
        elapsed = at - self.charged_at if self.charged_at else 0
        fee = self.assets * self.terms.management_fee_bps * elapsed // (BPS * YEAR_MICROS)
        self.assets, self.fees, self.charged_at = self.assets - fee, self.fees + fee, at
        return fee

    def price(self) -> int:
        """What a share is worth, in 1e-12 of a smallest unit, floored."""
        base = self.shares + self.terms.virtual_shares
        return (self.assets + self.terms.virtual_assets) * PRICE_SCALE // base if base else 0

    def _check_exit(self, owner: str, shares: int, at: int) -> None:
        spoken_for = sum(waiting.shares for waiting in self.queue if waiting.owner == owner)
        self._refuse_if(self.paused, "paused")
        self._refuse_if(shares <= 0, "no_shares")
        self._refuse_if(shares + spoken_for > self.holders.get(owner, 0), "not_enough_shares")
        self._refuse_if(at < self.locked_until.get(owner, 0), "locked")

    def _idle(self) -> int:
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
