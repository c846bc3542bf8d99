"""Accounts that belong to the venue: no client may use their names, and they raise no alerts and earn nothing."""

from typing import Final

OUTSIDE: Final = "outside"
"""Stands in for the side of an outside trade that has no account here."""
INSURANCE: Final = "insurance"
"""Holds positions that the insurance fund has taken over."""
VENUE: Final = "venue"
"""Whom alerts about the venue itself are raised for, such as that of a stale price."""
SYSTEM_ACCOUNTS: Final = frozenset({OUTSIDE, INSURANCE, VENUE})
VAULTS: Final = "vault"
"""Nobody opens sub-accounts under this name: they are the strategies of vaults."""
_STRATEGY: Final = f"{VAULTS}--"


def strategy_of(vault: str) -> str:
    """The account that trades for a vault."""
    return f"{_STRATEGY}{vault}"


def is_strategy(account: str) -> bool:
    """Whether an account trades for a vault: it has no owner, only a delegate who may place and cancel orders."""
    return account.startswith(_STRATEGY)
