"""Liquidity of one instrument as it is shown: whole for JSON, flat for CSV, in blocks for people, as a picture."""

import argparse
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from services.ingestor.adapters.instrument import Instrument
from services.ingestor.commands.averages import Average
from services.ingestor.commands.output import as_table
from services.ingestor.commands.plotting import plotting, save
from services.ingestor.repository import instant
from services.ingestor.views import BPS, JSON_COLUMNS, SIZES, view

Row = Mapping[str, Any]


def measured_row(event: Mapping[str, Any], instrument: Instrument) -> Row:
    """A measure that was just heard, as the store would give it."""
    figures = {name: msgspec.json.encode(event[name]) for name in JSON_COLUMNS}
    terms = {name: getattr(instrument, name) for name in ("base", "quote", "tick_size", "taker_ppb")}
    return {**event, **figures, **terms, "contract_type": instrument.kind, "ts": event["venue_time"]}


def whole(row: Row, average: Average, arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything of one instrument; what a book is too thin for is not feasible."""
    fees = arguments.fees or arguments.taker_fee is not None
    told = view(row, fees=fees)
    sides = {side: zip(told[f"{side}_slippages"], told[f"{side}_impacts"], strict=True) for side in ("buy", "sell")}
    costs = {side: [_cost(*each) for each in pairs] for side, pairs in sides.items()}
    return {
        "venue": told["venue"],
        "symbol": told["symbol"],
        "at": instant(told["ts"]),
        "bid": Decimal(told["bid"]),
        "ask": Decimal(told["ask"]),
        "spread_bps": Decimal(told["spread"]),
        "vwap": average.price,
        "trades": average.trades,
        "fees": fees,
        "taker_fee_bps": Decimal(told["taker_fee"]),
        "bid_reach_bps": Decimal(told["bid_reach"]),
        "ask_reach_bps": Decimal(told["ask_reach"]),
        "depth": [
            {"bps": bps, "bid": Decimal(bid), "ask": Decimal(ask)}
            for bps, bid, ask in zip(BPS, told["bid_depths"], told["ask_depths"], strict=True)
        ],
        "slippage": [
            {"size": size, "buy": buy, "sell": sell}
            for size, buy, sell in zip(SIZES, costs["buy"], costs["sell"], strict=True)
        ],
    }


def _cost(slippage: str | None, impact: str | None) -> dict[str, Any]:
    if slippage is None or impact is None:
        return {"feasible": False, "slippage_bps": None, "impact_bps": None}
    return {"feasible": True, "slippage_bps": Decimal(slippage), "impact_bps": Decimal(impact)}


def flat(told: Mapping[str, Any]) -> dict[str, Any]:
    """One line; empty where the book is too thin."""
    line = {name: value for name, value in told.items() if name not in ("depth", "slippage")}
    for side in ("bid", "ask"):
        line |= {f"{side}_{each['bps']}bps": each[side] for each in told["depth"]}
    for side in ("buy", "sell"):
        line |= {f"{side}_{each['size']}_bps": each[side]["slippage_bps"] for each in told["slippage"]}
        line |= {f"{side}_{each['size']}_impact_bps": each[side]["impact_bps"] for each in told["slippage"]}
    return line


def blocks(told: Mapping[str, Any]) -> str:
    """For people: a line of what it is, then depths and costs."""
    head = f"{told['venue']} {told['symbol']}  {told['at']:%Y-%m-%d %H:%M:%S}"
    average = f"  VWAP {told['vwap']} of {told['trades']:,} trades" if told["trades"] else ""
    prices = f"bid {told['bid']}  ask {told['ask']}  spread {told['spread_bps']} bps{average}"
    reach = f"the book reaches {told['bid_reach_bps']} bps below and {told['ask_reach_bps']} bps above the middle"
    fees = f"with the taker fee of {told['taker_fee_bps']} bps" if told["fees"] else "without fees"
    depths = as_table(
        [{"bps": each["bps"], "bid_depth": int(each["bid"]), "ask_depth": int(each["ask"])} for each in told["depth"]]
    )
    costs = as_table([_costs(each) for each in told["slippage"]])
    return (
        f"{head}\n{prices}\n{reach}\n\n{depths}\n\nslippage and impact in basis points of the middle, {fees}\n{costs}"
    )


def _costs(each: Mapping[str, Any]) -> dict[str, Any]:
    line: dict[str, Any] = {"size": int(each["size"])}
    for side in ("buy", "sell"):
        cost = each[side]
        line[side] = cost["slippage_bps"] if cost["feasible"] else "too thin"
        line[f"{side}_impact"] = cost["impact_bps"]
    return line


def picture(found: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Depth on both sides by distance, each instrument a line."""
    figure, axes = plotting().subplots(figsize=(11, 5), layout="constrained")
    for each in found:
        bids = [(-float(level["bps"]), float(level["bid"])) for level in reversed(each["depth"])]
        asks = [(float(level["bps"]), float(level["ask"])) for level in each["depth"]]
        points = [*bids, (0.0, 0.0), *asks]
        axes.plot(
            [place for place, _ in points],
            [money for _, money in points],
            label=f"{each['venue']} {each['symbol']}",
            marker="o",
            markersize=3,
            linewidth=1,
        )
    axes.set_xlabel("basis points from the middle")
    axes.set_ylabel("money within")
    save(figure, axes, "depth", path)
