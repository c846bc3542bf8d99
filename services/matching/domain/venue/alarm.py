"""What the auditor's word does: trading stops where the books do not add up."""

from cleartide.contracts import DiscrepancyReported, ReportDiscrepancy

from services.matching.domain.errors import Refused
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.venue.lifecycle import enter
from services.matching.domain.venue.record import Who
from services.matching.domain.venue.status import TRANSITIONS


def report(state: MatchingState, command: ReportDiscrepancy, out: Output) -> None:
    """Halt the market, or all of them where the finding is of none; those that are halted or delisted stay so.

    Refused: unknown market. Cancelling, paying in and paying out go on, as in any halt.
    """
    if command.market is not None and command.market not in state.markets:
        raise Refused("unknown_market", command.market)
    names = sorted(state.markets) if command.market is None else [command.market]
    out.emit(
        DiscrepancyReported,
        check=command.check,
        market=command.market,
        detail=command.note,
        observed_position=command.observed_position,
    )
    for market in (state.markets[name] for name in names):
        if "halted" in TRANSITIONS[market.status.state]:
            enter(state, out, market, "halted", "audit", Who.of(command))
