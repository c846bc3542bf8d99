"""A farm by its rules: a reward that flows evenly over a time, shared by those who have staked, by how much they have.

Rewards in smallest units, instants in microseconds. What a share has earned so far is kept as one number, so a step
costs the same for any number of holders (scalable reward distribution: Batog, Boca and Johnson 2018). Every rounding
stays in the farm: what is paid, pending and still to come is never more than what was put in.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cleartide.rules.vaults import BPS

SCALE: Final = 2**64


class Claimed(NamedTuple):
    """What a claim came to: gross = net + the platform's fee; the net is floored and the fee takes the rest (15.5)."""

    gross: int
    fee: int

    @property
    def net(self) -> int:
        """What reaches the owner."""
        return self.gross - self.fee


@dataclass(slots=True)
class Stake:
    """What somebody has staked, up to where he has been credited, and what waits for his claim."""

    shares: int = 0
    credited: int = 0
    pending: int = 0


@dataclass(slots=True)
class Farm:
    """A farm's state. to_come: reward not given yet, that flows until ends_at. earned: per share so far, in 1 / SCALE.

    Time in which nobody has staked does not count: the flow waits for them.
    """

    fee_bps: int
    to_come: int = 0
    at: int = 0
    ends_at: int = 0
    earned: int = 0
    staked: int = 0
    stakes: dict[str, Stake] = field(default_factory=dict)

    @property
    def figures(self) -> tuple[int, int, int, int]:
        """As they stand, to be given back to `restore` by whoever changes his mind."""
        return self.to_come, self.at, self.ends_at, self.earned

    def restore(self, figures: tuple[int, int, int, int]) -> None:
        """Take figures back."""
        self.to_come, self.at, self.ends_at, self.earned = figures

    def advance(self, at: int) -> None:
        """Give what has flowed until now to those who have staked: to come * elapsed / remaining, floored.

        What does not divide stays to come.
        """
        elapsed, self.at = at - self.at, at
        if not self.to_come or elapsed <= 0:
            return
        if not self.staked:
            self.ends_at += elapsed
            return
        remaining = self.ends_at - (at - elapsed)
        flowed = self.to_come if elapsed >= remaining else self.to_come * elapsed // remaining
        step = flowed * SCALE // self.staked
        self.earned += step
        self.to_come -= -(-step * self.staked // SCALE)

    def fund(self, amount: int, micros: int, at: int) -> None:
        """Add a reward: all that is to come then flows evenly until `micros` from now, or the old end if later."""
        self.advance(at)
        self.to_come += amount
        self.ends_at = max(self.ends_at if self.to_come > amount else 0, at + micros)

    def stake(self, owner: str, shares: int, at: int) -> int:
        """Put shares in, below zero out; returns what the owner has staked then."""
        stake = self._credited(owner, at)
        stake.shares += shares
        self.staked += shares
        return stake.shares

    def claim(self, owner: str, at: int) -> Claimed:
        """Take what waits for the owner, in smallest units; nothing where nothing does.

        net = floor(gross * (1 - fee)), the fee in basis points (domain section 15.5).
        """
        stake = self._credited(owner, at)
        gross, stake.pending = stake.pending, 0
        return Claimed(gross, gross - gross * (BPS - self.fee_bps) // BPS)

    def pending_of(self, owner: str, at: int) -> int:
        """What a claim would bring now, in smallest units, before the fee."""
        return self._credited(owner, at).pending

    def _credited(self, owner: str, at: int) -> Stake:
        """The stake with what its shares have earned since: shares * (earned now - then) / SCALE, floored."""
        self.advance(at)
        stake = self.stakes.setdefault(owner, Stake(credited=self.earned))
        stake.pending += stake.shares * (self.earned - stake.credited) // SCALE
        stake.credited = self.earned
        return stake
