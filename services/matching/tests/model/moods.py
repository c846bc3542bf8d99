"""Random steps: how often each kind comes, and the moods of lives in which some kinds come more often."""

from random import Random
from typing import Final

from hypothesis import strategies as st

from services.matching.tests.model.numbers import SECOND
from services.matching.tests.model.scenes import TRADERS
from services.matching.tests.model.step import Step

WAITS: Final = (0, 0, 0, 1, 137_000, 400_000, 500_000, 999_999, SECOND, 3_500_000, 5 * SECOND)
TERMS: Final = 64
"""Of a step: a quarter of the orders have an end, a quarter are icebergs, a self-trade mode each."""
LINKS: Final = 32
"""Of a step: a sixth of the orders are of a group, a fifth have a bracket."""
WEIGHTS: Final = {
    "order": 60,
    "quiet": 4,
    "plain": 0,
    "group": 4,
    "entry": 4,
    "sweep": 6,
    "exact order": 4,
    "odd order": 8,
    "cancel": 7,
    "cancel all": 3,
    "amend": 6,
    "rearm": 3,
    "reterm": 0,
    "batch": 5,
    "commit": 6,
    "open": 8,
    "auction": 5,
    "quote": 16,
    "wait": 9,
    "price": 20,
    "jump": 3,
    "minute": 2,
    "no price": 1,
    "silence": 1,
    "night": 1,
    "claim": 1,
    "liquidate": 8,
    "keeper": 12,
    "settle": 8,
    "report": 3,
    "deposit": 4,
    "exact deposit": 3,
    "withdraw": 2,
    "exact withdraw": 3,
    "insure": 2,
    "list": 1,
    "again": 1,
    "restart": 1,
    "switch": 0,
    "halt": 0,
    "collect": 0,
    "delist": 0,
    "waiting": 0,
    "edge": 0,
    "part with": 0,
    "brim": 0,
    "bust": 0,
    "correct": 0,
    "arrive": 0,
    "follow": 0,
    "ask": 0,
    "send": 0,
    "hour": 0,
    "leverage": 0,
    "limits": 0,
    "tier": 0,
    "terms": 0,
    "mode": 0,
    "subaccount": 0,
    "grant": 0,
    "shift": 0,
    "change": 0,
    "funding": 0,
    "alarm": 0,
    "watch": 0,
    "schedule": 0,
    "shares": 0,
    "refer": 0,
    "asset": 0,
    "collateral": 0,
    "swap": 0,
    "pool": 0,
    "vault": 0,
    "join": 0,
    "manage": 0,
    "strategy": 0,
    "farm": 0,
}


SEALED: Final = ("commit", "commit", "open", "open", "quiet", "amend", "amend")
AUCTIONED: Final = ("auction", "quote", "quote")
GROUPED: Final = ("group", "sweep")
BATCHED: Final = ("batch", "wait", "quiet")
ENTERED: Final = ("entry", "sweep", "price")
STOPPED: Final = ("switch", "halt", "halt", "order", "wait", "wait", "auction", "price", "jump", "liquidate", "open")
RETERMED: Final = ("reterm", "reterm", "quiet", "sweep")
GUARDED: Final = ("jump", "collect", "waiting", "waiting", "edge", "sweep", "plain", "part with", "brim", "price")
DELISTED: Final = ("delist", "collect", "waiting", "plain", "exact order", "wait", "auction", "jump", "sweep", "insure")
RESTATED: Final = ("report", "report", "bust", "correct", "correct", "wait", "liquidate", "part with")
ON_ITS_WAY: Final = ("arrive", "follow", "follow", "ask", "ask", "send", "send", "hour", "order", "jump")
LIMITED: Final = (
    "limits",
    "tier",
    "tier",
    "terms",
    "mode",
    "leverage",
    "exact order",
    "sweep",
    "wait",
    "order",
    "auction",
    "quote",
    "cancel all",
)
RELATED: Final = ("subaccount", "grant", "shift", "shift", "sweep", "plain", "order", "deposit", "quote", "keeper")
RULED: Final = (
    "change",
    "change",
    "change",
    "change",
    "settle",
    "plain",
    "sweep",
    "exact order",
    "collect",
    "waiting",
    "commit",
    "jump",
    "funding",
    "alarm",
    "watch",
)
BROUGHT: Final = (
    "refer",
    "schedule",
    "shares",
    "sweep",
    "order",
    "claim",
    "price",
    "plain",
    "sweep",
    "price",
    "subaccount",
    "night",
)
PAWNED: Final = (
    "asset",
    "collateral",
    "collateral",
    "swap",
    "pool",
    "sweep",
    "plain",
    "jump",
    "liquidate",
    "exact order",
)
POOLED: Final = (
    "vault",
    "join",
    "join",
    "join",
    "manage",
    "manage",
    "strategy",
    "strategy",
    "sweep",
    "price",
    "farm",
    "farm",
    "jump",
    "liquidate",
)
DISTRESSED: Final = ("order", "jump", "liquidate", "keeper", "price", "minute")
MOODS: Final[tuple[tuple[str, ...], ...]] = (
    (),
    RETERMED,
    AUCTIONED,
    GROUPED,
    ENTERED,
    SEALED,
    DISTRESSED,
    BATCHED,
    STOPPED,
    GUARDED,
    DELISTED,
    RESTATED,
    ON_ITS_WAY,
    LIMITED,
    RELATED,
    RULED,
    BROUGHT,
    PAWNED,
    POOLED,
)
"""What two in five steps of a life are; of others nothing in particular."""


def random_step(chance: Random, mood: tuple[str, ...]) -> Step:
    """Any step, by the weights and by the mood."""
    kind = chance.choices(_KINDS, cum_weights=_CUMULATED)[0]
    if mood and chance.random() < 0.4:
        kind = chance.choice(mood)
    where = min(chance.randrange(4), 2)
    numbers = (chance.randrange(1, 601), chance.randrange(-30, 31), chance.randrange(64), chance.randrange(len(WAITS)))
    terms, links = chance.randrange(TERMS), chance.randrange(LINKS)
    return Step(kind, chance.randrange(len(TRADERS)), where, chance.random() < 0.5, *numbers, terms, links)


_KINDS: Final = list(WEIGHTS)
_CUMULATED: Final = [sum(list(WEIGHTS.values())[: place + 1]) for place in range(len(WEIGHTS))]

any_step: Final = st.builds(
    Step,
    kind=st.sampled_from([kind for kind, weight in WEIGHTS.items() for _ in range(weight or 1)]),
    who=st.integers(0, len(TRADERS) - 1),
    where=st.integers(0, 2),
    buys=st.booleans(),
    amount=st.integers(1, 600),
    offset=st.integers(-30, 30),
    flags=st.integers(0, 63),
    wait=st.integers(0, len(WAITS) - 1),
    terms=st.integers(0, TERMS - 1),
    links=st.integers(0, LINKS - 1),
)
