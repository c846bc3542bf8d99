"""Index, mark price, premium and funding (R13 to R18)."""

from typing import Final

from tests.support.mutation import Mutant

PRICES: Final = (
    Mutant("RULE-R13-101", "at - prices.updated_at > MAX_INDEX_SILENCE", "at - prices.updated_at >= MAX_INDEX_SILENCE"),
    Mutant("RULE-R13-101", "MAX_INDEX_SILENCE: Final = 60 * SECOND", "MAX_INDEX_SILENCE: Final = 60 * SECOND + 1"),
    Mutant(
        "RULE-R14-001",
        "ticks = half_up_div(numerator * unit_denominator, denominator * unit_numerator)",
        "ticks = numerator * unit_denominator // (denominator * unit_numerator)",
    ),
    Mutant(
        "RULE-R14-001",
        "return (2 * numerator + denominator) // (2 * denominator)",
        "return (2 * numerator + denominator - 1) // (2 * denominator)",
    ),
    Mutant("RULE-R14-002", "if not 0 < ticks <= MAX_PRICE_TICKS:", "if not 0 <= ticks <= MAX_PRICE_TICKS:"),
    Mutant("RULE-R14-003", "band = index * band_ppb // PPB", "band = -(-index * band_ppb // PPB)"),
    Mutant(
        "RULE-R14-003",
        "(ordered[middle - 1] + ordered[middle]) // 2",
        "-(-(ordered[middle - 1] + ordered[middle]) // 2)",
    ),
    Mutant("RULE-R14-003", "half_up_div(mark, MICRO_TICKS)", "mark // MICRO_TICKS"),
    Mutant("RULE-R14-003", "half_up_div(mark, MICRO_TICKS)", "-(-mark // MICRO_TICKS)"),
    Mutant("RULE-R14-004", "for price in (bid, ask, prices.last) if price]", "for price in (bid, ask) if price]"),
    Mutant(
        "RULE-R14-004",
        "parts.append(prices.index * rule.MICRO_TICKS + prices.ema)",
        "parts.append(prices.index * rule.MICRO_TICKS - prices.ema)",
    ),
    Mutant(
        "RULE-R14-005",
        "index * MICRO_TICKS + trunc_div(index * rate_ppb * time_left, scale * interval)",
        "index * MICRO_TICKS + index * rate_ppb * time_left // (scale * interval)",
    ),
    Mutant(
        "RULE-R14-006",
        "next_at = funding.interval_start + 2 * funding.interval_micros",
        "next_at = funding.interval_start + funding.interval_micros",
    ),
    Mutant(
        "RULE-R14-006",
        "time_left = min(max(0, next_at - at), funding.interval_micros)",
        "time_left = min(next_at - at, funding.interval_micros)",
    ),
    Mutant("RULE-R14-007", "if bid is not None or ask is not None:", "if bid is not None and ask is not None:"),
    Mutant("RULE-R15-001", "EMA_KEEP_PPB: Final = 993_355_506", "EMA_KEEP_PPB: Final = 993_355_507"),
    Mutant(
        "RULE-R15-001",
        "ema = trunc_div(ema * EMA_KEEP_PPB + sample * (PPB - EMA_KEEP_PPB), PPB)",
        "ema = (ema * EMA_KEEP_PPB + sample * (PPB - EMA_KEEP_PPB)) // PPB",
    ),
    Mutant(
        "RULE-R15-001", "for _ in range(min(steps, EMA_MOST_STEPS)):", "for _ in range(min(steps + 1, EMA_MOST_STEPS)):"
    ),
    Mutant("RULE-R15-002", "prices.ema_at += steps * rule.SECOND", "prices.ema_at = at"),
    Mutant(
        "RULE-R15-002", "steps = (at - prices.ema_at) // rule.SECOND", "steps = -(-(at - prices.ema_at) // rule.SECOND)"
    ),
    Mutant(
        "RULE-R17-101",
        "trunc_div(PPB * above, index * unit)",
        "PPB * above // (index * unit)",
    ),
    Mutant("RULE-R17-101", "return above - below", "return above + below"),
    Mutant(
        "RULE-R17-102",
        "cap = min(8 * market.spec.funding_cap_hourly_ppb",
        "cap = min(7 * market.spec.funding_cap_hourly_ppb",
    ),
    Mutant("RULE-R17-102", "premium_ppb=min(max(premium, -cap), cap)", "premium_ppb=min(premium, cap)"),
    Mutant("RULE-R17-103", "if price * size >= left:", "if price * size > left:"),
    Mutant("RULE-R17-103", "swept = taken + Fraction(left, price)", "swept = taken + Fraction(left, price + 1)"),
    Mutant("RULE-R17-104", "if minute <= prices.premium_minute:", "if minute < prices.premium_minute:"),
    Mutant(
        "RULE-R17-104",
        "minute = out.at // rule.MINUTE * rule.MINUTE",
        "minute = (out.at + 1) // rule.MINUTE * rule.MINUTE",
    ),
    Mutant(
        "RULE-R18-001",
        "step, carry = divmod(mark * unit * rate_ppb + carry, PPB)",
        "step, carry = divmod(-mark * unit * rate_ppb + carry, PPB)",
    ),
    Mutant("RULE-R16-002", "sourced_from=min(known", "sourced_from=max(known"),
    Mutant("RULE-R16-002", "sourced_to=max(known", "sourced_to=min(known"),
    Mutant("RULE-R16-002", "command.occurred_at - source.age_micros", "command.occurred_at + source.age_micros"),
    Mutant("RULE-R16-002", "for source in command.sources if not source.rejected]", "for source in command.sources]"),
    Mutant("RULE-R16-002", "times if command.price is not None else []", "times"),
    Mutant("RULE-R16-003", "        spec_version=market.status.version,\n        sourced", "        sourced"),
    Mutant(
        "RULE-R18-002",
        "if command.interval_start <= funding.interval_start:",
        "if command.interval_start < funding.interval_start:",
    ),
    Mutant("RULE-R18-003", "abs(command.rate_ppb) * HOUR > market.spec", "abs(command.rate_ppb) * HOUR >= market.spec"),
    Mutant("RULE-R18-003", "abs(command.rate_ppb) * HOUR > market.spec", "command.rate_ppb * HOUR > market.spec"),
    Mutant("RULE-R18-004", "    holding.funding_index = market.funding.index\n", ""),
)
