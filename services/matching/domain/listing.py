"""Opening a market."""

from cleartide.contracts import ListMarket, MarketListed

from services.matching.domain.errors import Refused
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState


def list_market(state: MatchingState, command: ListMarket, out: Output) -> None:
    """Open a market. Refused: already listed, or rules that cannot be traded exactly."""
    if command.spec.market in state.markets:
        raise Refused("market_exists", command.spec.market)
    market = Market(command.spec, state.ledger)
    state.markets[market.id] = market
    state.dirty.markets[market.id] = state.dirty.prices[market.id] = state.dirty.funding[market.id] = market
    out.emit(MarketListed, market=market.id, spec=command.spec, quanta_per_lot_tick=market.unit)
