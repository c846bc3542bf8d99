"""Liquidation and takeover (R19 to R25)."""

from typing import Final

from tests.support.mutation import Mutant

LIQUIDATION: Final = (
    Mutant(
        "RULE-R19-101",
        'if not is_liquidatable(now.equity_quanta, now.maintenance_margin_quanta):\n        return "healthy"',
        'if now.equity_quanta > now.maintenance_margin_quanta:\n        return "healthy"',
    ),
    Mutant(
        "RULE-R20-101",
        "key=lambda held: (-maintenance_of(held, held.lots), held.market.id)",
        "key=lambda held: (maintenance_of(held, held.lots), held.market.id)",
    ),
    Mutant(
        "RULE-R20-101",
        "key=lambda held: (-maintenance_of(held, held.lots), held.market.id)",
        "key=lambda held: -maintenance_of(held, held.lots)",
    ),
    Mutant("RULE-R20-102", "BUFFER_PERCENT: Final = 5", "BUFFER_PERCENT: Final = 4"),
    Mutant(
        "RULE-R20-102",
        "return min(size, ceil_div(shortage * RATE_SCALE, unit * rate))",
        "return min(size, shortage * RATE_SCALE // (unit * rate))",
    ),
    Mutant(
        "RULE-R20-102",
        "return min(size, ceil_div(shortage * RATE_SCALE, unit * rate))",
        "return ceil_div(shortage * RATE_SCALE, unit * rate)",
    ),
    Mutant("RULE-R20-103", "aim - market.spec.liquidation_fee_ppb * 10**11", "aim"),
    Mutant("RULE-R20-103", "    if rate <= 0:\n        return size\n", "    if rate < 0:\n        return size\n"),
    Mutant(
        "RULE-R20-104",
        "ceil_div(now.maintenance_margin_quanta * aim, 100)",
        "(now.maintenance_margin_quanta * aim // 100)",
    ),
    Mutant("RULE-R20-105", "if upper is None or notional <= upper:", "if upper is None or notional < upper:"),
    Mutant("RULE-R21-101", "return ceil_div(value, lot) if holding.lots > 0 else value // lot", "return value // lot"),
    Mutant(
        "RULE-R21-101",
        "return ceil_div(value, lot) if holding.lots > 0 else value // lot",
        "return ceil_div(value, lot)",
    ),
    Mutant(
        "RULE-R21-101",
        "share = now.equity_quanta * released // now.maintenance_margin_quanta",
        "share = -(-now.equity_quanta * released // now.maintenance_margin_quanta)",
    ),
    Mutant(
        "RULE-R21-101",
        "return value - share if holding.lots > 0 else value + share",
        "return value + share if holding.lots > 0 else value - share",
    ),
    Mutant(
        "RULE-R21-102",
        "if maker is None or (maker.price - taker.limit) * taker.side > 0:",
        "if maker is None or (maker.price - taker.limit) * taker.side >= 0:",
    ),
    Mutant(
        "RULE-R22-101",
        "price * lots * market.unit * market.spec.liquidation_fee_ppb // PPB",
        "-(-price * lots * market.unit * market.spec.liquidation_fee_ppb // PPB)",
    ),
    Mutant(
        "RULE-R22-101",
        "surplus = (price - self.limit) * -self.side * lots * market.unit",
        "surplus = (price - self.limit + 1) * -self.side * lots * market.unit",
    ),
    Mutant(
        "RULE-R22-101",
        "return Party(self.account, None, fee, market.insurance)",
        "return Party(self.account, None, fee, state.fees)",
    ),
    Mutant(
        "RULE-R23-101",
        "3 * now.equity_quanta < 2 * now.maintenance_margin_quanta",
        "3 * now.equity_quanta + 1 < 2 * now.maintenance_margin_quanta - 1",
    ),
    Mutant(
        "RULE-R23-102",
        "3 * now.equity_quanta < 2 * now.maintenance_margin_quanta",
        "3 * now.equity_quanta <= 2 * now.maintenance_margin_quanta",
    ),
    Mutant("RULE-R23-103", "if market.insurance.balance < loss:", "if market.insurance.balance <= loss:"),
    Mutant(
        "RULE-R23-103",
        "loss = max(0, side * (price - market.prices.mark) * lots * market.unit)",
        "loss = max(0, (price - market.prices.mark) * lots * market.unit)",
    ),
    Mutant("RULE-R23-104", 'if deal.origin != "takeover":', 'if deal.origin == "book":'),
    Mutant("RULE-R23-104", 'if deal.origin != "takeover":', "if deal.lots:"),
    Mutant("RULE-R23-105", "fee = max(0, side * (price * lots", "fee = 0 * max(0, side * (price * lots"),
    Mutant("RULE-R23-105", "fee = max(0, side * (price * lots", "fee = max(1, side * (price * lots"),
    Mutant(
        "RULE-R25-101",
        "paid = max(0, min(-account.cash.balance, market.insurance.balance))",
        "paid = max(0, min(-account.cash.balance - 1, market.insurance.balance))",
    ),
    Mutant(
        "RULE-R25-101",
        "paid = max(0, min(-account.cash.balance, market.insurance.balance))",
        "paid = -account.cash.balance",
    ),
    Mutant("RULE-R20-106", "market.unit > rules.large_notional_quanta", "market.unit >= rules.large_notional_quanta"),
    Mutant("RULE-R20-106", "ceil_div(size * rules.step_ppb, PPB)", "size * rules.step_ppb // PPB"),
    Mutant("RULE-R20-106", "ceil_div(rules.min_notional_quanta, unit)", "rules.min_notional_quanta // unit"),
    Mutant("RULE-R20-106", "* unit < rules.min_notional_quanta", "* unit <= rules.min_notional_quanta"),
    Mutant("RULE-R23-106", "+ gain >= ceil_div(", "+ gain > ceil_div("),
    Mutant("RULE-R23-106", "notional > rules.position_cap_quanta", "notional >= rules.position_cap_quanta"),
    Mutant(
        "RULE-R23-106", "holding.lots * (market.prices.mark - price)", "holding.lots * (price - market.prices.mark)"
    ),
    Mutant("RULE-R24-101", "return profit * notional, cost * equity", "return profit * equity, cost * notional"),
    Mutant(
        "RULE-R24-101", "quote + value, abs(value), max(1, abs(quote))", "quote + value, abs(value), 1 + abs(quote)"
    ),
    Mutant("RULE-R25-102", "ceil_div(loss * profit, total)", "loss * profit // total"),
    Mutant("RULE-R25-102", "covered = min(loss, charged)", "covered = charged"),
    Mutant("RULE-R25-103", "charge = min(most, ", "charge = max(0, "),
    Mutant("RULE-R25-103", "most = min(profit, equity", "most = max(profit, equity"),
)
