"""Rates as an answer shows them: in ppb and as exact decimal text."""

from collections.abc import Mapping
from typing import Any, Final

from cleartide.money import PPB, ceil_div, quanta_to_text

from services.funding.domain.rate import MINUTE_MICROS, SECOND_MICROS
from services.funding.domain.state import Market, Sum

_OPEN_FIGURES: Final = (
    "interval_start",
    "interval_end",
    "seconds_left",
    "minutes_begun",
    "samples",
    "average_premium_ppb",
    "predicted_rate_ppb",
    "predicted_rate",
)


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
        "funding_type": row["funding_type"],
        "published_at": row["published_at"],
        "settlement": {
            name: row[name] for name in ("mark_ticks", "index_step_quanta", "funding_index_quanta", "settled_at")
        }
        if settled
        else None,
    }


def payment_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """One settlement as one account saw it: what it held, and what it paid (below zero) or was paid."""
    same = ("market", "interval_start", "interval_micros", "funding_type", "rate_ppb", "mark_ticks", "settled_at")
    return {
        **{name: row[name] for name in same},
        "rate": rate_text(row["rate_ppb"]),
        "lots": row["lots"],
        "amount": quanta_to_text(int(row["amount"])),
    }


def prediction_view(market: Market, now: int) -> dict[str, Any]:
    """The rate in force, and the one the open interval would end with if its mean premium stayed as it is.

    The mean runs over the minutes begun so far, those without a sample counting 0. `now`: microseconds, UTC.
    Before the market's first price there is no open interval and its figures are null.
    """
    return {
        "market": market.market,
        "interval_micros": market.interval_micros,
        "next_interval_micros": market.next_interval_micros,
        "funding_type": market.funding_type,
        "rate_ppb": market.last.rate.rate_ppb if market.last else None,
        "rate": rate_text(market.last.rate.rate_ppb) if market.last else None,
        **_open_interval(market, now),
    }


def _open_interval(market: Market, now: int) -> dict[str, Any]:
    if market.open_start is None:
        return dict.fromkeys(_OPEN_FIGURES)
    counted = market.sums.get(market.open_start, Sum(0, 0, -1))
    begun = max(1, min(market.slots, (now - market.open_start) // MINUTE_MICROS + 1))
    rate = market.rate_of(counted.premium_sum_ppb, counted.samples, begun)
    end = market.open_start + market.interval_micros
    seconds_left = max(0, ceil_div(end - now, SECOND_MICROS))
    figures = (market.open_start, end, seconds_left, begun, counted.samples, *rate, rate_text(rate.rate_ppb))
    return dict(zip(_OPEN_FIGURES, figures, strict=True))
