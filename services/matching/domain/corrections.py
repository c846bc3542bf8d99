"""Outside trades taken back or put right: what was done stays done, and its reversal is done as well.

A reversal is the trade the other way round, at its own price and between its own two sides: a balanced transaction that
leaves every account with the position and the equity that it would have without the trade, but for the funding that was
due meanwhile, which stays where it is. So a position is the sum of its fills, reversals included.
"""

from typing import Any

from cleartide.contracts import BustTrade, CorrectTrade, TradeBusted, TradeCorrected

from services.matching.domain.errors import Refused
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.outside import party, read, require_bounds, require_open, taker_side
from services.matching.domain.reported import CORRECTION_WINDOW, ReportedTrade
from services.matching.domain.settlement import Deal, keep, transfer
from services.matching.domain.state import MatchingState


def bust(state: MatchingState, command: BustTrade, out: Output) -> None:
    """Take an outside trade back.

    Refused before anything changed: unknown, somebody else's, already busted or too old; a market that is delisted;
    positions or balances that the reversal would take out of bounds.
    """
    market, trade = _find(state, command, out.at)
    back = _reversal(market, trade)
    _require_reversible(state, trade, back)
    _drop_last(market, trade)
    state.counters.trades += 1
    out.emit(TradeBusted, **_said(state, trade, back, command.reason), reversal_id=state.counters.trades)
    _reverse(state, out, trade, back, "bust")
    state.reported.replace(trade._replace(busted=True))


def correct(state: MatchingState, command: CorrectTrade, out: Output) -> None:
    """Take an outside trade back and apply it as it should have been, in one transaction.

    Refused before anything changed: as for a bust, or for a report of the corrected trade; `no_change` when the terms
    are those that hold already.
    """
    market, trade = _find(state, command, out.at)
    deal, buyer, seller = read(market, command)
    if (deal.price, deal.lots, buyer, seller) == (trade.price, trade.lots, trade.buyer, trade.seller):
        raise Refused("no_change", command.trade_id)
    back = _reversal(market, trade)
    _require_reversible(state, trade, back)
    for name, delta in ((buyer, deal.lots), (seller, -deal.lots)):
        taken = {trade.buyer: -trade.lots, trade.seller: trade.lots}.get(name, 0)
        require_bounds(state, market, name, delta, deal.quote, taken, back.quote if taken else 0)
    if market.prices.last == trade.price:
        market.prices.last = deal.price
    reversal = state.counters.trades = state.counters.trades + 1
    out.emit(
        TradeCorrected,
        **_said(state, trade, back, command.reason),
        reversal_id=reversal,
        replacement_id=reversal + 1,
        new_price_ticks=deal.price,
        new_size_lots=deal.lots,
        new_quote_quanta=deal.quote,
        new_buyer=buyer,
        new_seller=seller,
        new_taker_side=deal.taker_side,
    )
    _reverse(state, out, trade, back, "correction")
    state.counters.trades += 1
    buying, selling = party(state, out, buyer), party(state, out, seller)
    keep(state, out, deal, buying, selling, origin="correction", corrects=trade.trade_id)
    transfer(state, out, deal, buying, selling, "correction")
    state.reported.replace(
        trade._replace(trade_id=reversal + 1, price=deal.price, lots=deal.lots, buyer=buyer, seller=seller)
    )


def _find(state: MatchingState, command: BustTrade | CorrectTrade, at: int) -> tuple[Market, ReportedTrade]:
    """The trade that is meant, if it may be restated now."""
    market, source, name = require_open(state, command.market), command.source, command.trade_id
    trade = state.reported.find(source, name)
    if trade is None:
        if state.intake.is_known_trade(source, name):
            raise Refused("too_old", f"{source} trade {name}")
        if state.reported.has_other_source(source, name):
            raise Refused("wrong_source", f"trade {name} is not {source}'s")
        raise Refused("unknown_trade", f"{source} trade {name}")
    if trade.market != market.id:
        raise Refused("unknown_trade", f"{source} trade {name} is of {trade.market}")
    if trade.busted:
        raise Refused("already_busted", f"{source} trade {name}")
    if at - trade.at > CORRECTION_WINDOW:
        raise Refused("too_old", f"{source} trade {name}")
    return market, trade


def _reversal(market: Market, trade: ReportedTrade) -> Deal:
    """The trade the other way round: who sold it buys it back."""
    return Deal(market, trade.price, trade.lots, taker_side(trade.seller), "outside", trade.outside_trade_id)


def _require_reversible(state: MatchingState, trade: ReportedTrade, back: Deal) -> None:
    require_bounds(state, back.market, trade.seller, trade.lots, back.quote)
    require_bounds(state, back.market, trade.buyer, -trade.lots, back.quote)


def _drop_last(market: Market, trade: ReportedTrade) -> None:
    """A price at which nobody traded is not the last price: the one before it is, where there was one."""
    if market.prices.last == trade.price and trade.last_before:
        market.prices.last = trade.last_before


def _reverse(state: MatchingState, out: Output, trade: ReportedTrade, back: Deal, kind: str) -> None:
    buyer, seller = party(state, out, trade.seller), party(state, out, trade.buyer)
    keep(state, out, back, buyer, seller, origin="reversal", corrects=trade.trade_id)
    transfer(state, out, back, buyer, seller, kind)


def _said(state: MatchingState, trade: ReportedTrade, back: Deal, reason: str) -> dict[str, Any]:
    """What bust and correction say alike."""
    return {
        "market": trade.market,
        "trade_id": trade.trade_id,
        "first_trade_id": trade.first_trade_id,
        "outside_source": trade.source,
        "outside_trade_id": trade.outside_trade_id,
        "traded_at": trade.at,
        "price_ticks": trade.price,
        "size_lots": trade.lots,
        "quote_quanta": back.quote,
        "buyer": trade.buyer,
        "seller": trade.seller,
        "reason": reason,
        "last_ticks": state.markets[trade.market].prices.last or None,
    }
