"""Assets that every service must know by name."""

from typing import Final

SETTLEMENT_ASSET: Final = "USDC"
"""What positions are settled in: cash, profit, funding and fees are amounts of it, in quanta of 1e-6."""
