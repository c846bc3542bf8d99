"""What a fill does to a position, in signed quote accounting (domain rules R4 and R5)."""

from cleartide.money import trunc_div


def realized(lots: int, quote: int, delta: int, flow: int) -> int:
    """Profit in quanta that a fill of `delta` lots with quote flow `flow` (buy < 0) turns into cash.

    Reducing releases trunc(Q * |delta| / |lots|); a flip closes everything at the fill's price and opens the rest.
    After the fill Q' = Q + flow - realized.
    """
    if not lots or (lots > 0) == (delta > 0):
        return 0
    if abs(delta) <= abs(lots):
        return trunc_div(quote * abs(delta), abs(lots)) + flow
    return quote + flow * abs(lots) // abs(delta)


def open_interest_change(lots: int, delta: int) -> int:
    """One side's share of the change of open interest: the growth of its long part (domain 1.6)."""
    return max(0, lots + delta) - max(0, lots)
