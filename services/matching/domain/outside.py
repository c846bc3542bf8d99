"""Trades that another engine matched: applied as they are, without margin checks and without fees."""

from cleartide.contracts import CorrectTrade, ReportTrade
from cleartide.contracts.types import Side
from cleartide.rules.accounts import OUTSIDE, SYSTEM_ACCOUNTS

from services.matching.domain.access import require_market, require_openable
from services.matching.domain.errors import Refused
from services.matching.domain.limits import (
    MAX_NOTIONAL_QUANTA,
    MAX_OPEN_INTEREST_LOTS,
    MAX_POSITION_LOTS,
    MAX_SYSTEM_POSITION_LOTS,
)
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.reported import ReportedTrade
from services.matching.domain.settlement import Deal, Party, execute
from services.matching.domain.state import MatchingState


def report(state: MatchingState, command: ReportTrade, out: Output) -> None:
    """Apply an outside trade once. The side that is not named is the venue's "outside" account.

    Refused before anything changed: unknown or delisted market, bad numbers, no or doubled participant, reserved names,
    caps.
    """
    market = require_open(state, command.market)
    if state.intake.is_known_trade(command.source, command.trade_id):
        raise Refused("duplicate", f"{command.source} trade {command.trade_id}")
    deal, buyer, seller = read(market, command)
    require_bounds(state, market, buyer, deal.lots, deal.quote)
    require_bounds(state, market, seller, -deal.lots, deal.quote)
    state.intake.record_trade(command.source, command.trade_id)
    last_before = market.prices.last
    execute(state, out, deal, party(state, out, buyer), party(state, out, seller))
    state.reported.add(
        ReportedTrade(
            source=command.source,
            outside_trade_id=command.trade_id,
            market=market.id,
            first_trade_id=state.counters.trades,
            trade_id=state.counters.trades,
            at=out.at,
            price=deal.price,
            lots=deal.lots,
            buyer=buyer,
            seller=seller,
            last_before=last_before,
            busted=False,
        )
    )


def require_open(state: MatchingState, name: str) -> Market:
    """The market in which positions can still change. Refused: `unknown_market`, `market_delisted`."""
    market = state.markets.get(name)
    if market is None:
        raise Refused("unknown_market", name)
    if market.status.state == "delisted":
        raise Refused("market_delisted", name)
    return market


def read(market: Market, command: ReportTrade | CorrectTrade) -> tuple[Deal, str, str]:
    """The trade as it is told, its buyer and its seller. Raises Refused or MoneyError."""
    for name in (command.buyer, command.seller):
        if name in SYSTEM_ACCOUNTS:
            raise Refused("reserved_account", name or "")
    if command.buyer is None and command.seller is None:
        raise Refused("no_participant", command.trade_id)
    if command.buyer == command.seller:
        raise Refused("self_trade", command.buyer or "")
    price, lots = market.price_steps.parse(command.price), market.size_steps.parse(command.size)
    buyer, seller = command.buyer or OUTSIDE, command.seller or OUTSIDE
    return Deal(market, price, lots, taker_side(buyer), "outside", command.trade_id), buyer, seller


def taker_side(buyer: str) -> Side:
    """Of a one-sided trade the named side; of a two-sided one "buy", as the report does not tell."""
    return "sell" if buyer == OUTSIDE else "buy"


def party(state: MatchingState, out: Output, name: str) -> Party:
    """One side of an outside trade: no order, no fee. The account comes into being with its first trade."""
    return Party(state.open_account(name, out.at), None, 0, state.fees)


def require_bounds(
    state: MatchingState,
    market: Market,
    name: str,
    delta: int,
    quote: int,
    reversed_lots: int = 0,
    reversed_quote: int = 0,
) -> None:
    """No position may become larger, at the trade's price or at the mark, than every reader can hold exactly.

    `reversed_*`: what the same command takes back before.
    """
    account = state.accounts.get(name)
    if account is None:
        require_openable(state, name)
    else:
        require_market(account, market.id)
    holding = account.holdings.get(market.id) if account is not None else None
    reach = abs((holding.lots if holding is not None else 0) + reversed_lots + delta)
    if reach > (MAX_SYSTEM_POSITION_LOTS if name == OUTSIDE else MAX_POSITION_LOTS):
        raise Refused("position_cap", name)
    if market.open_interest + abs(reversed_lots) + abs(delta) > MAX_OPEN_INTEREST_LOTS:
        raise Refused("position_cap", market.id)
    value = reach * market.prices.mark * market.unit
    if quote > MAX_NOTIONAL_QUANTA or (name != OUTSIDE and value > MAX_NOTIONAL_QUANTA):
        raise Refused("notional_cap", name)
    if account is not None and holding is not None and not account.fits(holding, reversed_quote + quote):
        raise Refused("balance_cap", name)
