"""A vault and its farm as they are, and what their rules make of a share (15.1, R36). Amounts in quanta."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from cleartide.contracts.vaults import VaultTerms

from services.matching.tests.model.numbers import DAY, down, toward_zero, up

YEAR: Final = 365 * DAY
PRICE_STEP: Final = Fraction(1, 10**12)
"""In which a vault remembers its highest price, floored."""
EARNED_STEP: Final = Fraction(1, 2**64)
"""In which a farm counts what a share has earned, floored."""


def part(bps: int) -> Fraction:
    """Basis points as a number."""
    return Fraction(bps, 10_000)


@dataclass
class Stake:
    """Shares in a farm, what a share had earned when they were last looked at, and quanta that wait for a claim."""

    shares: int = 0
    credited: Fraction = Fraction(0)
    pending: int = 0


@dataclass
class Farm:
    """to_come: what still flows until ends_at. earned: by a share so far. pot: all that is not paid."""

    fee_bps: int
    at: int
    to_come: int = 0
    ends_at: int = 0
    earned: Fraction = Fraction(0)
    pot: int = 0
    stakes: dict[str, Stake] = field(default_factory=dict)

    @property
    def staked(self) -> int:
        """All shares in it."""
        return sum(stake.shares for stake in self.stakes.values())

    def advance(self, at: int) -> None:
        """What flows by now is earned; while nobody has staked the flow stands still. What does not divide stays."""
        elapsed, left = at - self.at, self.ends_at - self.at
        self.at = at
        if not self.to_come or elapsed <= 0:
            return
        if not self.staked:
            self.ends_at += elapsed
            return
        flowed = self.to_come if elapsed >= left else down(Fraction(self.to_come * elapsed, left))
        each = down(Fraction(flowed, self.staked) / EARNED_STEP) * EARNED_STEP
        self.earned += each
        self.to_come -= up(each * self.staked)

    def stake_of(self, name: str, at: int) -> Stake:
        """With all that it has earned by now."""
        self.advance(at)
        stake = self.stakes.setdefault(name, Stake(credited=self.earned))
        stake.pending += down(stake.shares * (self.earned - stake.credited))
        stake.credited = self.earned
        return stake


@dataclass
class Exit:
    """Shares that wait for money."""

    number: int
    owner: str
    shares: int


@dataclass
class Vault:
    """assets: as last valued; fees: taken and not paid; carry: of the management fee, what is less than a quantum.

    locked: until when, by holder. allocated, harvested: cash at work, and gains that came back from it.
    """

    name: str
    number: int
    manager: str
    terms: VaultTerms
    made_at: int
    charged_at: int
    state: str = "active"
    halted: bool = False
    reserve: int = 0
    assets: int = 0
    shares: int = 0
    fees: int = 0
    high_water: int = 0
    carry: Fraction = Fraction(0)
    holders: dict[str, int] = field(default_factory=dict)
    locked: dict[str, int] = field(default_factory=dict)
    queue: list[Exit] = field(default_factory=list)
    allocated: int = 0
    harvested: int = 0
    retry_at: int = 0
    farm: Farm | None = None

    @property
    def strategy(self) -> str:
        """The account that trades for it."""
        return f"vault--{self.name}"

    @property
    def shown(self) -> str:
        """Its state as its holders see it."""
        return "halted" if self.halted else self.state

    @property
    def price(self) -> Fraction:
        """Of a share: with one quantum and some shares more than there are (15.1)."""
        return Fraction(self.assets + 1, self.shares + self.terms.virtual_shares)

    def worth(self, shares: int) -> int:
        """What they would bring before fees, at most what there is."""
        return min(down(shares * self.price), self.assets)

    def free(self, name: str) -> int:
        """Shares that neither wait nor are staked."""
        staked = self.farm.stakes[name].shares if self.farm is not None and name in self.farm.stakes else 0
        return self.holders.get(name, 0) - sum(one.shares for one in self.queue if one.owner == name) - staked

    def charge(self, at: int) -> int:
        """The management fee for the time since the last one (15.4)."""
        due = self.assets * part(self.terms.management_fee_bps) * Fraction(at - self.charged_at, YEAR) + self.carry
        fee, self.charged_at, self.carry = down(due), at, due - down(due)
        fee = min(fee, self.assets)
        self.assets, self.fees = self.assets - fee, self.fees + fee
        return fee

    def gain(self, amount: int) -> int:
        """What was earned, or lost; a fee is due of what lifts the price above the highest that it had (R36)."""
        self.high_water = self.high_water or self._steps()
        self.assets += amount
        above = (self._steps() - self.high_water) * PRICE_STEP
        if amount <= 0 or above <= 0 or not self.shares:
            return 0
        won = min(down(above * self.shares), amount)
        fee = won - down(won * (1 - part(self.terms.performance_fee_bps)))
        self.assets, self.fees = self.assets - fee, self.fees + fee
        self.high_water = max(self.high_water, self._steps())
        return fee

    def _steps(self) -> int:
        return toward_zero(self.price / PRICE_STEP)
