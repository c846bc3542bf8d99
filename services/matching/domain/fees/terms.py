"""Setting fees: tiers by volume and the terms of referrals, by the operator."""

from itertools import pairwise

from cleartide.contracts import (
    FeeScheduleSet,
    FeeTier,
    ReferralTermsSet,
    SetFeeSchedule,
    SetReferralTerms,
)
from cleartide.money import PPB

from services.matching.domain.errors import Refused
from services.matching.domain.fees.book import EVERY_MARKET, ReferralTerms, Schedule
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.venue.history import record
from services.matching.domain.venue.record import Who


def set_schedule(state: MatchingState, command: SetFeeSchedule, out: Output) -> None:
    """Put tiers into force at once. Refused: unknown market, tiers that do not make sense together or hold already."""
    if command.market is not None and command.market not in state.markets:
        raise Refused("unknown_market", command.market)
    book, name = state.treasury.fees, command.market or EVERY_MARKET
    before = book.schedules.get(name)
    if before is not None and before.tiers == command.tiers:
        raise Refused("nothing_changed", command.market or "every market")
    if command.tiers:
        _require_sense(command.tiers, book.terms.discount_ppb)
        book.schedules[name] = Schedule(command.tiers)
    elif before is None:
        raise Refused("no_schedule", command.market or "every market")
    else:
        del book.schedules[name]
    book.changed_schedules.add(name)
    scope, old = f"market:{name}" if name else "venue", before.tiers if before is not None else ()
    record(state, out, Who.of(command), scope, "fee_tiers", _told(old), _told(command.tiers))
    out.emit(FeeScheduleSet, market=command.market, tiers=command.tiers)


def _told(tiers: tuple[FeeTier, ...]) -> str:
    return " ".join(f"{tier.volume_quanta}:{tier.taker_fee_ppb}:{tier.maker_fee_ppb}" for tier in tiers)


def _require_sense(tiers: tuple[FeeTier, ...], discount_ppb: int) -> None:
    if tiers[0].volume_quanta:
        raise Refused("bad_schedule", "the first tier begins at no volume")
    for lower, upper in pairwise(tiers):
        if upper.volume_quanta <= lower.volume_quanta:
            raise Refused("bad_schedule", "volumes must rise")
        if upper.taker_fee_ppb > lower.taker_fee_ppb or upper.maker_fee_ppb > lower.maker_fee_ppb:
            raise Refused("bad_schedule", "rates must not rise with volume")
    if max(tiers[0].taker_fee_ppb, tiers[0].maker_fee_ppb) >= PPB:
        raise Refused("bad_schedule", "rates must be below one")
    if tiers[0].maker_fee_ppb < 0:
        raise Refused("bad_schedule", "rebates are for higher tiers")
    least = tiers[-1].taker_fee_ppb * (PPB - discount_ppb)
    if -tiers[-1].maker_fee_ppb * PPB > least:
        raise Refused("bad_schedule", "a rebate must not exceed what the taker pays")


def set_terms(state: MatchingState, command: SetReferralTerms, out: Output) -> None:
    """Refused: a discount that leaves less than a rebate, more than the whole, what holds already."""
    if command.referee_discount_ppb >= PPB or command.referrer_share_ppb > PPB:
        raise Refused("bad_terms", "a discount below one, a share of at most one")
    book = state.treasury.fees
    if book.terms == (command.referee_discount_ppb, command.referrer_share_ppb):
        raise Refused("nothing_changed", "referrals")
    for schedule in book.schedules.values():
        _require_sense(schedule.tiers, command.referee_discount_ppb)
    old, book.terms = book.terms, ReferralTerms(command.referee_discount_ppb, command.referrer_share_ppb)
    terms = [f"{discount}:{share}" for discount, share in (old, book.terms)]
    record(state, out, Who.of(command), "venue", "referral_terms", *terms)
    book.changed_terms = True
    out.emit(
        ReferralTermsSet,
        referee_discount_ppb=command.referee_discount_ppb,
        referrer_share_ppb=command.referrer_share_ppb,
    )
