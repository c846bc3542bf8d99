"""Rates as an answer shows them: in ppb and as exact decimal text."""

from collections.abc import Mapping
from typing import Any

from cleartide.money import PPB

from services.funding.domain.rate import MINUTE_MICROS, interval_rate
from services.funding.domain.state import Market, Sum

SECOND_MICROS = 1_000_000


def rate_text(ppb: int) -> str:
    """Parts per billion as a plain fraction, e.g. 12500 -> "0.000012500"."""
    whole, fraction = divmod(abs(ppb), PPB)
    return f"{'-' if ppb < 0 else ''}{whole}.{fraction:09d}"


def rate_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """One published rate, with the settlement that matching made of it once it has."""
    settled = row["settled_at"] is not None
    return {
        "interval_start": row["interval_start"],
        "interval_micros": row["interval_micros"],
        "average_premium_ppb": row["average_premium_ppb"],
        "rate_ppb": row["rate_ppb"],
        "rate": rate_text(row["rate_ppb"]),
        "samples": row["samples"],
        "published_at": row["published_at"],
        "settlement": {
            name: row[name] for name in ("mark_ticks", "index_step_quanta", "funding_index_quanta", "settled_at")
        }
        if settled
        else None,
    }


def prediction_view(market: Market, now: int) -> dict[str, Any]:
    """The rate the open interval would end with if its mean premium stayed as it is, and the time left.

    The mean runs over the minutes begun so far, those without a sample counting 0. `now`: microseconds, UTC.
    """
    counted = market.sums.get(market.open_start, Sum(0, 0, -1))
    elapsed = max(1, min(market.slots, (now - market.open_start) // MINUTE_MICROS + 1))
    rate = interval_rate(counted.premium_sum_ppb, counted.samples, elapsed, market.interval_micros, market.terms)
    return {
        "market": market.market,
        "interval_start": market.open_start,
        "interval_end": market.closes_at,
        "interval_micros": market.interval_micros,
        "seconds_left": max(0, -(-(market.closes_at - now) // SECOND_MICROS)),
        "slots": market.slots,
        "elapsed_slots": elapsed,
        "samples": counted.samples,
        "average_premium_ppb": rate.average_premium_ppb,
        "predicted_rate_ppb": rate.rate_ppb,
        "predicted_rate": rate_text(rate.rate_ppb),
        "last_rate_ppb": market.last.rate.rate_ppb if market.last else None,
        "last_rate": rate_text(market.last.rate.rate_ppb) if market.last else None,
    }
