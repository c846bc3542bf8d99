"""Units, rounding, positions and fees (R1 to R7)."""

from typing import Final

from tests.support.mutation import Mutant

ACCOUNTING: Final = (
    Mutant(
        "RULE-R01-001",
        "return self.price * self.lots * self.market.unit",
        "return self.price * self.lots",
    ),
    Mutant("RULE-R01-001", '"0.000001", 10**12, "tick * lot"', '"0.0000005", 10**12, "tick * lot"'),
    Mutant("RULE-R01-002", '"0.000001", 10**12, "tick * lot"', '"0.0000005", 10**12, "tick * lot"'),
    Mutant("RULE-R01-003", "if steps > self._limit:", "if steps >= self._limit:"),
    Mutant("RULE-R01-003", "if steps > self._limit:", "if steps > self._limit + 1:"),
    Mutant(
        "RULE-R01-003",
        '        if rest:\n            raise MoneyError("off_grid", f"{self._name} {text} is',
        '        if rest < 0:\n            raise MoneyError("off_grid", f"{self._name} {text} is',
    ),
    Mutant(
        "RULE-R01-003",
        "        if not steps:\n            raise MoneyError",
        "        if steps < 0:\n            raise MoneyError",
    ),
    Mutant("RULE-R01-004", "MAX_QUANTA: Final = 2**53 - 1", "MAX_QUANTA: Final = 2**53"),
    Mutant(
        "RULE-R01-004",
        'to_grid(text, "0.000001", MAX_QUANTA, "amount")',
        'to_grid(text, "0.0000001", 10 * MAX_QUANTA, "amount") // 10',
    ),
    Mutant("RULE-R02-001", "PPB: Final = 1_000_000_000", "PPB: Final = 999_999_999"),
    Mutant("RULE-R02-001", "divmod(mark * unit * rate_ppb + carry, PPB)", "divmod(mark * unit * rate_ppb, PPB)"),
    Mutant(
        "RULE-R02-002",
        "divmod(mark * unit * rate_ppb + carry, PPB)",
        "(int((mark * unit * rate_ppb + carry) / PPB), 0)",
    ),
    Mutant("RULE-R02-002", "funding.carry, funding.rate_ppb = carry,", "funding.carry, funding.rate_ppb = -carry,"),
    Mutant("RULE-R03-001", "        target.balance += amount\n", "        target.balance += amount + 1\n"),
    Mutant("RULE-R03-001", "        source.balance -= amount\n", "        source.balance -= amount - 1\n"),
    Mutant(
        "RULE-R04-001",
        "state.ledger.move(kind, buys.quote, sells.quote, quote)",
        "state.ledger.move(kind, buys.quote, sells.quote, quote + 1)",
    ),
    Mutant("RULE-R04-001", "buys.quote, sells.quote, quote)", "sells.quote, buys.quote, quote)"),
    Mutant("RULE-R04-002", "quantize(Decimal(1), ROUND_HALF_UP)", "quantize(Decimal(1), 'ROUND_HALF_DOWN')"),
    Mutant("RULE-R05-001", "trunc_div(quote * abs(delta), abs(lots)) + flow", "quote * abs(delta) // abs(lots) + flow"),
    Mutant(
        "RULE-R05-001", "trunc_div(quote * abs(delta), abs(lots)) + flow", "-(-quote * abs(delta) // abs(lots)) + flow"
    ),
    Mutant(
        "RULE-R05-001",
        "trunc_div(quote * abs(delta), abs(lots)) + flow",
        "trunc_div(quote * abs(delta), abs(lots)) - flow",
    ),
    Mutant("RULE-R05-001", "if not lots or (lots > 0) == (delta > 0):", "if not lots or (lots > 0) != (delta > 0):"),
    Mutant("RULE-R05-002", "return quote + flow * abs(lots) // abs(delta)", "return quote + flow"),
    Mutant(
        "RULE-R05-002",
        "return quote + flow * abs(lots) // abs(delta)",
        "return quote + flow * (abs(delta) - abs(lots)) // abs(delta)",
    ),
    Mutant(
        "RULE-R06-001",
        "        return ceil_div(quote_quanta * rate_ppb, PPB)\n    return ceil_div(quote_quanta * rate_ppb * (PPB",
        "        return quote_quanta * rate_ppb // PPB\n    return ceil_div(quote_quanta * rate_ppb * (PPB",
    ),
    Mutant(
        "RULE-R06-001",
        "        return ceil_div(quote_quanta * rate_ppb, PPB)\n    return -min(",
        "        return quote_quanta * rate_ppb // PPB\n    return -min(",
    ),
    Mutant(
        "RULE-R06-001",
        "        return ceil_div(quote_quanta * rate_ppb, PPB)\n    return -min(",
        "        return ceil_div(quote_quanta * rate_ppb + 1, PPB)\n    return -min(",
    ),
    Mutant(
        "RULE-R06-001",
        'ledger.move("fee", account.cash, party.fee_to, party.fee)',
        'ledger.move("fee", holding.quote, party.fee_to, party.fee)',
    ),
    Mutant(
        "RULE-R06-002",
        "-min(quote_quanta * -rate_ppb // PPB, max(0, taken_quanta))",
        "-min(ceil_div(quote_quanta * -rate_ppb, PPB), max(0, taken_quanta))",
    ),
    Mutant(
        "RULE-R06-002",
        "-min(quote_quanta * -rate_ppb // PPB, max(0, taken_quanta))",
        "-min(quote_quanta * -rate_ppb // PPB, max(0, taken_quanta) + 1)",
    ),
    Mutant(
        "RULE-R06-003",
        "return min(fee_quanta * share_ppb // PPB, fee_quanta - rebate_quanta)",
        "return min(ceil_div(fee_quanta * share_ppb, PPB), fee_quanta - rebate_quanta)",
    ),
    Mutant(
        "RULE-R06-003",
        "return ceil_div(quote_quanta * rate_ppb * (PPB - discount_ppb), PPB * PPB)",
        "return quote_quanta * rate_ppb * (PPB - discount_ppb) // (PPB * PPB)",
    ),
    Mutant("RULE-R07-001", "sum(pots.values()) != net_deposits", "sum(pots.values()) > net_deposits"),
    Mutant("RULE-R07-001", "sum(pots.values()) != net_deposits", "sum(pots.values()) < net_deposits"),
    Mutant("RULE-R07-002", "if lots or longs != market.open_interest:", "if lots or longs > market.open_interest:"),
    Mutant("RULE-R07-002", "if lots or longs != market.open_interest:", "if lots > 0 or longs < market.open_interest:"),
    Mutant("RULE-R07-003", "if unsettled != market.funding_pot.balance:", "if unsettled > market.funding_pot.balance:"),
    Mutant("RULE-R07-003", "if unsettled != market.funding_pot.balance:", "if unsettled < market.funding_pot.balance:"),
    Mutant("RULE-R07-004", "return max(0, lots + delta) - max(0, lots)", "return max(0, lots + delta) - abs(lots)"),
)
