"""A ratio of integers as the fraction that leaves the service (domain rule R35)."""

from decimal import Decimal


def ratio(dividend: int, divisor: int) -> Decimal:
    """A ratio of integers of one unit, a fraction, cut towards zero to 12 places (domain rule R35)."""
    scaled = abs(dividend) * 10**12 // abs(divisor)
    return Decimal(scaled if (dividend < 0) == (divisor < 0) else -scaled).scaleb(-12)
