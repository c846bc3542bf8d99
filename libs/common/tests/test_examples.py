"""The examples in the schemas are one consistent story: their figures follow from each other by the domain rules."""

from typing import TypeVar

from cleartide.contracts import (
    EarningsDayRecorded,
    FundingRatePublished,
    FundingSettled,
    LiquidateAccount,
    LiquidationExecuted,
    LiquidationRejected,
    MarketListed,
    Message,
    PositionChanged,
    PositionSettled,
    PremiumSampled,
    RiskAlertRaised,
    TradeExecuted,
    TransferApplied,
)
from cleartide.contracts.examples import EXAMPLES
from cleartide.contracts.examples.story import QUANTA_PER_LOT_TICK, SPEC
from cleartide.money import PPB, Grid, ceil_div, health_factor_text, quanta_from_text, quanta_to_text, trunc_div
from cleartide.rules.margin import AccountMargin, PositionView, account_margin

M = TypeVar("M", bound=Message)
UNIT = Grid.of(SPEC.tick_size, SPEC.lot_size).quanta_per_lot_tick


def example(contract: type[M]) -> M:
    """The example of one contract."""
    message = EXAMPLES[contract]
    assert isinstance(message, contract)
    return message


def standing(mark_ticks: int, *, side: int, funding: int) -> AccountMargin:
    """alice (side 1, taker) or bob (side -1, maker) after their one trade, at a mark price."""
    trade = example(TradeExecuted)
    fee = SPEC.taker_fee_ppb if side > 0 else SPEC.maker_fee_ppb
    cash = example(TransferApplied).amount_quanta - ceil_div(trade.quote_quanta * fee, PPB)
    value = side * trade.size_lots * mark_ticks * UNIT
    position = PositionView(side * trade.size_lots, value, -side * trade.quote_quanta, funding, SPEC.brackets)
    return account_margin(cash, [position])


def test_the_trade_and_its_position() -> None:
    """Notional is lots * ticks * u (R1); the taker's fee is rounded up (R6); Q of a long is what it paid (R4)."""
    listed, trade, position = example(MarketListed), example(TradeExecuted), example(PositionChanged)
    assert listed.quanta_per_lot_tick == UNIT == QUANTA_PER_LOT_TICK
    assert trade.quote_quanta == trade.size_lots * trade.price_ticks * UNIT
    assert position.fee_quanta == ceil_div(trade.quote_quanta * SPEC.taker_fee_ppb, PPB)
    assert position.cash_quanta == example(TransferApplied).cash_quanta - position.fee_quanta
    assert position.quote_quanta == -trade.quote_quanta


def test_the_alert() -> None:
    """CON-EXAMPLE-001: A reader can recompute the health factor from the inputs (R8, R10)."""
    alert = example(RiskAlertRaised)
    (position,) = alert.inputs
    now = standing(position.mark_ticks, side=1, funding=0)
    assert alert.equity == quanta_to_text(now.equity_quanta)
    assert alert.maintenance_margin == position.maintenance_margin == quanta_to_text(now.maintenance_margin_quanta)
    assert alert.health_factor == health_factor_text(now.equity_quanta, now.maintenance_margin_quanta)
    assert quanta_from_text(position.value) == position.lots * position.mark_ticks * UNIT
    parts = (alert.cash, alert.unsettled_funding, position.value, position.quote)
    assert quanta_from_text(alert.equity) == sum(quanta_from_text(part) for part in parts)


def test_funding() -> None:
    """Premium over the index, truncated (R17); the index moves by mark * u * rate per lot, floored."""
    sample, settled, rate = example(PremiumSampled), example(FundingSettled), example(FundingRatePublished)
    assert sample.premium_ppb == trunc_div((sample.mark_ticks - sample.index_ticks) * PPB, sample.index_ticks)
    clamped = max(-SPEC.funding_clamp_ppb, min(SPEC.funding_clamp_ppb, SPEC.interest_8h_ppb - rate.average_premium_ppb))
    assert rate.rate_ppb == settled.rate_ppb == trunc_div(rate.average_premium_ppb + clamped, 8)
    assert settled.index_step_quanta == settled.mark_ticks * UNIT * settled.rate_ppb // PPB


def test_the_liquidation() -> None:
    """CON-EXAMPLE-001: alice is below maintenance, bob is not; her step is priced by domain rules R20 to R22."""
    step, refused, request = example(LiquidationExecuted), example(LiquidationRejected), example(LiquidateAccount)
    funding = example(FundingSettled).index_step_quanta * example(TradeExecuted).size_lots
    alice = standing(step.mark_ticks, side=1, funding=-funding)
    bob = standing(step.mark_ticks, side=-1, funding=funding)
    assert (step.equity_before_quanta, step.maintenance_margin_before_quanta) == (alice[0], alice[2])
    assert (request.equity, request.maintenance_margin) == (quanta_to_text(alice[0]), quanta_to_text(alice[2]))
    assert (refused.equity_quanta, refused.maintenance_margin_quanta) == (bob[0], bob[2])
    assert alice[0] < alice[2] and bob[0] > bob[2]
    shortage = ceil_div(alice[2] * 105, 100) - alice[0]
    per_lot = step.mark_ticks * UNIT * (30_000_000 * 105 // 100 - SPEC.liquidation_fee_ppb)
    assert step.closed_lots == ceil_div(shortage * PPB, per_lot)
    worthless = step.mark_ticks - alice[0] // (example(TradeExecuted).size_lots * UNIT)
    assert step.bankruptcy_price_ticks == worthless
    assert step.fee_quanta == step.closed_lots * step.mark_ticks * UNIT * SPEC.liquidation_fee_ppb // PPB


def test_the_day() -> None:
    """equity_end - equity_start = flows + pnl + funding - fees, to the quantum (R34)."""
    day = example(EarningsDayRecorded)
    moved = day.flows_quanta + day.pnl_quanta + day.funding_quanta - day.fees_quanta
    assert day.equity_end_quanta - day.equity_start_quanta == moved
    assert day.equity_end_quanta == example(LiquidationRejected).equity_quanta


def test_the_last_settlement() -> None:
    """bob's cash in the end is his equity at the final mark: cash, profit and funding, to the quantum."""
    settled, trade = example(PositionSettled), example(TradeExecuted)
    assert settled.realized_pnl_quanta == trade.quote_quanta - settled.fill_lots * settled.fill_price_ticks * UNIT
    assert settled.funding_quanta == settled.fill_lots * settled.funding_index_quanta
    assert settled.cash_quanta == example(LiquidationRejected).equity_quanta
