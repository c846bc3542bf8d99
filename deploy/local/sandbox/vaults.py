"""Vaults that the sandbox's traders use, and the indexer that reads them: sixty days at once, then as it comes.

The vaults run by the library's rules; what they do is decided by the number of the step alone, so every start of the
sandbox tells the same history again, and what was told already counts once.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Final

from cleartide.client import Client
from cleartide.contracts.chain import (
    ChainEvent,
    FarmRewardsClaimed,
    FeeConfigUpdated,
    KaminoStaked,
    VaultDeposited,
    VaultHarvested,
    VaultRebalanced,
    VaultStateUpdated,
    VaultSwapped,
    VaultWithdrawn,
)
from cleartide.rules.vaults import BPS, Refused, Terms, Vault

from deploy.local.markets import MARKETS
from deploy.local.sandbox.population import TAKERS, leveraged, makers

CHAIN: Final = "sandbox"
DAY: Final = 86_400_000_000
STEP: Final = DAY // 4
HISTORY_STEPS: Final = 60 * 4
OWNERS: Final = (*makers(MARKETS[0]), *TAKERS, *leveraged(MARKETS[0])[:12])
EPOCH_DAY: Final = 20_000 * DAY
LATE_BY: Final = 7
"""Every so many steps the indexer tells one event a day late, so that a restated day can be seen."""


@dataclass(frozen=True)
class Offer:
    """A vault on offer: year's rates in basis points, the price of one whole asset in quote quanta."""

    name: str
    protocol: str
    asset: str
    decimals: int
    price_quanta: int
    lending_bps: int
    incentives_bps: int
    terms: Terms
    unit: int


OFFERS: Final = (
    Offer("usdc-prime", "kamino", "USDC", 6, 1_000_000, 620, 180, Terms(performance_fee_bps=1_000), 1_000_000),
    Offer("usdc-main", "mars", "USDC", 6, 1_000_000, 480, 120, Terms(5, 5, 50, 1_500), 1_000_000),
    Offer("sol-main", "mars", "SOL", 9, 148_000_000, 710, 0, Terms(0, 10, 0, 1_000), 8_000_000),
)


@dataclass
class Told:
    """Numbers the events of one vault's step."""

    offer: Offer
    step: int
    at: int
    live: bool = False
    events: list[ChainEvent] = field(default_factory=list)

    def say(self, contract: type[ChainEvent], **body: Any) -> None:
        """One event at the next place of the step's transaction."""
        index = len(self.events)
        when = f"look{self.at}" if self.live else f"step{self.step}"
        signature = self.offer.name.replace("-", "") + when
        envelope: dict[str, Any] = {
            "id": f"{CHAIN}-{signature}-{index}",
            "occurred_at": self.at,
            "source": "indexer",
            "chain": CHAIN,
            "signature": signature,
            "event_index": index,
            "slot": self.step,
            "block_time": self.at,
            "program": "vaults",
        }
        if "vault" in contract.model_fields:
            envelope["vault"] = self.offer.name
        if "asset" in contract.model_fields:
            envelope |= {"protocol": self.offer.protocol, "asset": self.offer.asset}
        self.events.append(contract(**envelope, **body))


