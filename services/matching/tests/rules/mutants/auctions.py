"""Mutants of R33: just-in-time auctions."""

from typing import Final

from tests.support.mutation import Mutant

AUCTIONS: Final = (
    Mutant(
        "RULE-R33-001",
        "start + trunc_div((end - start) * min(elapsed, slots), slots)",
        "start + (end - start) * min(elapsed, slots) // slots",
    ),
    Mutant("RULE-R33-001", "min(elapsed, slots), slots)", "elapsed, slots)"),
    Mutant("RULE-R33-001", "    if not slots:\n        return end", "    if not slots:\n        return start"),
    Mutant("RULE-R33-002", "SPREAD_PERMILLE: Final = 5", "SPREAD_PERMILLE: Final = 4"),
    Mutant("RULE-R33-002", "if (limit - index) * side < 0:", "if (limit - index) * side <= 0:"),
    Mutant("RULE-R33-002", "moved = scaled // 1_000 if side > 0", "moved = ceil_div(scaled, 1_000) if side > 0"),
    Mutant("RULE-R33-002", "else ceil_div(scaled, 1_000)", "else scaled // 1_000"),
    Mutant(
        "RULE-R33-002", "return Course(index, min(beyond, limit) if side > 0", "return Course(index, beyond if side > 0"
    ),
    Mutant("RULE-R33-002", "else max(beyond, limit), False", "else beyond, False"),
    Mutant("RULE-R33-003", "min(ticks, order.price) if order.side > 0", "ticks if order.side > 0"),
    Mutant("RULE-R33-003", "else max(ticks, order.price)", "else ticks"),
    Mutant("RULE-R33-003", "min(max(1, bounded), MAX_PRICE_TICKS)", "min(max(0, bounded), MAX_PRICE_TICKS)"),
    Mutant("RULE-R33-003", "            ticks += index", "            ticks -= index"),
    Mutant("RULE-R33-004", "SLOT_MICROS: Final = 400_000", "SLOT_MICROS: Final = 400_001"),
    Mutant("RULE-R33-004", "self.next_slot, self.maker_lots = 1, 0", "self.next_slot, self.maker_lots = 2, 0"),
    Mutant(
        "RULE-R33-005",
        "(resting.price - quotes[0].price) * self._auction.order.side <= 0",
        "(resting.price - quotes[0].price) * self._auction.order.side < 0",
    ),
    Mutant(
        "RULE-R33-005",
        "(held.price * self.order.side, held.priority)",
        "(held.price * self.order.side, -held.priority)",
    ),
    Mutant("RULE-R33-005", "(held.price * self.order.side, held.priority)", "(held.price, held.priority)"),
    Mutant("RULE-R33-006", "if slot > auction.course.slots:", "if slot >= auction.course.slots:"),
    Mutant("RULE-R33-006", "if slot > auction.course.slots:", "if slot > auction.course.slots + 1:"),
    Mutant(
        "RULE-R33-007",
        "(end * order.filled * market.unit - order.quote) * order.side",
        "(end * order.filled - order.quote) * order.side",
    ),
    Mutant(
        "RULE-R33-007",
        "end = auction.price(market.prices.index, auction.course.slots)",
        "end = auction.price(market.prices.index, auction.course.slots - 1)",
    ),
    Mutant("RULE-R33-007", "self._auction.maker_lots += lots", "self._auction.maker_lots += 1"),
    Mutant("RULE-R33-008", 'if order.time_in_force != "ioc":', 'if order.time_in_force == "gtt":'),
)
