"""Mutants of isolated accounts, of what an order's terms promise, of bands, the breaker and caps (R12, R26 to R32)."""

from typing import Final

from tests.support.mutation import Mutant

TERMS: Final = (
    Mutant("RULE-R12-001", 'raise Refused("isolated_market", f"{account.name} trades {account.pinned}")', "pass"),
    Mutant(
        "RULE-R26-004",
        'return Deadline(order.expires_at, "order_expiry"',
        'return Deadline(order.expires_at + 1, "order_expiry"',
    ),
    Mutant("RULE-R26-004", "if expires_at <= at:", "if expires_at < at:"),
    Mutant("RULE-R26-004", "if expires_at <= at:", "if expires_at <= at + 1:"),
    Mutant(
        "RULE-R26-005",
        "elif wanted.price == order.price and wanted.size <= order.size and not _shows_more(order, wanted):",
        "elif wanted.price == order.price and not _shows_more(order, wanted):",
    ),
    Mutant(
        "RULE-R26-005",
        "elif wanted.price == order.price and wanted.size <= order.size and not _shows_more(order, wanted):",
        "elif wanted.price < order.price:",
    ),
    Mutant("RULE-R26-006", "if wanted.remaining <= 0:", "if wanted.remaining < 0:"),
    Mutant("RULE-R26-006", "if wanted.remaining <= 0:", "if wanted.remaining <= 1:"),
    Mutant("RULE-R27-002", "return taker.filled == order.remaining", "return taker.filled >= order.remaining - 1"),
    Mutant("RULE-R27-002", "return taker.filled == order.remaining", "return taker.filled > order.remaining"),
    Mutant("RULE-R28-001", "entries[0][0] <= bound", "entries[0][0] < bound"),
    Mutant("RULE-R28-001", "entries[0][0] <= bound", "entries[0][0] <= bound + 1"),
    Mutant(
        "RULE-R28-001",
        "trigger.way * (price - trigger.level) >= 0:\n        conditional",
        "trigger.way * (price - trigger.level) > 0:\n        conditional",
    ),
    Mutant(
        "RULE-R28-001",
        "trigger.way * (price - trigger.level) >= 0:\n        conditional",
        "trigger.way * (price - trigger.level) >= -1:\n        conditional",
    ),
    Mutant(
        "RULE-R29-002",
        "floor.prevent(taker, maker, min(taker.remaining, maker.shown))",
        "floor.prevent(taker, maker, max(taker.remaining, maker.shown))",
    ),
    Mutant(
        "RULE-R29-002",
        'if taker.prevention != "expire_taker":\n        floor.drop',
        'if taker.prevention == "expire_maker":\n        floor.drop',
    ),
    Mutant("RULE-R31-001", "centre * (PPB - width_ppb) // step + 1,", "centre * (PPB - width_ppb) // step,"),
    Mutant("RULE-R31-001", "(centre * (PPB + width_ppb) - 1) // step", "(centre * (PPB + width_ppb)) // step"),
    Mutant("RULE-R31-002", "* PPB >= self.breaker_ppb * average", "* PPB > self.breaker_ppb * average"),
    Mutant("RULE-R31-002", "out.at + guards.pause_micros)", "out.at + guards.pause_micros + 1)"),
    Mutant(
        "RULE-R32-001",
        "spare = max(0, market.guards.open_interest_cap - market.open_interest)",
        "spare = max(0, market.guards.open_interest_cap - market.open_interest) + 1",
    ),
    Mutant(
        "RULE-R32-001",
        "spare = max(0, market.guards.open_interest_cap - market.open_interest)",
        "spare = max(0, market.guards.open_interest_cap - market.open_interest - 1)",
    ),
    Mutant("RULE-R32-001", "return spare + max(0, -buys.lots) + max(0, sells.lots)", "return spare"),
    Mutant("RULE-R32-002", "if reach > market.guards.position_cap or", "if reach >= market.guards.position_cap or"),
    Mutant("RULE-R32-002", "if reach > market.guards.position_cap or", "if reach > market.guards.position_cap + 1 or"),
)
