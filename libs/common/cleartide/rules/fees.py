"""What a fill costs, and how the fee is shared out, to the quantum (domain rule R6).

taker fee = rebate + referral share + venue's share        rebate <= taker fee of the same match

Amounts in quote quanta, rates, discounts and shares in ppb (1e-9).
"""

from collections.abc import Iterable
from typing import Final

from cleartide.money import PPB, ceil_div

REFERRAL: Final = "referral"
"""The `kind` of a transfer that is a referrer's share of somebody else's taker fee."""
DAY_MICROS: Final = 86_400_000_000
TRAILING_DAYS: Final = 30


def taker_fee(quote_quanta: int, rate_ppb: int, discount_ppb: int = 0) -> int:
    """ceil(quote * rate * (1 - discount)): one rounding, against the taker."""
    if not discount_ppb:
        return ceil_div(quote_quanta * rate_ppb, PPB)
    return ceil_div(quote_quanta * rate_ppb * (PPB - discount_ppb), PPB * PPB)


def maker_fee(quote_quanta: int, rate_ppb: int, taken_quanta: int) -> int:
    """ceil(quote * rate); below zero it is a rebate, floored, and never more than what the taker pays."""
    if rate_ppb >= 0:
        return ceil_div(quote_quanta * rate_ppb, PPB)
    return -min(quote_quanta * -rate_ppb // PPB, max(0, taken_quanta))


def referral_share(fee_quanta: int, share_ppb: int, rebate_quanta: int) -> int:
    """floor(fee * share), as far as the rebate leaves anything of the fee: the venue never pays on top."""
    return min(fee_quanta * share_ppb // PPB, fee_quanta - rebate_quanta)


def day_number(at: int) -> int:
    """Days since the Unix epoch, UTC."""
    return at // DAY_MICROS


def trailing_volume(days: Iterable[tuple[int, int]], today: int) -> int:
    """What was traded on the TRAILING_DAYS whole UTC days before `today`, in quanta; days are (day number, quanta)."""
    return sum(quanta for day, quanta in days if today - TRAILING_DAYS <= day < today)
