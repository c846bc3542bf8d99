"""Steps of an operator who gives markets other rules in mid-flight, and of what else is decided about them."""

from typing import Any, Final

from cleartide.contracts import (
    AnswerAlert,
    BatchTerms,
    ChangeMarket,
    HaltMarket,
    MarginBracket,
    MarketLimits,
    MarketSpec,
    Message,
    ReportDiscrepancy,
    ResumeMarket,
    SetFunding,
    SetRiskLimits,
)

from services.matching.tests.model.scenes import BATCHING, LIMITS, RULES, TRADERS, text_of
from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.world import RESERVED, Market, World

RATES: Final = ((450_000, 150_000), (0, 0), (333_333, 111_111), (9_999_999, 1), (77_777_777, 5_000_000))
WHOLE: Final = {"initial_margin_ppb": 10**9, "maintenance_fraction_ppb": 10**9}
MODES: Final = ("manual", "emergency", "automatic", "manual")


def change(world: World, number: int, step: Step, market: Market) -> Body:
    """One rule or a few; now and then written against another version, a fixed one, none, or what cannot be."""
    spec = market.spec.model_copy(update=_changes(step, market))
    version = market.version + (step.flags % 16 == 1)
    return ChangeMarket, {"spec": spec, "expected_version": version, "by": "ops", "note": f"step {number}"}


def _changes(step: Step, market: Market) -> dict[str, Any]:
    if step.flags % 8 == 2:
        return _wrong(step, market)
    taker, maker = RATES[step.amount % len(RATES)]
    fees = {"taker_fee_ppb": taker, "maker_fee_ppb": maker}
    limits = LIMITS[(10, 11)[step.links % 2]][step.links % 3]
    some: tuple[dict[str, Any], ...] = (
        fees,
        {"brackets": _scaled(market.spec, (800, 1_250, 500, 2_000)[step.links % 4])},
        {"brackets": (market.spec.brackets[-1].model_copy(update=WHOLE),)},
        {"brackets": (market.spec.brackets[-1].model_copy(update=WHOLE),)},
        {"brackets": market.spec.brackets[-1:] if step.links % 2 else _sliced(market, step.amount)},
        {"limits": None if market.spec.limits is not None and step.links % 4 == 0 else limits},
        {"liquidation": RULES.get((0, 6, 7)[step.links % 3])},
        {"batching": (None, None, BATCHING[8], BatchTerms(commit_micros=20_000))[step.links % 4]},
        {"oi_scale_lower_quanta": step.amount * 1_000, "oi_scale_upper_quanta": step.amount * 1_000_000},
        {"mark_band_ppb": step.amount * 200_000, "market_order_band_ppb": step.amount * 100_000},
        {"liquidation_fee_ppb": step.amount * 100_000, "impact_notional_quanta": step.amount * 100_000},
        {"funding_cap_hourly_ppb": step.amount * 100_000, "funding_interval_seconds": 3_600},
        {**fees, "limits": limits, "interest_8h_ppb": step.amount},
        {"limits": limits.model_copy(update={"breaker_ppb": 10_000_000, "pause_micros": 1_000_000})},
    )
    return some[step.terms % len(some)]


def _wrong(step: Step, market: Market) -> dict[str, Any]:
    last = market.spec.brackets[-1]
    wrong: tuple[dict[str, Any], ...] = (
        {"market": "NONE-PERP"},
        {"tick_size": "1"},
        {"base": "XYZ", "taker_fee_ppb": 1},
        {},
        {"taker_fee_ppb": 10**9},
        {"brackets": (last, last)},
        {"limits": MarketLimits(min_order_size=text_of(9, market.spec.lot_size), max_order_size=market.spec.lot_size)},
        {"limits": MarketLimits(position_cap="0.0000001")},
        {"oi_scale_lower_quanta": 2, "oi_scale_upper_quanta": 1},
        {"funding_interval_seconds": 61},
        {"brackets": _scaled(market.spec, 10_000)},
    )
    return wrong[step.amount % len(wrong)]


def _scaled(spec: MarketSpec, thousandths: int) -> tuple[MarginBracket, ...]:
    """The same slices at other rates."""
    return tuple(
        bracket.model_copy(
            update={"initial_margin_ppb": max(1, min(10**9, bracket.initial_margin_ppb * thousandths // 1_000))}
        )
        for bracket in spec.brackets
    )


def _sliced(market: Market, amount: int) -> tuple[MarginBracket, ...]:
    """The last slice is cut in two, or its first part comes to an end elsewhere."""
    last = market.spec.brackets[-1]
    lower = last.model_copy(update={"upper_notional_quanta": amount * 1_000_000})
    return (lower, last.model_copy(update={"maintenance_fraction_ppb": 900_000_001}))


def funding(world: World, number: int, step: Step, market: Market) -> Body:
    """By hand, for once, or by itself again; now and then beyond the cap, without a rate or with one too many."""
    mode = MODES[step.terms % 4]
    rate = None if mode == "automatic" else (step.amount - 300) * 50_000
    wrong: tuple[dict[str, Any], ...] = (
        {"market": "NONE-PERP"},
        {"hourly_rate_ppb": 5 if mode == "automatic" else None},
        {"hourly_rate_ppb": None if mode == "automatic" else 40_000_001},
    )
    body = {"market": market.name, "funding_type": mode, "hourly_rate_ppb": rate, "by": "ops"}
    return SetFunding, body | (wrong[step.amount % len(wrong)] if step.flags % 4 == 0 else {})


def alarm(world: World, number: int, step: Step, market: Market) -> Body:
    """Of one market or of all; where all are halted the operator lets one go on."""
    halted = [one for one in world.markets.values() if one.state == "halted"]
    if halted and step.flags % 4:
        again: type[Message] = ResumeMarket if step.flags % 2 else HaltMarket
        more = {} if again is ResumeMarket else {"state": "reduce_only"}
        return again, {"market": halted[step.amount % len(halted)].name, "by": "ops", **more}
    name = (market.name, market.name, None, "NONE-PERP")[step.terms % 4]
    told = {"check": "balance", "market": name, "observed_position": number, "note": f"step {number}"}
    return ReportDiscrepancy, told


def watch(world: World, number: int, step: Step, market: Market) -> Body:
    """What somebody wants to be warned of, or says to a warning; now and then finer than a quantum, or of nobody."""
    account = (TRADERS[step.who], "nobody", RESERVED[0])[step.amount % 3 if step.flags % 4 == 0 else 0]
    if step.terms % 3 == 0:
        said = {"alert": step.amount, "answer": ("acknowledge", "resolve")[step.terms % 2], "note": f"step {number}"}
        return AnswerAlert, {"account": account, **said}
    amount = "0.0000001" if step.flags % 8 == 1 else text_of(step.amount, "0.000001")
    names = ("max_position", "max_daily_loss", "max_drawdown", "max_value_at_risk")
    wanted: dict[str, Any] = {name: amount for place, name in enumerate(names) if step.links >> place & 1}
    return SetRiskLimits, {"account": account, **wanted, "max_leverage": step.amount if step.links % 4 else None}
