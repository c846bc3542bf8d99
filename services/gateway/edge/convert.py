"""Read models' figures that are still integers, as the public API shows them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from cleartide.money import Grid, quanta_to_text


def ppb_text(ppb: int | None) -> str | None:
    """Parts per billion as plain decimal text: 450000 -> "0.000450000"."""
    return None if ppb is None else format(Decimal(ppb).scaleb(-9), "f")


def in_decimals(value: Any) -> Any:
    """The same with every figure in parts per billion as a decimal, under the name without `_ppb`, however deep."""
    if isinstance(value, Mapping):
        return {
            name.removesuffix("_ppb"): ppb_text(part) if name.endswith("_ppb") else in_decimals(part)
            for name, part in value.items()
        }
    return [in_decimals(part) for part in value] if isinstance(value, list) else value


def market_view(market: Mapping[str, Any], stats: Mapping[str, Any] | None) -> dict[str, Any]:
    """One market: matching's rules and prices, analytics' last 24 hours."""
    same = ("market", "base", "quote", "tick_size", "lot_size")
    prices = ("mark", "index", "last", "index_stale", "priced_at", "best_bid", "best_ask", "open_interest")
    return {
        **{name: market[name] for name in same},
        "taker_fee": ppb_text(market["taker_fee_ppb"]),
        "maker_fee": ppb_text(market["maker_fee_ppb"]),
        "brackets": [
            {
                "upper_notional": bracket["upper_notional"],
                "initial_margin": ppb_text(bracket["initial_margin_ppb"]),
                "maintenance_fraction": ppb_text(bracket["maintenance_fraction_ppb"]),
            }
            for bracket in market["brackets"]
        ],
        **{name: market[name] for name in prices},
        "funding_rate": ppb_text(market["funding_rate_ppb"]),
        "stats": stats,
    }


def funding_view(funding: Mapping[str, Any], grid: Grid) -> dict[str, Any]:
    """A market's funding: the rate in force, the open interval (null before the first price), and past intervals."""
    interval = ("interval_start", "interval_end", "seconds_left", "samples", "predicted_rate")
    opened = {name: funding[name] for name in interval}
    return {
        **{name: funding[name] for name in ("market", "as_of_seq", "now", "interval_micros", "rate")},
        "open": {**opened, "average_premium": ppb_text(funding["average_premium_ppb"])}
        if opened["interval_start"] is not None
        else None,
        "rates": [rate_view(rate, grid) for rate in funding["rates"]],
    }


def rate_view(rate: Mapping[str, Any], grid: Grid) -> dict[str, Any]:
    """One published funding rate, and its settlement: what one lot paid, and the index after it."""
    settled = rate["settlement"]
    return {
        **{name: rate[name] for name in ("interval_start", "interval_micros", "rate", "samples", "published_at")},
        "average_premium": ppb_text(rate["average_premium_ppb"]),
        "settlement": settled
        and {
            "mark": grid.price_text(settled["mark_ticks"]),
            "paid_per_lot": quanta_to_text(settled["index_step_quanta"]),
            "funding_index": quanta_to_text(settled["funding_index_quanta"]),
            "settled_at": settled["settled_at"],
        },
    }


def position_view(position: Mapping[str, Any], held: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One position: risk's valuation, and matching's entry price where it is known."""
    same = ("market", "size", "value", "unrealized_pnl", "maintenance_margin", "index_stale")
    return {
        **{name: position[name] for name in same},
        "mark": position["mark_price"],
        "entry_price": held["entry_price"] if held else None,
    }


def account_view(risk: Mapping[str, Any], matching: Mapping[str, Any] | None) -> dict[str, Any]:
    """One account: risk's margin, and matching's orders and entry prices; these are null while matching is away."""
    held = {position["market"]: position for position in matching["positions"]} if matching else {}
    return {
        **in_decimals(risk),
        "positions": [position_view(position, held.get(position["market"])) for position in risk["positions"]],
        "orders": matching["orders"] if matching else None,
    }
