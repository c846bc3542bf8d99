"""Matching (R26 to R30)."""

from typing import Final

from tests.support.mutation import Mutant

ORDERS: Final = (
    Mutant(
        "RULE-R26-001",
        "if maker is None or (maker.price - taker.limit) * taker.side > 0:",
        "if maker is None or (maker.price - taker.limit) * taker.side >= 0:",
    ),
    Mutant(
        "RULE-R26-001",
        "if maker is None or (maker.price - taker.limit) * taker.side > 0:",
        "if maker is None or (maker.price - taker.limit) * taker.side > 1:",
    ),
    Mutant(
        "RULE-R26-002",
        "return best is not None and (draft.order.price - best) * draft.side >= 0",
        "return best is not None and (draft.order.price - best) * draft.side > 0",
    ),
    Mutant(
        "RULE-R26-003",
        "return self._orders.get(self._packed.best(self._half))",
        "return next(iter([list(queue)[-1] for queue in self.queues()]), None)",
    ),
    Mutant(
        "RULE-R26-003",
        "return self._orders.get(self._packed.best(self._half))",
        "return next(iter([list(queue)[0] for queue in self.queues()][::-1]), None)",
    ),
    Mutant(
        "RULE-R27-001",
        "min(mark * (PPB + band) // PPB, MAX_PRICE_TICKS)",
        "min(-(-mark * (PPB + band) // PPB), MAX_PRICE_TICKS)",
    ),
    Mutant("RULE-R27-001", "return ceil_div(mark * (PPB - band), PPB)", "return mark * (PPB - band) // PPB"),
    Mutant(
        "RULE-R29-001",
        'return taker.prevention != "expire_maker"',
        "return True",
    ),
    Mutant(
        "RULE-R30-001",
        "lots = min(lots, max(0, -maker.side * holding.lots))",
        "lots = min(lots, abs(holding.lots) + 1)",
    ),
    Mutant(
        "RULE-R30-002",
        "return min(self.remaining, max(0, -self.side * self.holding.lots))",
        "return self.remaining",
    ),
    Mutant("RULE-R30-003", "if holding.lots * draft.side >= 0:", "if holding.lots * draft.side > 0:"),
)
