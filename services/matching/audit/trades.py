"""Positions worked out again from trades alone, and what each trade may have cost (domain rules R4 to R6, R22)."""

from collections.abc import Iterator, Mapping
from typing import Final

from services.matching.audit.evidence import Fill, Finding, Rules

WHOLE: Final = 1_000_000_000
OUTSIDE: Final = frozenset({"outside", "reversal", "correction"})
"""Origins without fees."""
TO_INSURANCE: Final = frozenset({"liquidation", "takeover"})
"""Origins whose taker pays the market's insurance fund, which then also bears the maker's rebate."""


def sides(fill: Fill) -> tuple[tuple[str, int | None, int], tuple[str, int | None, int]]:
    """(account, order, fee) of the taker and of the maker."""
    buyer = (fill.buyer, fill.buy_order_id, fill.buyer_fee)
    seller = (fill.seller, fill.sell_order_id, fill.seller_fee)
    return (buyer, seller) if fill.taker_side == "buy" else (seller, buyer)


def after(lots: int, cost: int, bought: int, paid: int) -> tuple[int, int]:
    """(lots, Q) of a position that buys so many lots (sells, below zero) and pays so much for them.

    What is closed takes its share of Q with it, cut towards zero; what goes beyond is opened at the trade's price.
    """
    if lots * bought >= 0:
        return lots + bought, cost - paid
    if abs(bought) <= abs(lots):
        share = abs(cost) * abs(bought) // abs(lots)
        return lots + bought, cost - (share if cost > 0 else -share)
    return lots + bought, -paid - paid * lots // bought


def check_terms(fill: Fill, rules: Rules | None) -> Iterator[Finding]:
    """What holds for any trade, whenever its market's rates were set."""
    (taker, _, taken), (maker, _, made) = sides(fill)
    label = f"trade {fill.trade_id} of {taker} with {maker}"
    if rules is not None and fill.quote != fill.price * fill.lots * rules.unit:
        yield Finding("trade", fill.market, f"{label}: {fill.lots} lots at {fill.price} are not {fill.quote} quanta")
    if fill.lots <= 0 or fill.price <= 0 or taker == maker:
        yield Finding("trade", fill.market, f"{label}: {fill.lots} lots at {fill.price}")
    if taken < 0 or (made < 0 and -made > taken):
        yield Finding("fee", fill.market, f"{label}: the taker pays {taken}, the maker {made}")
    if fill.origin in OUTSIDE and (taken or made):
        yield Finding("fee", fill.market, f"{label}: fees {taken} and {made} on a trade from outside")


def check_rates(fill: Fill, rules: Rules, discount_ppb: int) -> Iterator[Finding]:
    """Whether each side's fee is one that the rates in force can make."""
    (taker, took, taken), (maker, made_by, made) = sides(fill)
    if took is not None and taken not in _taker_fees(fill.quote, rules, discount_ppb):
        yield Finding("fee", fill.market, f"trade {fill.trade_id}: {taker} pays {taken} as taker of {fill.quote}")
    if made_by is not None and made not in _maker_fees(fill.quote, rules, taken):
        yield Finding("fee", fill.market, f"trade {fill.trade_id}: {maker} pays {made} as maker of {fill.quote}")
    if fill.origin == "liquidation" and taken > fill.quote * rules.liquidation_fee_ppb // WHOLE:
        yield Finding("fee", fill.market, f"trade {fill.trade_id}: {taken} for the liquidation of {taker}")


def _taker_fees(quote: int, rules: Rules, discount_ppb: int) -> set[int]:
    exact = [quote * taker * part for taker, _ in rules.rates for part in (WHOLE, WHOLE - discount_ppb)]
    return {-(-amount // WHOLE**2) for amount in exact}


def _maker_fees(quote: int, rules: Rules, taken: int) -> set[int]:
    fees = {-(-quote * maker // WHOLE) for _, maker in rules.rates}
    return {max(fee, -taken) for fee in fees}


def share_of(fill: Fill, share_ppb: int) -> int:
    """What of the taker's fee accrues to its referrer: after the rebate, and no more than is left."""
    (_, _, taken), (_, _, made) = sides(fill)
    return min(taken * share_ppb // WHOLE, taken + min(0, made))


def pots_of_fees(fill: Fill) -> Mapping[str, int]:
    """What each of the venue's pots gets of a trade's fees."""
    (_, _, taken), (_, _, made) = sides(fill)
    if fill.origin not in TO_INSURANCE:
        return {"fees": taken + made}
    fund = f"insurance:{fill.market}"
    return {fund: taken + min(0, made), "fees": max(0, made)}
