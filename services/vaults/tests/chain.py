"""A small chain for the tests: it says what an indexer would, and lets it be late, told twice, or taken back."""

from random import Random
from typing import Any, Final

import msgspec
from cleartide.bus.ports import Delivery
from cleartide.contracts.chain import (
    ChainEvent,
    ChainEventRetracted,
    EmergencyActionTaken,
    FarmRewardsClaimed,
    KaminoStaked,
    VaultDeposited,
    VaultStateUpdated,
    VaultWithdrawn,
)
from cleartide.contracts.codec import encode

from services.vaults.app import SERVICE
from tests.support.fold_bench import FoldBench

DAY: Final = 86_400_000_000
START: Final = 20_000 * DAY
VAULTS: Final = {"usdc-main": ("kamino", "USDC"), "usdc-two": ("kamino", "USDC"), "sol-main": ("mars", "SOL")}


def event(contract: type[ChainEvent], number: int, at: int, **body: Any) -> ChainEvent:
    """One event of the chain; its number is its slot and its signature."""
    place: dict[str, Any] = {
        "chain": "solana",
        "signature": f"sig{number}",
        "event_index": 0,
        "slot": number,
        "block_time": at,
    }
    return contract(id=f"solana-{number}", occurred_at=at, source="indexer", program="mars", **place, **body)


def of_vault(vault: str) -> dict[str, str]:
    """A vault's name, protocol and asset."""
    protocol, asset = VAULTS[vault]
    return {"vault": vault, "protocol": protocol, "asset": asset}


def deposit(
    number: int, at: int, owner: str, amount: int, shares: int, fee: int = 0, vault: str = "usdc-main"
) -> ChainEvent:
    """Somebody paid in."""
    amounts = {"amount_units": amount, "fee_units": fee, "shares_received": shares}
    return event(VaultDeposited, number, at, **of_vault(vault), owner=owner, **amounts)


def withdraw(
    number: int, at: int, owner: str, amount: int, shares: int, fee: int = 0, vault: str = "usdc-main"
) -> ChainEvent:
    """Somebody took out."""
    amounts = {"amount_units": amount, "fee_units": fee, "shares_burned": shares}
    return event(VaultWithdrawn, number, at, **of_vault(vault), owner=owner, **amounts)


def state(number: int, at: int, assets: int, shares: int, vault: str = "usdc-main", **more: Any) -> ChainEvent:
    """A vault reports."""
    rates = {"lending_apy_bps": 500, "incentives_apy_bps": 120, "price_quanta": 1_000_000, "decimals": 6}
    return event(
        VaultStateUpdated,
        number,
        at,
        **of_vault(vault),
        total_assets_units=assets,
        total_shares=shares,
        **{**rates, **more},
    )


def claim(number: int, at: int, owner: str, gross: int, fee: int, asset: str = "KMNO") -> ChainEvent:
    """A farm's rewards."""
    rewards = {"reward_asset": asset, "gross_units": gross, "platform_fee_units": fee}
    return event(FarmRewardsClaimed, number, at, **of_vault("usdc-main"), owner=owner, farm="farm-1", **rewards)


def stake(number: int, at: int, owner: str, shares: int) -> ChainEvent:
    """Shares into the farm."""
    return event(KaminoStaked, number, at, **of_vault("usdc-main"), owner=owner, farm="farm-1", shares=shares)


def brake(number: int, at: int, action: str, vault: str = "usdc-main") -> ChainEvent:
    """Somebody pulled a vault's brake or let it go."""
    return event(EmergencyActionTaken, number, at, vault=vault, action=action)


def retract(number: int, at: int, target: int) -> ChainEvent:
    """The event of that number is not on the chain."""
    return event(ChainEventRetracted, number, at, retracted_signature=f"sig{target}", retracted_index=0, reason="fork")


def delivery(message: ChainEvent, at: int) -> Delivery:
    """The event as it reaches the service at an instant."""
    return Delivery(0, at, message.subject, encode(message), "", 0)


