"""What shares of the venue's vaults are worth, from what matching says of them (domain rule R36). Amounts in quanta."""

from dataclasses import dataclass

from cleartide.rules.vaults import value_of_shares


@dataclass(slots=True)
class Vault:
    """One vault as its last step left it; boundary_*: what all its shares were worth, and how many, at the boundary."""

    vault: str
    strategy: str
    virtual_shares: int
    reserve: int = 0
    fees_owed: int = 0
    shares: int = 0
    boundary_assets: int = 0
    boundary_shares: int = 0

    def bound(self, strategy_equity: int) -> None:
        """Fix what the shares are worth at a boundary: a strategy that owes costs no more than went there."""
        self.boundary_assets = max(0, self.reserve + max(0, strategy_equity) - self.fees_owed)
        self.boundary_shares = self.shares

    def worth_at_boundary(self, shares: int) -> int:
        """What an account's shares would have brought then, before the fee of a withdrawal."""
        return value_of_shares(shares, self.boundary_assets, self.boundary_shares, virtual_shares=self.virtual_shares)
