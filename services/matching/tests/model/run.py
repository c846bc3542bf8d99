"""Lives: a fresh pair of exchanges, a scene, and a sequence of steps."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, Final

from cleartide.contracts import (
    Deposit,
    DepositCollateral,
    FundPool,
    ListAsset,
    ListMarket,
    Message,
    SetFeeSchedule,
    SetReferrer,
    UpdateIndexPrice,
)
from cleartide.contracts.farms import FundFarm, OpenFarm, StakeShares
from cleartide.contracts.vaults import CreateVault, DepositToVault, RebalanceVault, VaultTerms

from services.matching.tests.model.compare import START, Difference, Pair
from services.matching.tests.model.moods import DISTRESSED, GUARDED, MOODS, PAWNED, POOLED, SEALED, random_step
from services.matching.tests.model.scenes import (
    ASSETS,
    BATCHING,
    HOUSED,
    LIMITS,
    PLEDGED,
    RULES,
    SCENES,
    TIERS,
    TRADERS,
    specs,
    text_of,
)
from services.matching.tests.model.step import Step
from services.matching.tests.model.steps import Scripted, command_of

PLACES: Final[dict[tuple[str, ...], list[int]]] = {
    SEALED: [*BATCHING],
    DISTRESSED: [*RULES],
    GUARDED: [*LIMITS],
    PAWNED: [*PLEDGED],
    POOLED: [*HOUSED],
}
"""Scenes of the moods that need terms of their own: where takers are batched, and where a fund takes over."""
LIFE: Final = 300
"""Steps: long enough for funds to run dry and for ids to pile up, short enough to start rich again often."""


def opened(scene: int) -> Pair:
    """The scene's markets are listed, two have a price, and everybody but the last trader has some money."""
    pair = Pair()
    first: list[Message] = []
    for number, spec in enumerate(specs(scene), start=1):
        first.append(ListMarket(id=f"list-{number}", source="operator", occurred_at=START, spec=spec))
    for number, spec in enumerate(specs(scene)[:2], start=1):
        price = text_of(10_000, spec.tick_size)
        envelope = _from("ingestor", number)
        first.append(UpdateIndexPrice(**envelope, seq=number, market=spec.market, price=price, sources=()))
    for number, name in enumerate(TRADERS[:-1], start=1):
        cash = "9" if scene in PLEDGED else "150"
        first.append(Deposit(**_from("bank", number), account=name, asset="USDC", amount=cash))
    if scene in PLEDGED:
        first += _pledges()
    if scene in HOUSED:
        first += _house()
    if scene % 2:
        first.append(SetFeeSchedule(**_from("fees", 1), tiers=TIERS))
        first += [SetReferrer(**_from("fees", 2), account="ann", referrer="bob")]
    for command in first:
        pair.take(Scripted(START, command))
    return pair


def _pledges() -> list[Message]:
    """Two of three assets are listed, most have some, and there is a little cash to buy them with."""
    assets = [ListAsset(**_from("assets", number), spec=spec) for number, spec in enumerate(ASSETS[::2])]
    given = [("ann", "WETH", "0.2"), ("bob", "EURC", "80"), ("cat", "WETH", "0.123456"), ("cat", "EURC", "50")]
    paid = [
        DepositCollateral(**_from("chest", number), account=name, asset=asset, amount=amount)
        for number, (name, asset, amount) in enumerate(given)
    ]
    stock = [("USDC", "60"), ("WETH", "0.1")]
    pool = [
        FundPool(**_from("pool", number), pool="swap", asset=asset, amount=amount)
        for number, (asset, amount) in enumerate(stock)
    ]
    return [*assets, *paid, *pool]


def _house() -> list[Message]:
    """Dan manages what ann and bob have paid in, and has put most of it to work; ann has staked."""
    terms = VaultTerms(management_fee_bps=1_000, performance_fee_bps=2_000, virtual_shares=1, capacity="120")
    named: dict[str, Any] = {"vault": "tide"}
    return [
        CreateVault(**_from("vaults", 1), **named, account="dan", terms=terms),
        DepositToVault(**_from("vaults", 2), **named, account="ann", amount="50"),
        DepositToVault(**_from("vaults", 3), **named, account="bob", amount="40"),
        RebalanceVault(**_from("vaults", 4), **named, account="dan", amount="85"),
        OpenFarm(**_from("vaults", 5), **named, platform_fee_bps=1_111),
        FundFarm(**_from("vaults", 6), **named, account="cat", amount="3", seconds=60),
        StakeShares(**_from("vaults", 7), **named, account="ann", shares=20_000_000),
    ]


def _from(source: str, number: int) -> dict[str, Any]:
    return {"id": f"{source}-{number}", "source": source, "occurred_at": START}


def live(scene: int, steps: Iterable[Step]) -> Pair:
    """One life. Raises Difference, naming the step."""
    pair = opened(scene)
    before: Message | None = None
    for number, step in enumerate(steps):
        scripted = command_of(pair.world, number, step, before)
        before = scripted.command
        try:
            if step.kind == "restart":
                pair.restart()
            pair.take(scripted)
        except Exception as fault:
            raise Difference(f"step {number} {step}\n{before!r}\n{fault!r}") from fault
    return pair


def random_life(seed: int, life: int, wanted: tuple[str, ...] | None = None) -> tuple[int, list[Step]]:
    """The scene and the steps of one life of a seed; in a mood, if one is wanted, else every mood has its turn."""
    chance = Random(f"{seed}/{life}")
    mood = MOODS[life % len(MOODS)] if wanted is None else wanted
    scene = chance.choice(PLACES.get(mood, range(SCENES)))
    return scene, [random_step(chance, mood) for _ in range(LIFE)]


def volume(seed: int, steps: int, progress: Callable[[int], None] = lambda _: None) -> Counter[str]:
    """At least so many steps in lives of their own; returns how often everything happened. Raises Difference."""
    outcomes: Counter[str] = Counter()
    for life in range(-(-steps // LIFE)):
        scene, script = random_life(seed, life)
        try:
            outcomes.update(live(scene, script).outcomes)
        except Exception as fault:
            shortest = shrink(scene, script)
            told = "\n".join(f"    {step!r}," for step in shortest)
            raise Difference(f"seed {seed}, life {life}, scene {scene}, shrunk to\n{told}\n{fault}") from fault
        progress((life + 1) * LIFE)
    return outcomes


def fails(scene: int, steps: Sequence[Step]) -> bool:
    """Whether these steps end in any fault."""
    try:
        live(scene, steps)
    except Exception:
        return True
    return False


def shrink(scene: int, steps: list[Step]) -> list[Step]:
    """Fewer steps that still end in a fault: leave out ever smaller pieces until none can go."""
    size = len(steps)
    while size:
        place = 0
        while place < len(steps):
            fewer = steps[:place] + steps[place + size :]
            if fails(scene, fewer):
                steps = fewer
            else:
                place += size
        size //= 2
    return steps
