"""The operator's hand on funding rates: checked and written down here, applied by the service that makes them."""

from cleartide.contracts import FundingSet, SetFunding

from services.matching.domain.errors import Refused
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.venue.history import record
from services.matching.domain.venue.record import Who


def set_funding(state: MatchingState, command: SetFunding, out: Output) -> None:
    """Refused: unknown or delisted market, a rate with automatic or none without, one beyond the hourly cap."""
    market, rate = state.markets.get(command.market), command.hourly_rate_ppb
    if market is None:
        raise Refused("unknown_market", command.market)
    if market.status.state == "delisted":
        raise Refused("market_delisted", market.id)
    if (rate is None) != (command.funding_type == "automatic"):
        raise Refused("rate_missing" if rate is None else "rate_not_allowed", command.funding_type)
    if rate is not None and abs(rate) > market.spec.funding_cap_hourly_ppb:
        raise Refused("rate_above_cap", f"{rate} ppb an hour")
    new = command.funding_type if rate is None else f"{command.funding_type} {rate}"
    change = record(state, out, Who.of(command), f"market:{market.id}", "funding", "", new)
    out.emit(
        FundingSet,
        change_id=change.change_id,
        market=market.id,
        funding_type=command.funding_type,
        hourly_rate_ppb=rate,
        by=command.by,
        note=command.note,
    )
