"""Scenarios and exposures as an answer shows them: money as decimal text, shares and shocks in percent as text."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from cleartide.money import Grid, health_factor_text, quanta_to_text
from cleartide.rules.margin import AccountMargin

from services.risk.domain.exposure import MarketExposure, Step
from services.risk.domain.scenario import OrderOutcome, Shocks, Stress, sufficiency
from services.risk.domain.tail import tail


def percent_text(ppm: int) -> str:
    """Parts per million as percent."""
    return format((Decimal(ppm) / 10_000).normalize(), "f")


def margin_view(margin: AccountMargin) -> dict[str, str | None]:
    """Equity, requirements and health."""
    return {
        "health_factor": health_factor_text(margin.equity_quanta, margin.maintenance_margin_quanta),
        "equity": quanta_to_text(margin.equity_quanta),
        "initial_margin": quanta_to_text(margin.initial_margin_quanta),
        "maintenance_margin": quanta_to_text(margin.maintenance_margin_quanta),
    }


def stress_view(name: str, kind: str, shocks: Shocks, found: Stress, funds_quanta: Mapping[str, int]) -> dict[str, Any]:
    """One scenario; of the markets those that it leaves with a debt."""
    covers = sufficiency(funds_quanta, found.shortfall_quanta)
    return {
        "name": name,
        "kind": kind,
        "shocks": {market: percent_text(shock) for market, shock in sorted(shocks.items())},
        "accounts": found.accounts,
        "liquidatable": found.liquidatable,
        "bankrupt": found.bankrupt,
        "lost": quanta_to_text(found.lost_quanta),
        "liquidated": quanta_to_text(found.liquidated_quanta),
        "shortfall": quanta_to_text(sum(found.shortfall_quanta.values())),
        "insurance": quanta_to_text(sum(funds_quanta.values())),
        "uncovered": quanta_to_text(sum(cover.uncovered_quanta for cover in covers.values())),
        "markets": [
            {
                "market": market,
                "fund": quanta_to_text(cover.fund_quanta),
                "shortfall": quanta_to_text(cover.shortfall_quanta),
                "uncovered": quanta_to_text(cover.uncovered_quanta),
            }
            for market, cover in covers.items()
            if cover.shortfall_quanta
        ],
    }


def tail_view(horizon_hours: int, results_quanta: Sequence[int]) -> dict[str, Any]:
    """One horizon; null where there is too little history."""
    figures: dict[str, Any] = {"hours": horizon_hours, "observations": len(results_quanta)}
    for percent in (95, 99):
        found = tail(results_quanta, percent)
        figures[f"var_{percent}"] = None if found is None else quanta_to_text(found.value_at_risk_quanta)
        figures[f"shortfall_{percent}"] = None if found is None else quanta_to_text(found.expected_shortfall_quanta)
    return figures


def exposure_view(markets: Mapping[str, MarketExposure], largest: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """By market, and the largest accounts."""
    return {
        "markets": [
            {
                "market": name,
                "holders": one.holders,
                "long": quanta_to_text(one.long_quanta),
                "short": quanta_to_text(one.short_quanta),
                "largest_account": one.largest_account,
                "largest_percent": percent_text(one.largest_ppm),
                "top_ten_percent": percent_text(one.top_ten_ppm),
                "concentration_percent": percent_text(one.concentration_ppm),
                "top": [{"account": account, "value": quanta_to_text(value)} for account, value in one.top],
            }
            for name, one in markets.items()
        ],
        "largest": list(largest),
    }


def step_view(step: Step) -> dict[str, Any]:
    """One percent of a liquidation map."""
    return {
        "percent": step.percent,
        "accounts": step.accounts,
        "long": quanta_to_text(step.long_quanta),
        "short": quanta_to_text(step.short_quanta),
    }


def order_view(outcome: OrderOutcome, grid: Grid) -> dict[str, Any]:
    """An order's outcome beside the account before it."""
    ticks = outcome.liquidation_ticks
    return {
        "allowed": outcome.allowed,
        "size_after": grid.size_text(outcome.lots),
        "fee": quanta_to_text(outcome.fee_quanta),
        "liquidation_price": None if ticks is None else grid.price_text(ticks),
        "before": margin_view(outcome.before),
        "after": margin_view(outcome.after),
    }
