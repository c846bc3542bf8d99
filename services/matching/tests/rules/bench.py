"""A market in which one lot at one tick is one quantum, so that every rounding can be seen."""

from typing import Any, Final

from cleartide.contracts import MarginBracket, Message

from services.matching.tests.support import MARKET, Exchange

MARK: Final = 1_000
"""Ticks."""


def one_quantum(**rules: Any) -> Exchange:
    """tick * lot = 0.000001 quote: u = 1. The mark is 1,000 ticks; 10 % initial, 5 % maintenance margin."""
    return Exchange(tick_size="0.001", lot_size="0.001", price=thousandths(MARK), **rules)


def thousandths(count: int) -> str:
    """A price in ticks, or a size in lots, of such a market, as text."""
    return f"{count // 1_000}.{count % 1_000:03d}"


def millionths(quanta: int) -> str:
    """Quanta as text."""
    return f"{quanta // 1_000_000}.{quanta % 1_000_000:06d}"


def brackets(*rows: tuple[int | None, int, int]) -> tuple[MarginBracket, ...]:
    """(upper bound in quanta, initial ppb, maintenance fraction ppb) each."""
    return tuple(
        MarginBracket(upper_notional_quanta=upper, initial_margin_ppb=initial, maintenance_fraction_ppb=fraction)
        for upper, initial, fraction in rows
    )


def pay_in(ex: Exchange, account: str, quanta: int) -> None:
    """A deposit of so many quanta."""
    ex.deposit(account, millionths(quanta))


def order(ex: Exchange, account: str, side: str, lots: int, ticks: int | None = None, **more: Any) -> list[Message]:
    """A limit order, or a market order without a price."""
    return ex.place(account, side, thousandths(lots), None if ticks is None else thousandths(ticks), **more)


def hand_over(ex: Exchange, buyer: str, seller: str, lots: int, ticks: int, market: str = MARKET) -> list[Message]:
    """A trade from outside: no fee, no margin check."""
    return ex.report(thousandths(ticks), thousandths(lots), buyer=buyer, seller=seller, market=market)


def mark(ex: Exchange, ticks: int) -> None:
    """A new index price; in an empty book it is the mark."""
    ex.price(thousandths(ticks))
