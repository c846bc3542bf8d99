"""Funding by a cumulative index: settled for everybody at once, paid by each account when it is next touched."""

from typing import Final, NamedTuple

from cleartide.contracts import FundingSettled, SettleFunding
from cleartide.money import MAX_QUANTA, PPB

from services.matching.domain.errors import Refused
from services.matching.domain.output import Output
from services.matching.domain.state import FundingRecord, MatchingState

HOUR: Final = 3_600_000_000


class IndexStep(NamedTuple):
    """How far the index moves, in whole quanta per lot, and what is carried to the next step in 1e-9 quanta."""

    step: int
    carry: int


def index_step(mark: int, unit: int, rate_ppb: int, carry: int) -> IndexStep:
    """floor((mark * u * rate + carry) / 1e9): whole quanta, so that payments of -lots * step sum to zero exactly."""
    step, carry = divmod(mark * unit * rate_ppb + carry, PPB)
    return IndexStep(step, carry)


def settle(state: MatchingState, command: SettleFunding, out: Output) -> None:
    """Move a market's index by one interval (R18).

    Refused: unknown market, no mark yet, an interval that is settled already, a rate beyond the cap, times or an index
    beyond what readers hold.
    """
    market = state.markets.get(command.market)
    if market is None:
        raise Refused("unknown_market", command.market)
    funding, mark = market.funding, market.prices.mark
    if command.interval_start <= funding.interval_start:
        raise Refused("duplicate_interval", f"{command.market} is settled up to {funding.interval_start}")
    if not mark:
        raise Refused("no_mark_price", command.market)
    if abs(command.rate_ppb) * HOUR > market.spec.funding_cap_hourly_ppb * command.interval_micros:
        raise Refused("rate_above_cap", f"{command.rate_ppb} ppb")
    step, carry = index_step(mark, market.unit, command.rate_ppb, funding.carry)
    if command.interval_start + 2 * command.interval_micros > MAX_QUANTA:
        raise Refused("overflow", f"interval of {command.interval_micros} microseconds")
    if max(abs(step), abs(funding.index + step)) > MAX_QUANTA:
        raise Refused("overflow", f"funding index of {command.market}")
    funding.index += step
    funding.carry, funding.rate_ppb = carry, command.rate_ppb
    funding.interval_start, funding.interval_micros = command.interval_start, command.interval_micros
    state.dirty.funding[market.id] = market
    record = FundingRecord(market.id, command.interval_start, command.rate_ppb, mark, step, funding.index, out.at)
    state.dirty.funding_history.append(record)
    out.emit(
        FundingSettled,
        market=market.id,
        interval_start=command.interval_start,
        rate_ppb=command.rate_ppb,
        mark_ticks=mark,
        index_step_quanta=step,
        funding_index_quanta=funding.index,
        funding_type=command.funding_type,
    )
