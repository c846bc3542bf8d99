"""How a fee is shared out, to the quantum (domain rule R6)."""

from typing import Final

REFERRAL: Final = "referral"
"""The `kind` of a transfer that is a referrer's share of somebody else's taker fee."""
