"""Bounds on what a command may ask for, so that every published integer stays within +-(2**53 - 1)."""

from typing import Final

from cleartide.money import MAX_QUANTA, MAX_SIZE_LOTS

MAX_POSITION_LOTS: Final = MAX_SIZE_LOTS
MAX_SYSTEM_POSITION_LOTS: Final = 2**48
MAX_OPEN_INTEREST_LOTS: Final = 2**49
MAX_NOTIONAL_QUANTA: Final = 2**50
"""Of one order at its limit, and of one position with its open orders at the mark; about 1.1e9 quote."""
MAX_BALANCE_QUANTA: Final = 2**52
"""Of an account's cash plus the cost of a position, both by amount; about 4.5e9 quote."""
MAX_UNITS: Final = 2**52
"""Of one balance of an asset beside the settlement asset, in its smallest units."""

MAX_VALUE_QUANTA: Final = 2**52
"""Of a client's position at the index: prices beyond are refused."""

MAX_OPEN_ORDERS: Final = 1_000
MAX_ARMED_ORDERS: Final = 200
"""Conditional orders of an account, with the exits of its open orders; they count among the open orders too."""
MAX_CLIENT_ORDER_ID: Final = 64
MAX_ICEBERG_PARTS: Final = 100
"""Of an order's total size by what it shows at a time: each part is a fill of its own."""
CLIENT_IDS_REMEMBERED: Final = 4_096


def readable(quanta: int) -> int:
    """An amount that adds up over markets, told as the bound where no reader could hold it exactly."""
    return max(-MAX_QUANTA, min(quanta, MAX_QUANTA))