@dataclass
class Program:
    """One vault as its chain runs it."""

    offer: Offer
    vault: Vault = field(init=False)

    def __post_init__(self) -> None:
        self.vault = Vault(self.offer.terms)

    def step(self, number: int, at: int) -> list[ChainEvent]:
        """What happens in one step: interest, a few owners who come and go, rewards now and then, and the state."""
        random, told = Random(f"{self.offer.name} {number}"), Told(self.offer, number, at)
        if not self.vault.assets:
            self._open(told)
        wobble = 95 + random.randrange(11)
        rate = (self.offer.lending_bps + self.offer.incentives_bps) * wobble // 100
        self.vault.gain(self.vault.assets * rate * STEP // (BPS * 365 * DAY))
        self.vault.charge(at)
        for owner in random.sample(OWNERS, 2):
            self._act(owner, random, told)
        if number % 8 == 0:
            self._reward(random, told)
        self._report(wobble, told)
        return told.events

    def look(self, number: int, at: int) -> ChainEvent:
        """What the vault holds at a moment between two steps."""
        told = Told(self.offer, number, at, live=True)
        self._report(100, told)
        return told.events[0]

    def _open(self, told: Told) -> None:
        terms = self.offer.terms
        told.say(
            FeeConfigUpdated,
            deposit_fee_bps=terms.deposit_fee_bps,
            withdraw_fee_bps=terms.withdraw_fee_bps,
            management_fee_bps=terms.management_fee_bps,
            performance_fee_bps=terms.performance_fee_bps,
            recipient="treasury",
        )
        for owner in OWNERS:
            self._deposit(owner, 2_000 * self.offer.unit, told)

    def _act(self, owner: str, random: Random, told: Told) -> None:
        amount = random.randrange(100, 1_500) * self.offer.unit
        if random.random() < 0.6:
            if random.random() < 0.15:
                swap = {"from_asset": "ETH", "to_asset": self.offer.asset, "slippage_bps": random.randrange(5, 40)}
                amounts = {"amount_in_units": amount // 3, "amount_out_units": amount}
                told.say(VaultSwapped, owner=owner, swap="swap_and_deposit", **swap, **amounts)
            self._deposit(owner, amount, told)
            return
        shares = self.vault.holders.get(owner, 0) * random.randrange(5, 60) // 100
        try:
            paid = self.vault.withdraw(owner, shares, told.at)
        except Refused:
            return
        told.say(VaultWithdrawn, owner=owner, shares_burned=shares, amount_units=paid.amount, fee_units=paid.fee)

    def _deposit(self, owner: str, amount: int, told: Told) -> None:
        paid = self.vault.deposit(owner, amount, told.at)
        told.say(VaultDeposited, owner=owner, amount_units=amount, fee_units=paid.fee, shares_received=paid.shares)

    def _reward(self, random: Random, told: Told) -> None:
        harvested = random.randrange(20, 90) * self.offer.unit
        fee = harvested // 4
        self.vault.gain(harvested - fee)
        rewards = {"farm": f"{self.offer.name}-farm", "reward_asset": "KMNO"}
        told.say(
            VaultHarvested,
            **rewards,
            gross_units=harvested,
            platform_fee_units=fee,
            compounded_units=harvested - fee,
        )
        owner = random.choice(OWNERS)
        told.say(KaminoStaked, owner=owner, farm=rewards["farm"], shares=self.vault.holders[owner] // 10)
        gross = random.randrange(2, 40) * 1_000_000
        told.say(FarmRewardsClaimed, owner=owner, **rewards, gross_units=gross, platform_fee_units=gross // 4)
        move = {"from_protocol": "jupiter", "to_protocol": self.offer.protocol, "reason": "better_rate"}
        told.say(VaultRebalanced, **move, amount_units=harvested, executor="keeper-1")

    def _report(self, wobble: int, told: Told) -> None:
        told.say(
            VaultStateUpdated,
            total_assets_units=self.vault.assets,
            total_shares=self.vault.shares,
            virtual_assets_units=self.offer.terms.virtual_assets,
            virtual_shares=self.offer.terms.virtual_shares,
            lending_apy_bps=self.offer.lending_bps * wobble // 100,
            incentives_apy_bps=self.offer.incentives_bps * wobble // 100,
            price_quanta=self.offer.price_quanta,
            decimals=self.offer.decimals,
        )


def history(programs: list[Program], first: int) -> Iterator[tuple[int, list[ChainEvent]]]:
    """Every step from the first on with its events, as the indexer tells them: now and then one comes a day late."""
    kept: dict[int, list[ChainEvent]] = {}
    for number in count(first):
        events = [event for program in programs for event in program.step(number, EPOCH_DAY + number * STEP)]
        if number % LATE_BY == 0:
            kept[number + 4] = events[-1:]
            events = events[:-1]
        yield number, events + kept.pop(number, [])


class Indexer:
    """Tells the chain's history up to now, and from then on each step and each look at the vaults.

    begun: the step of the first event that was ever told, so that a later start tells the same; None on the first.
    """

    def __init__(self, client: Client, begun: int | None) -> None:
        self._client = client
        self._programs = [Program(offer) for offer in OFFERS]
        self._told = (begun if begun is not None else _step_of(_now()) - HISTORY_STEPS) - 1
        self._steps = history(self._programs, self._told + 1)

    async def tell(self) -> None:
        """What has come since, and what every vault holds at this moment."""
        while self._told < _step_of(_now()):
            self._told, events = next(self._steps)
            for event in events:
                # lint: allow one-publish: an indexer is a third party, and this is the client for third parties
                await self._client.publish(event)
        for program in self._programs:
            # lint: allow one-publish: an indexer is a third party, and this is the client for third parties
            await self._client.publish(program.look(self._told, _now()))


def step_of_block(block_time: int) -> int:
    """The step that a block belongs to."""
    return _step_of(block_time)


def _step_of(at: int) -> int:
    return (at - EPOCH_DAY) // STEP


def _now() -> int:
    return time.time_ns() // 1_000
