"""What shares of the venue's vaults are worth, from what matching says of them (domain rule R36).

A vault's assets are its reserve and the equity of the account that trades for it, less fees owed. All are known here,
so a share has a value at every instant, midnight too, and nobody has to be visited when a mark moves.
"""

from dataclasses import dataclass, field

from cleartide.rules.vaults import value_of_shares


@dataclass(slots=True)
class Vault:
    """One vault, in quanta and shares. close_*: what it held when the last day closed.

    acted: who came or went in the step that is being told; the step's end says what it came to.
    """

    vault: str
    strategy: str
    virtual_shares: int
    reserve: int = 0
    fees_owed: int = 0
    shares: int = 0
    close_assets: int = 0
    close_shares: int = 0
    acted: set[str] = field(default_factory=set)

    def assets(self, strategy_equity: int) -> int:
        """What all shares are worth, in quanta: max(0, reserve + max(0, strategy) - fees owed) (domain section 15.2).

        A strategy that owes costs no more than went there.
        """
        return max(0, self.reserve + max(0, strategy_equity) - self.fees_owed)

    def worth(self, shares: int, assets: int) -> int:
        """What an account's shares would bring now, in quanta, before the fee of a withdrawal (domain section 15.1)."""
        return value_of_shares(shares, assets, self.shares, virtual_shares=self.virtual_shares)

    def worth_at_close(self, shares: int) -> int:
        """What they were worth at the last close, in quanta, by its figures (domain section 15.1)."""
        return value_of_shares(shares, self.close_assets, self.close_shares, virtual_shares=self.virtual_shares)
