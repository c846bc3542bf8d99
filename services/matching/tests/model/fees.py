"""What a fill costs: tiers by volume, rebates, and what of a fee is the referrer's (R6)."""

from fractions import Fraction
from typing import Final

from cleartide.contracts import (
    ClaimReferralRewards,
    FeeScheduleSet,
    ReferrerSet,
    SetFeeSchedule,
    SetReferrer,
    TransferRejected,
)

from services.matching.tests.model.moves import move
from services.matching.tests.model.numbers import DAY, down, rate, up
from services.matching.tests.model.rights import head, owns
from services.matching.tests.model.world import Account, Market, World

REFERRED: Final = Fraction(9, 10)
"""What is left of a referred taker's fee."""
SHARE: Final = Fraction(1, 4)


def set_tiers(world: World, command: SetFeeSchedule) -> None:
    """The scene's tiers, for every market."""
    world.tiers = command.tiers
    world.changes += 1
    world.say(FeeScheduleSet, market=None, tiers=command.tiers)


def refer(world: World, command: SetReferrer) -> None:
    """The scene's referrer."""
    world.referrers[command.account] = command.referrer
    world.say(ReferrerSet, account=command.account, referrer=command.referrer)


def claim(world: World, command: ClaimReferralRewards) -> None:
    """All that has accrued becomes cash."""
    account, reward = world.accounts.get(command.account), world.rewards.get(command.account, 0)
    reason = "unknown_account" if account is None else "not_permitted"
    if account is None or not owns(world, account, command.actor) or not reward:
        if account is not None and owns(world, account, command.actor):
            reason = "nothing_to_claim"
        world.say(TransferRejected, account=command.account, reason=reason)
        return
    world.rewards[command.account] = 0
    move(world, account, reward, "referral")


def traded(world: World, account: Account, notional: int) -> None:
    """Count a fill by an order for its family."""
    day = (head(world, account.name), world.at // DAY)
    world.volumes[day] = world.volumes.get(day, 0) + notional


def rates(world: World, name: str, market: Market) -> tuple[Fraction, Fraction]:
    """(taker, maker): the market's own, or those of the highest tier that the last thirty whole days have reached."""
    if not world.tiers:
        return rate(market.spec.taker_fee_ppb), rate(market.spec.maker_fee_ppb)
    today, family = world.at // DAY, head(world, name)
    days = [quanta for (who, day), quanta in world.volumes.items() if who == family and today - 30 <= day < today]
    tier = [tier for tier in world.tiers if tier.volume_quanta <= sum(days)][-1]
    return rate(tier.taker_fee_ppb), rate(tier.maker_fee_ppb)


def taker_fee(world: World, name: str, market: Market, notional: int) -> int:
    """Rounded up; less for the referred."""
    taker, _ = rates(world, name, market)
    return up(notional * taker * (REFERRED if head(world, name) in world.referrers else 1))


def maker_fee(world: World, name: str, market: Market, notional: int, taken: int) -> int:
    """Rounded up; below zero it is a rebate, rounded down, no more than what the taker pays."""
    _, maker = rates(world, name, market)
    return up(notional * maker) if maker >= 0 else -min(down(notional * -maker), taken)


def share(world: World, name: str, fee: int, rebate: int) -> int:
    """The referrer's part, rounded down, no more than the rebate leaves."""
    return min(down(fee * SHARE), fee - rebate) if head(world, name) in world.referrers else 0
