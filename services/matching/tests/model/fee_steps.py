"""Steps about fees: tiers of a market or of all, who brought whom, and what each gets of it."""

from typing import Any, Final

from cleartide.contracts import ClaimReferralRewards, FeeTier, SetFeeSchedule, SetReferralTerms, SetReferrer

from services.matching.tests.model.scenes import TIERS, TRADERS
from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.world import RESERVED, Market, World

SCHEDULES: Final[tuple[tuple[FeeTier, ...], ...]] = (
    TIERS,
    TIERS[:1],
    (TIERS[0], FeeTier(volume_quanta=50_000_000, taker_fee_ppb=400_000, maker_fee_ppb=0)),
    (),
)
WRONG: Final[tuple[tuple[FeeTier, ...], ...]] = (
    TIERS[1:],
    (TIERS[0], TIERS[0]),
    (TIERS[0], FeeTier(volume_quanta=1, taker_fee_ppb=450_002, maker_fee_ppb=0)),
    (TIERS[0], FeeTier(volume_quanta=1, taker_fee_ppb=100, maker_fee_ppb=-100)),
    (FeeTier(volume_quanta=0, taker_fee_ppb=5, maker_fee_ppb=-1),),
    (FeeTier(volume_quanta=0, taker_fee_ppb=10**9, maker_fee_ppb=0),),
)


def schedule(world: World, number: int, step: Step, market: Market) -> Body:
    """Of one market or of all the others; now and then one that makes no sense, or nowhere."""
    tiers = WRONG[step.amount % len(WRONG)] if step.flags % 4 == 0 else SCHEDULES[step.amount % len(SCHEDULES)]
    name = "NONE-PERP" if step.flags == 1 else market.name if step.terms % 2 else None
    return SetFeeSchedule, {"market": name, "tiers": tiers, "by": "ops"}


def shares(world: World, number: int, step: Step, market: Market) -> Body:
    """What the referred save and who brought them gets; now and then all of it, more, or what leaves rebates unpaid."""
    discount, part = (
        (step.amount * 1_000_000, step.amount * 1_500_001),
        (100_000_000, 250_000_000),
        (0, 10**9),
        (10**9, 0),
        (0, 10**9 + 1),
        (900_000_000, 0),
    )[step.terms % 6]
    return SetReferralTerms, {"referee_discount_ppb": discount, "referrer_share_ppb": part, "by": "ops"}


def refer(world: World, number: int, step: Step, market: Market) -> Body:
    """Anybody by anybody, himself and strangers among them; now and then of a sub-account, or by one."""
    names = (*TRADERS, *(name for name, account in world.accounts.items() if account.parent and step.flags % 2))
    named: dict[str, Any] = {"account": names[step.amount % len(names)], "referrer": names[step.terms % len(names)]}
    if world.referrers and step.flags % 8 == 1:
        brought = list(world.referrers)[step.amount % len(world.referrers)]
        named = {"account": world.referrers[brought], "referrer": brought}
    wrong = ({"referrer": "nobody"}, {"account": "nobody"}, {"referrer": RESERVED[1]}, {"actor": TRADERS[step.who]})
    return SetReferrer, named | (wrong[step.amount % len(wrong)] if step.flags % 8 == 0 else {})


def claim(world: World, number: int, step: Step, market: Market) -> Body:
    """What a referrer has earned."""
    earning = [name for name, reward in world.rewards.items() if reward]
    names = earning if earning and step.flags % 2 else TRADERS
    return ClaimReferralRewards, {"account": names[step.who % len(names)]}
