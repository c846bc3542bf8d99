"""Requirements, orders' margin, health and withdrawals (R8 to R11)."""

from typing import Final

from tests.support.mutation import Mutant

MARGIN: Final = (
    Mutant(
        "RULE-R08-001",
        "slice_initial = ceil_div((top - lower) * bracket.initial_margin_ppb, PPB)",
        "slice_initial = (top - lower) * bracket.initial_margin_ppb // PPB",
    ),
    Mutant(
        "RULE-R08-001",
        "maintenance += ceil_div(slice_initial * bracket.maintenance_fraction_ppb, PPB)",
        "maintenance += slice_initial * bracket.maintenance_fraction_ppb // PPB",
    ),
    Mutant(
        "RULE-R08-001",
        "maintenance += ceil_div(slice_initial * bracket.maintenance_fraction_ppb, PPB)",
        "maintenance += -(-(top - lower) * bracket.initial_margin_ppb * bracket.maintenance_fraction_ppb // PPB**2)",
    ),
    Mutant("RULE-R08-001", "ceil_div((top - lower) * bracket", "ceil_div(top * bracket"),
    Mutant("RULE-R08-001", "        lower = top\n", "        lower = top + 1\n"),
    Mutant(
        "RULE-R08-002",
        "ceil_div(slice_initial * bracket.maintenance_fraction_ppb, PPB)",
        "ceil_div(slice_initial * bracket.maintenance_fraction_ppb, PPB) + 1",
    ),
    Mutant(
        "RULE-R09-001",
        "else standing.taker_fee(market, quote)",
        "else max(0, standing.taker_fee(market, quote) - 1)",
    ),
    Mutant(
        "RULE-R09-001",
        "fee = standing.maker_fee(market, quote, 0) if draft.order.post_only else standing.taker_fee(market, quote)",
        "fee = standing.taker_fee(market, quote)",
    ),
    Mutant(
        "RULE-R09-001",
        "fee = standing.maker_fee(market, quote, 0) if draft.order.post_only else standing.taker_fee(market, quote)",
        "fee = standing.maker_fee(market, quote, 0)",
    ),
    Mutant("RULE-R09-001", "max(0, side * (price - market.prices.mark)) * market.unit", "0"),
    Mutant(
        "RULE-R09-001",
        "max(0, side * (price - market.prices.mark)) * market.unit",
        "abs(price - market.prices.mark) * market.unit",
    ),
    Mutant("RULE-R09-001", "equity - account.reserved - cost >= initial", "equity - account.reserved - cost > initial"),
    Mutant(
        "RULE-R09-001", "equity - account.reserved - cost >= initial", "equity - account.reserved - cost + 1 >= initial"
    ),
    Mutant("RULE-R09-002", "equity - account.reserved - cost >= initial", "equity - cost >= initial"),
    Mutant(
        "RULE-R09-002",
        "max(longest, shortest) * mark * market.unit",
        "(abs(longest) + abs(shortest)) * mark * market.unit",
    ),
    Mutant("RULE-R09-002", "longest = held.lots + held.bids + more_bids", "longest = held.lots + more_bids"),
    Mutant(
        "RULE-R09-003", "shortest = held.asks + more_asks - held.lots", "shortest = held.asks + more_asks + held.lots"
    ),
    Mutant("RULE-R09-003", "    if order.reduce_only:\n        return\n", ""),
    Mutant("RULE-R09-004", "return holding.asks + lots <= holding.lots", "return holding.asks + lots < holding.lots"),
    Mutant("RULE-R09-004", "return holding.asks + lots <= holding.lots", "return lots <= holding.lots"),
    Mutant(
        "RULE-R10-001",
        "new_equity * maintenance >= equity * new_maintenance",
        "new_equity * maintenance > equity * new_maintenance",
    ),
    Mutant("RULE-R10-001", "new_maintenance <= maintenance and", "new_maintenance <= maintenance + 1 and"),
    Mutant("RULE-R10-001", "return new_equity > equity", "return new_equity >= equity"),
    Mutant(
        "RULE-R10-002",
        "if equity - _haircut(account) >= before.initial_margin_quanta - old[0] + new[0]:",
        "if equity - _haircut(account) > before.initial_margin_quanta - old[0] + new[0]:",
    ),
    Mutant(
        "RULE-R10-002", "(market.prices.mark - price) * market.unit - fee", "(market.prices.mark - price) * market.unit"
    ),
    Mutant(
        "RULE-R10-003",
        "return -self.lots * (self.market.funding.index - self.funding_index)",
        "return self.lots * (self.market.funding.index - self.funding_index)",
    ),
    Mutant(
        "RULE-R10-003",
        "equity += position.quote_quanta + position.value_quanta + position.unsettled_funding_quanta",
        "equity += position.quote_quanta + position.value_quanta",
    ),
    Mutant(
        "RULE-R10-004",
        "equity * QUANTA_PER_QUOTE // maintenance_margin",
        "-(-equity * QUANTA_PER_QUOTE // maintenance_margin)",
    ),
    Mutant("RULE-R10-004", "    if maintenance_margin <= 0:\n        return None\n", ""),
    Mutant(
        "RULE-R10-005",
        "maintenance_margin_quanta > 0 and equity_quanta < maintenance_margin_quanta",
        "maintenance_margin_quanta > 0 and equity_quanta <= maintenance_margin_quanta",
    ),
    Mutant("RULE-R10-005", "equity_quanta * PPM < threshold_ppm", "equity_quanta * PPM <= threshold_ppm"),
    Mutant("RULE-R11-001", "max(initial, ceil_div(notional, 10))", "max(initial, notional // 10)"),
    Mutant("RULE-R11-001", "max(initial, ceil_div(notional, 10))", "initial"),
    Mutant("RULE-R11-001", "max(initial, ceil_div(notional, 10))", "ceil_div(notional, 10)"),
    Mutant(
        "RULE-R11-001",
        "return max(0, min(account.cash.balance, free_equity(account)))",
        "return max(0, free_equity(account))",
    ),
    Mutant("RULE-R11-001", "    if amount > free:\n", "    if amount >= free:\n"),
    Mutant("RULE-R11-002", "return equity - account.reserved - max(", "return equity - max("),
)
