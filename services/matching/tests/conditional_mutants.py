"""Small faults in the rules of conditional and linked orders, each with the criterion that notices it."""

from typing import Final

from tests.support.mutation import Mutant

TRIGGERS: Final = (
    Mutant("MATCH-TRG-001", "return -side if takes_profit else side", "return side"),
    Mutant("MATCH-TRG-001", "entries[0][0] <= bound", "entries[0][0] < bound"),
    Mutant("MATCH-TRG-002", "(due.trigger, due.number)", "(-due.trigger, due.number)"),
    Mutant("MATCH-TRG-002", "(-due.trigger, due.number)", "due.number"),
    Mutant("MATCH-TRG-003", "return falling + rising", "return rising + falling"),
    Mutant("MATCH-TRG-004", "if keys.get(number) == key:", "if number in keys:"),
    Mutant(
        "MATCH-TRG-005",
        "due = [Due(number, back * (run.extreme - ticks), extreme)",
        "due = [Due(number, back * run.extreme, extreme)",
    ),
    Mutant("MATCH-TRG-005", "run.amounts.take(gap)", "run.amounts.take(gap - 1)"),
    Mutant(
        "MATCH-TRG-007",
        "run.rates.take(gap * PPB // abs(run.extreme))",
        "run.rates.take((gap * PPB - 1) // abs(run.extreme))",
    ),
    Mutant(
        "MATCH-TRG-007", "extreme * (PPB + self._side * rate) // PPB", "-(-extreme * (PPB + self._side * rate) // PPB)"
    ),
    Mutant("MATCH-TRG-007", "extreme * (PPB + self._side * rate)", "extreme * (PPB - self._side * rate)"),
    Mutant("MATCH-TRG-009", "if not self._runs or self._runs[-1].extreme > extreme:", "if not self._runs:"),
    Mutant("MATCH-TRG-009", "while runs and runs[-1].extreme <= extreme:", "while runs:"),
    Mutant("MATCH-TRG-009", "return bisect_right(self._starts, number) - 1", "return len(self._starts) - 1"),
    Mutant(
        "MATCH-TRG-012", "self.moved.add(start)\n        if start", "self.moved.update(self._starts)\n        if start"
    ),
)
WAITING: Final = (
    Mutant("MATCH-CON-024", "self.priced(market, source, price)", 'self.priced(market, "mark", price)'),
    Mutant(
        "MATCH-CON-002",
        'state.conditional.priced(market, "index", index)',
        'state.conditional.priced(market, "index", prices.mark + 1)',
    ),
    Mutant(
        "MATCH-CON-005",
        "trigger.way * (price - trigger.level) >= 0:\n        conditional",
        "trigger.way * (price - trigger.level) > 0:\n        conditional",
    ),
    Mutant("MATCH-CON-006", 'close(state, out, order, reason, "reject")', "close(state, out, order, reason)"),
    Mutant("MATCH-CON-008", 'state.conditional.priced(deal.market, "last", deal.price, state.counters.trades)', "pass"),
    Mutant("MATCH-CON-013", "if lots * trigger.order.side >= 0 and not entering:", "if not lots and not entering:"),
    Mutant(
        "MATCH-CON-013",
        "if lots * trigger.order.side >= 0 and not entering:",
        "if lots * trigger.order.side > 0 and not entering:",
    ),
    Mutant(
        "MATCH-CON-014",
        "held_by(account.name) + len(_legs(terms)) >= MAX_ARMED_ORDERS",
        "held_by(account.name) > MAX_ARMED_ORDERS",
    ),
    Mutant(
        "MATCH-CON-016",
        "if terms.reduce_only and state.holding(account, market).lots * side >= 0:",
        "if terms.reduce_only and not state.holding(account, market).lots:",
    ),
    Mutant(
        "MATCH-CON-018",
        "    if is_stale(prices, at):\n        return None\n    return (prices.mark",
        "    return (prices.mark",
    ),
    Mutant("MATCH-CON-020", 'if order.state != "armed":\n            close', "if order:\n            close"),
    Mutant("MATCH-CON-023", "trigger is None or trigger.due is not met", "trigger is None"),
    Mutant("MATCH-CON-024", "if book is None or not market.status.matches:", "if book is None:"),
    Mutant("MATCH-CON-024", "if status.matches and previous not in MATCHING:", "if previous in MATCHING:"),
    Mutant("MATCH-CON-024", "    if not market.status.matches:\n        return None\n    if source", "    if source"),
    Mutant("MATCH-CON-026", "for _, trigger in sorted(state.conditional.triggers.items()):", "for _, trigger in ():"),
    Mutant("MATCH-CON-028", "checks.standing(state, draft)\n    checks.risk", "checks.risk"),
    Mutant(
        "MATCH-CON-029", "cancel_others(state, out)\n    for order in (older, newer):", "for order in (older, newer):"
    ),
    Mutant("MATCH-CON-031", "if trigger.due is not None and not trigger.level:", "if False:"),
    Mutant("MATCH-TRL-001", "self.low if side > 0 else self.high", "self.high if side > 0 else self.low"),
    Mutant("MATCH-TRL-003", "return UNSEEN if price is None else -self._side * price", "return UNSEEN"),
    Mutant("MATCH-TRL-004", "trail.extreme_of(first_order_id) or 0", "0"),
    Mutant(
        "MATCH-TRL-005", "trigger.distance = distance\n        touch(state, trigger)", "trigger.distance = distance"
    ),
)
LINKED: Final = (
    Mutant("MATCH-OCO-001", "rivals = conditional.groups.others(order_id)", "rivals = []"),
    Mutant("MATCH-OCO-002", "self.spent += self.groups.others(order_id)", "pass"),
    Mutant("MATCH-OCO-003", "if maker.order_id in gone:", "if False:"),
    Mutant("MATCH-OCO-007", "for order_id in (maker.order_id, taker.order_id):", "for order_id in (maker.order_id,):"),
    Mutant("MATCH-OCO-005", "key = order.account, name", 'key = "", name'),
    Mutant("MATCH-BRK-001", "trigger.order.remaining += lots", "pass"),
    Mutant("MATCH-BRK-003", "rivals.append(bracket.parent)", "pass"),
    Mutant("MATCH-BRK-004", "conditional.drop_leg(trigger)", "pass"),
    Mutant(
        "MATCH-BRK-006", "if lots * trigger.order.side >= 0 and not entering:", "if lots * trigger.order.side >= 0:"
    ),
    Mutant(
        "MATCH-BRK-009", "entry.side * (profit.level - loss.level) <= 0", "entry.side * (profit.level - loss.level) > 0"
    ),
)
MUTANTS: Final = (*TRIGGERS, *WAITING, *LINKED)
