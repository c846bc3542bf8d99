"""What a fill costs: tiers by volume, rebates, and what of a fee is the referrer's (R6)."""

from fractions import Fraction
from itertools import pairwise
from typing import Final

from cleartide.contracts import (
    ClaimReferralRewards,
    FeeScheduleSet,
    FeeTier,
    ReferralTermsSet,
    ReferrerSet,
    SetFeeSchedule,
    SetReferralTerms,
    SetReferrer,
    TransferRejected,
)

from services.matching.tests.model.accounts import reject
from services.matching.tests.model.moves import move
from services.matching.tests.model.numbers import BILLION, DAY, down, rate, up
from services.matching.tests.model.rights import head, known, require_owner
from services.matching.tests.model.world import Account, Market, Refusal, World

EVERYWHERE: Final = ""


def set_tiers(world: World, command: SetFeeSchedule) -> None:
    """Tiers of a market, or of all that have none of their own; no tiers: none any more. Raises Refusal."""
    name = command.market or EVERYWHERE
    if command.market is not None and command.market not in world.markets:
        raise Refusal("unknown_market")
    if world.schedules.get(name) == command.tiers:
        raise Refusal("nothing_changed")
    if not command.tiers and name not in world.schedules:
        raise Refusal("no_schedule")
    if command.tiers:
        _require_sense(command.tiers, world.referral[0])
        world.schedules[name] = command.tiers
    else:
        del world.schedules[name]
    world.changes += 1
    world.say(FeeScheduleSet, market=command.market, tiers=command.tiers)


def _require_sense(tiers: tuple[FeeTier, ...], discount: int) -> None:
    """Volumes rise from none, rates never do; nobody wins by trading with himself, and no first tier pays. Raises."""
    first, last = tiers[0], tiers[-1]
    sound = first.volume_quanta == 0 and first.maker_fee_ppb >= 0
    sound = sound and rate(first.taker_fee_ppb) < 1 and rate(first.maker_fee_ppb) < 1
    for lower, upper in pairwise(tiers):
        sound = sound and upper.volume_quanta > lower.volume_quanta
        sound = sound and upper.taker_fee_ppb <= lower.taker_fee_ppb and upper.maker_fee_ppb <= lower.maker_fee_ppb
    if not sound or rate(last.taker_fee_ppb) * (1 - rate(discount)) + rate(last.maker_fee_ppb) < 0:
        raise Refusal("bad_schedule")


def set_terms(world: World, command: SetReferralTerms) -> None:
    """What the referred save, and what who brought them gets. Raises Refusal."""
    new = command.referee_discount_ppb, command.referrer_share_ppb
    if new[0] >= BILLION or new[1] > BILLION:
        raise Refusal("bad_terms")
    if new == world.referral:
        raise Refusal("nothing_changed")
    for tiers in world.schedules.values():
        _require_sense(tiers, new[0])
    world.referral, world.referral_said = new, True
    world.changes += 1
    world.say(ReferralTermsSet, referee_discount_ppb=new[0], referrer_share_ppb=new[1])


def refer(world: World, command: SetReferrer) -> None:
    """Once for a family and by its head, to another family's, which it has not brought itself."""
    try:
        account, referrer = known(world, command.account), known(world, command.referrer)
        require_owner(world, account, command.actor)
        if account.parent or referrer.parent:
            raise Refusal("not_head_of_family")
        if account.name in world.referrers:
            raise Refusal("already_referred")
        if account is referrer:
            raise Refusal("own_account")
        if world.referrers.get(referrer.name) == account.name:
            raise Refusal("circular")
    except Refusal as refusal:
        reject(world, command.account, type(command), refusal.reason)
        return
    world.referrers[account.name] = referrer.name
    world.say(ReferrerSet, account=account.name, referrer=referrer.name)


def claim(world: World, command: ClaimReferralRewards) -> None:
    """All that has accrued becomes cash."""
    try:
        account = known(world, command.account)
        require_owner(world, account, command.actor)
        reward = world.rewards.get(account.name, 0)
        if not reward:
            raise Refusal("nothing_to_claim")
    except Refusal as refusal:
        world.say(TransferRejected, account=command.account, reason=refusal.reason)
        return
    world.rewards[account.name] = 0
    move(world, account, reward, "referral")


def traded(world: World, account: Account, notional: int) -> None:
    """Count a fill by an order for its family."""
    day = (head(world, account.name), world.at // DAY)
    world.volumes[day] = world.volumes.get(day, 0) + notional


def earned(world: World, market: Market, taken: int, made: int, referred: int) -> None:
    """What one trade brought the venue: a maker's fee below zero is a rebate out of it."""
    if not taken and not made:
        return
    day = (world.at // DAY, market.name)
    more = (taken, max(0, made), max(0, -made), referred)
    world.revenue[day] = tuple(map(sum, zip(world.revenue.get(day, (0,) * 4), more, strict=True)))  # type: ignore[assignment]


def rates(world: World, name: str, market: Market) -> tuple[Fraction, Fraction]:
    """(taker, maker): the market's own, or those of the highest tier that the last thirty whole days have reached."""
    tiers = world.schedules.get(market.name) or world.schedules.get(EVERYWHERE)
    if not tiers:
        return rate(market.spec.taker_fee_ppb), rate(market.spec.maker_fee_ppb)
    today, family = world.at // DAY, head(world, name)
    days = [quanta for (who, day), quanta in world.volumes.items() if who == family and today - 30 <= day < today]
    tier = [tier for tier in tiers if tier.volume_quanta <= sum(days)][-1]
    return rate(tier.taker_fee_ppb), rate(tier.maker_fee_ppb)


def taker_fee(world: World, name: str, market: Market, notional: int) -> int:
    """Rounded up; less for the referred."""
    taker, _ = rates(world, name, market)
    return up(notional * taker * (1 - rate(world.referral[0]) if head(world, name) in world.referrers else 1))


def maker_fee(world: World, name: str, market: Market, notional: int, taken: int) -> int:
    """Rounded up; below zero it is a rebate, rounded down, no more than what the taker pays."""
    _, maker = rates(world, name, market)
    return up(notional * maker) if maker >= 0 else -min(down(notional * -maker), taken)


def share(world: World, name: str, fee: int, rebate: int) -> int:
    """The referrer's part, rounded down, no more than the rebate leaves."""
    return min(down(fee * rate(world.referral[1])), fee - rebate) if head(world, name) in world.referrers else 0
