"""Margin and equity of a cross account, exact, in quote quanta (domain rules R8 and R10, sections 3.2 and 3.6)."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from cleartide.contracts import MarginBracket
from cleartide.money import PPB, ceil_div
from cleartide.rules.collateral import CollateralView, collateral_value

PPM: Final = 1_000_000


class PositionView(NamedTuple):
    """One position as the margin rules see it.

    value_quanta = lots * mark * u (signed); quote_quanta = Q; unsettled_funding_quanta is signed, credit > 0.
    leverage: the holder's choice, 0 for none; scale_ppm: how far open interest raises the market's initial margin.
    """

    lots: int
    value_quanta: int
    quote_quanta: int
    unsettled_funding_quanta: int
    brackets: Sequence[MarginBracket]
    leverage: int = 0
    scale_ppm: int = 0


class AccountMargin(NamedTuple):
    """An account's equity and requirements in quanta."""

    equity_quanta: int
    initial_margin_quanta: int
    maintenance_margin_quanta: int


def requirements(
    notional_quanta: int, brackets: Sequence[MarginBracket], leverage: int = 0, scale_ppm: int = 0
) -> tuple[int, int]:
    """(initial, maintenance) margin of a position: each slice of notional at its own rate, rounded up (R8).

    Open interest raises a slice's initial rate imf to imf + (1 - imf) * scale (3.2), and a chosen leverage asks for at
    least ceil(notional / leverage) (3.6). Neither touches maintenance.
    """
    initial = maintenance = lower = scaled = 0
    for bracket in brackets:
        upper = bracket.upper_notional_quanta
        top = notional_quanta if upper is None else min(notional_quanta, upper)
        if top <= lower:
            break
        slice_initial = ceil_div((top - lower) * bracket.initial_margin_ppb, PPB)
        initial += slice_initial
        maintenance += ceil_div(slice_initial * bracket.maintenance_fraction_ppb, PPB)
        if scale_ppm:
            raised = bracket.initial_margin_ppb * PPM + (PPB - bracket.initial_margin_ppb) * scale_ppm
            scaled += ceil_div((top - lower) * raised, PPB * PPM)
        lower = top
    if scale_ppm:
        initial = scaled
    if leverage:
        initial = max(initial, ceil_div(notional_quanta, leverage))
    return initial, maintenance


def open_interest_scale(open_interest_quanta: int, lower_quanta: int, upper_quanta: int) -> int:
    """clamp01((OI - lower) / (upper - lower)) in ppm, floored (3.2); 0 where the bounds are equal: switched off."""
    if upper_quanta <= lower_quanta or open_interest_quanta <= lower_quanta:
        return 0
    return min(PPM, (open_interest_quanta - lower_quanta) * PPM // (upper_quanta - lower_quanta))


def account_margin(
    cash_quanta: int, positions: Iterable[PositionView], collateral: Iterable[CollateralView] = ()
) -> AccountMargin:
    """Equity = cash + sum(Q + value + unsettled funding) + collateral; requirements summed over positions (R10)."""
    equity, initial, maintenance = cash_quanta + collateral_value(collateral), 0, 0
    for position in positions:
        equity += position.quote_quanta + position.value_quanta + position.unsettled_funding_quanta
        notional = abs(position.value_quanta)
        im, mm = requirements(notional, position.brackets, position.leverage, position.scale_ppm)
        initial += im
        maintenance += mm
    return AccountMargin(equity, initial, maintenance)


def is_liquidatable(equity_quanta: int, maintenance_margin_quanta: int) -> bool:
    """Below maintenance: MM > 0 and E < MM (R10). Equal is safe."""
    return maintenance_margin_quanta > 0 and equity_quanta < maintenance_margin_quanta


def is_below(equity_quanta: int, maintenance_margin_quanta: int, threshold_ppm: int) -> bool:
    """Health factor strictly below threshold_ppm / 1e6, by cross multiplication; never without a requirement."""
    return maintenance_margin_quanta > 0 and equity_quanta * PPM < threshold_ppm * maintenance_margin_quanta
