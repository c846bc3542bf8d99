"""Small faults in how the fund disposes of positions (R23), each with the criterion that notices it."""

from typing import Final

from tests.support.mutation import Mutant

MUTANTS: Final = (
    Mutant("MATCH-DSP-001", "post_only=True,\n        expires_at", "post_only=False,\n        expires_at"),
    Mutant("MATCH-DSP-001", 'held, part(held), "taken_over")', 'held, abs(held.lots), "taken_over")'),
    Mutant("MATCH-DSP-001", "> 0 else 1\n    lots, price", "< 0 else 1\n    lots, price"),
    Mutant("MATCH-DSP-002", "max(mark, best + 1) if side < 0", "max(mark, best) if side < 0"),
    Mutant("MATCH-DSP-002", "max(mark, best + 1) if side < 0", "best + 1 if side < 0"),
    Mutant("MATCH-DSP-003", "if state.solvency.untold:", "if not state.solvency.untold:"),
    Mutant("MATCH-DSP-003", "setdefault(market.id, market.insurance.balance)", "setdefault(market.id, 0)"),
    Mutant(
        "MATCH-DSP-003",
        "if owner.name != INSURANCE and not allows_fill(owner, holding, maker.side",
        "if not allows_fill(owner, holding, -maker.side",
    ),
    Mutant(
        "MATCH-DSP-004",
        'moved + quotes.withdraw(state, market, out, "renewed"))',
        'quotes.part(held) + 0 * quotes.withdraw(state, market, out, "renewed"))',
    ),
    Mutant(
        "MATCH-DSP-004",
        'moved + quotes.withdraw(state, market, out, "renewed"))',
        'moved + 0 * quotes.withdraw(state, market, out, "renewed"))',
    ),
    Mutant("MATCH-DSP-005", "* PPB <= mark * market.spec.liq", "* PPB <= 2 * mark * market.spec.liq"),
    Mutant("MATCH-DSP-005", "is_near = abs(order.price - mark)", "is_near = (order.price - mark)"),
    Mutant(
        "MATCH-DSP-005",
        "max(1, market.prices.mark + index - market.prices.index)",
        "max(1, market.prices.mark)",
    ),
    Mutant(
        "MATCH-DSP-006",
        'quotes.offer(state, out, held, moved, "mark',
        'quotes.offer(state, out, held, moved + 1, "mark',
    ),
    Mutant("MATCH-DSP-006", "if is_near or order.price", "if True or order.price"),
    Mutant("MATCH-DSP-007", 'close(state, out, order, "index_stale")\n        return 0', "return 0"),
    Mutant("MATCH-DSP-007", "MINUTES_KEPT: Final = 2", "MINUTES_KEPT: Final = 3"),
    Mutant("MATCH-DSP-008", "or in_grace(market, out.at):\n        quotes", "or False:\n        quotes"),
    Mutant("MATCH-DSP-009", 'quotes.withdraw(state, market, out, "deleveraged")\n        ', ""),
    Mutant("MATCH-DSP-010", "state.solvency.untold.pop(name, None)", "state.solvency.untold.get(name, None)"),
    Mutant("MATCH-DSP-011", "or order.side * held.lots >= 0):\n        close", "):\n        close"),
    Mutant(
        "MATCH-DSP-013",
        "        client_order_id=_name(market),",
        '        client_order_id=f"{_name(market)}-{out.seq}",',
    ),
    Mutant("MATCH-DSP-016", "if account.name in SYSTEM_ACCOUNTS:\n        return False\n    return is", "return is"),
)
