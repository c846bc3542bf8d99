"""Trades that another engine matched: applied as they are, without margin checks and without fees."""

from cleartide.contracts import ReportTrade
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
from services.matching.domain.settlement import Deal, Party, execute
from services.matching.domain.state import MatchingState


def report(state: MatchingState, command: ReportTrade, out: Output) -> None:
    """Apply an outside trade once. The side that is not named is the venue's "outside" account.

    Taker side: of a one-sided trade the named side; of a two-sided one "buy", as the report does not tell.
    Refused before anything changed: unknown or delisted market, bad numbers, no or doubled participant, reserved names,
    caps.
    """
    market = state.markets.get(command.market)
    if market is None:
        raise Refused("unknown_market", command.market)
    if market.status.state == "delisted":
        raise Refused("market_delisted", command.market)
    if state.intake.is_known_trade(command.source, command.trade_id):
        raise Refused("duplicate", f"{command.source} trade {command.trade_id}")
    buyer, seller = _participants(command)
    price, lots = market.price_steps.parse(command.price), market.size_steps.parse(command.size)
    _require_bounds(state, market, price, lots, buyer, 1)
    _require_bounds(state, market, price, lots, seller, -1)
    state.intake.record_trade(command.source, command.trade_id)
    buying, selling = state.open_account(buyer, out.at), state.open_account(seller, out.at)
    side: Side = "sell" if buyer == OUTSIDE else "buy"
    deal = Deal(market, price, lots, side, "outside", command.trade_id)
    execute(state, out, deal, Party(buying, None, 0, state.fees), Party(selling, None, 0, state.fees))


def _participants(command: ReportTrade) -> tuple[str, str]:
    for name in (command.buyer, command.seller):
        if name in SYSTEM_ACCOUNTS:
            raise Refused("reserved_account", name or "")
    if command.buyer is None and command.seller is None:
        raise Refused("no_participant", command.trade_id)
    if command.buyer == command.seller:
        raise Refused("self_trade", command.buyer or "")
    return command.buyer or OUTSIDE, command.seller or OUTSIDE


def _require_bounds(state: MatchingState, market: Market, price: int, lots: int, name: str, side: int) -> None:
    """No position may become larger, at the trade's price or at the mark, than every reader can hold exactly."""
    account = state.accounts.get(name)
    if account is None:
        require_openable(state, name)
    else:
        require_market(account, market.id)
    quote = price * lots * market.unit
    holding = account.holdings.get(market.id) if account is not None else None
    reach = abs((holding.lots if holding is not None else 0) + side * lots)
    if reach > (MAX_SYSTEM_POSITION_LOTS if name == OUTSIDE else MAX_POSITION_LOTS):
        raise Refused("position_cap", name)
    if market.open_interest + lots > MAX_OPEN_INTEREST_LOTS:
        raise Refused("position_cap", market.id)
    value = reach * market.prices.mark * market.unit
    if quote > MAX_NOTIONAL_QUANTA or (name != OUTSIDE and value > MAX_NOTIONAL_QUANTA):
        raise Refused("notional_cap", name)
    if account is not None and holding is not None and not account.fits(holding, quote):
        raise Refused("balance_cap", name)