class Harness(FoldBench):
    """A fresh service with empty tables. What is refused is counted, not raised."""

    def __init__(self) -> None:
        super().__init__(SERVICE.fold)
        self.clock = START

    def take(self, *events: ChainEvent) -> None:
        """Each event as a message and a batch of its own, received when its block was made or later."""
        for each in events:
            self.clock = max(self.clock, each.block_time)
            self.deliver(delivery(each, self.clock))

    def deliver_all(self, messages: list[Delivery]) -> None:
        """Several messages, which know their places, as one batch."""
        commit, _ = self.folder.fold(self.folder.decode(messages), "", "stream")
        self.schema.write(commit.changes)
        self.schema.say(commit.outbox)
        self.schema.progress = commit.after
        self.published += [msgspec.json.decode(row.payload) for row in commit.outbox]

    def days(self, owner: str = "alice") -> list[dict[str, Any]]:
        """An owner's rows as they were told, by line, day and revision."""
        return [row for row in self.rows("vault_days") if row["owner"] == owner]

    def current(self) -> dict[tuple[str, str, str, int], dict[str, Any]]:
        """What holds now of every line and day; days that turned out to hold nothing are left out."""
        last = {(row["owner"], row["protocol"], row["asset"], row["day"]): row for row in self.rows("vault_days")}
        return {key: row for key, row in last.items() if any(figures(row))}


FIGURES: Final = ("equity_start", "equity_end", "deposits", "withdrawals", "fees", "earned")


def figures(row: dict[str, Any]) -> tuple[int, ...]:
    """(equity start, equity end, deposits, withdrawals, fees, earned)."""
    return tuple(row[name] for name in FIGURES)


def random_events(seed: int, count: int, days: int, owners: int = 40) -> list[ChainEvent]:
    """Events as a chain made them, in its order: any owner, vault and time within the days, fees and rewards too."""
    random = Random(seed)
    times = sorted(START + random.randrange(days * DAY) for _ in range(count))
    return [_random_event(random, number, at, owners) for number, at in enumerate(times, start=1)]


def _random_event(random: Random, number: int, at: int, owners: int) -> ChainEvent:
    owner, vault = f"owner-{random.randrange(owners):03}", random.choice(sorted(VAULTS))
    amount = random.randrange(1, 10**10)
    kind = random.random()
    if kind < 0.35:
        return deposit(number, at, owner, amount, amount * 9 // 10, random.randrange(amount // 100 + 1), vault)
    if kind < 0.55:
        return withdraw(number, at, owner, amount // 2, amount // 3, random.randrange(amount // 200 + 1), vault)
    if kind < 0.65:
        return claim(number, at, owner, amount, amount // 4)
    if kind < 0.7:
        return stake(number, at, owner, amount // 9)
    shares = random.randrange(10**10, 10**12)
    more = {"virtual_assets_units": 1, "virtual_shares": 1_000} if vault == "sol-main" else {}
    return state(number, at, shares * random.randrange(900, 1_300) // 1_000, shares, vault, **more)


def disturbed(events: list[ChainEvent], seed: int, share: float = 0.3, reach: int = 0) -> list[ChainEvent]:
    """The same events as an unreliable indexer tells them: a share of them late, some twice, some taken back.

    reach: how many places late at most; 0 is as many as there are.
    """
    random, number, reach = Random(seed), len(events), reach or len(events)
    keyed = []
    for place, each in enumerate(events):
        late = random.random() < share
        keyed.append((place + (random.randrange(1, reach + 1) if late else 0), place, each))
        if random.random() < share / 2:
            keyed.append((place + random.randrange(1, reach + 1), place, each))
        if random.random() < share / 6:
            number += 1
            # Told at most a few events before the block it is in: a word of what has not happened yet is nobody's, and
            # it would close days that are still being told, so that everything after it came late.
            told = place + random.randrange(-5, reach + 1)
            when = events[min(max(told, place), len(events) - 1)].block_time
            keyed.append((told, len(events) + number, retract(number, when, place + 1)))
    keyed.sort(key=lambda entry: entry[:2])
    return [each for _, _, each in keyed]


def closing(events: list[ChainEvent], number: int) -> list[ChainEvent]:
    """Enough of a later day to close every earlier one."""
    last = max(each.block_time for each in events) // DAY * DAY
    return [stake(number + extra, last + DAY + extra, "nobody", 1) for extra in range(20)]
