"""Rewards and risk of a position: claimed as the chain says, pending beside a naive sum, risk by its named facts."""

from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from cleartide.contracts.chain import ChainEvent, FarmMove, FarmRewardsClaimed, KaminoUnstaked, VaultStateUpdated
from cleartide.rules.returns import apr_of_apy_ppb

from services.vaults.app import SERVICE
from services.vaults.domain.risk import DEEP_PPB, SHALLOW_PPB, SILENT_MICROS, Facts, risk_of
from services.vaults.tests.chain import (
    DAY,
    START,
    brake,
    claim,
    delivery,
    deposit,
    event,
    of_vault,
    retract,
    stake,
    state,
    withdraw,
)
from tests.support.fold_bench import in_batches
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database

HOUR = DAY // 24
CALM = Facts("active", 0, 0, 0, 500_000_000, 120_000_000)


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, SERVICE.fold, SERVICE.migrations)


async def positions(schema: ServiceSchema, events: list[ChainEvent], at: int, owner: str = "alice") -> Any:
    """An owner's positions after these events, at an instant."""
    clock = max([at, *(each.block_time for each in events)])
    messages = [delivery(each, clock) for each in events]
    assert await schema.run_epoch(in_batches(messages, 50)) == 0
    async with schema.pool() as pool:
        return (await SERVICE.queries["positions"](pool, {"owner": owner, "at": at}))["positions"]


def unstake(number: int, at: int, owner: str, shares: int) -> ChainEvent:
    """Shares out of the farm."""
    return event(KaminoUnstaked, number, at, **of_vault("usdc-main"), owner=owner, farm="farm-1", shares=shares)


async def test_rewards_are_claimed_by_asset_and_pending_since_the_last_claim(schema: ServiceSchema) -> None:
    """VLT-REWARD-001: a thousand for ten days at an APY of 12.75 %, 12.0 % simple: 1,000 * 0.12 * 10 / 365."""
    told = [
        state(1, START, 5_000_000_000, 5_000_000_000, lending_apy_bps=0, incentives_apy_bps=1_275),
        deposit(2, START, "alice", 2_000_000_000, 2_000_000_000),
        stake(3, START, "alice", 1_000_000_000),
        claim(4, START + 5 * DAY, "alice", 4_000_000, 1_000_000),
        claim(5, START + 6 * DAY, "alice", 10_000, 0, "JTO"),
        claim(6, START + 7 * DAY, "alice", 8_000_000, 2_000_000),
        claim(7, START + 8 * DAY, "alice", 99_000_000, 0),
        retract(8, START + 8 * DAY, 7),
        deposit(9, START + 8 * DAY, "bob", 1_000_000, 1_000_000),
    ]
    (held,) = await positions(schema, told, START + 17 * DAY)
    assert held["claimed_rewards"] == [
        {"asset": "JTO", "amount": "0.010000", "fee": "0.000000", "last_claim": START + 6 * DAY},
        {"asset": "KMNO", "amount": "9.000000", "fee": "3.000000", "last_claim": START + 7 * DAY},
    ]
    earned = Fraction(apr_of_apy_ppb(127_500_000), 10**9) * 1_000_000_000 * 10 / 365
    assert held["pending_rewards"] == f"{int(earned) / 10**6:.6f}" == "3.288288"
    (nothing,) = await positions(schema, [], START + 17 * DAY, "bob")
    assert (nothing["pending_rewards"], nothing["claimed_rewards"]) == ("0.000000", [])


async def test_pending_rewards_are_those_of_a_naive_sum(schema: ServiceSchema) -> None:
    """VLT-REWARD-002: staked and taken out at any time, late events too, while the vault's rates and worth change."""
    random, staked, told = Random(5), 0, []
    told.append(deposit(1, START, "alice", 10**9, 10**9))
    for number in range(2, 150):
        at, dice = START + random.randrange(20 * DAY), random.random()
        if dice < 0.3:
            told.append(stake(number, at, "alice", shares := random.randrange(10**7)))
            staked += shares
        elif dice < 0.4:
            told.append(claim(number, START + random.randrange(4 * DAY), "alice", 5, 1))
        else:
            shares, rate = random.randrange(10**9, 10**12), random.randrange(0, 4_000, 40)
            assets = shares * random.randrange(900, 1_300) // 1_000
            told.append(state(number, at, assets, shares, incentives_apy_bps=rate))
    told.append(unstake(150, START + 18 * DAY, "alice", staked // 3))
    (held,) = await positions(schema, told, START + 21 * DAY)
    assert held["pending_rewards"] == f"{naive(told, START + 21 * DAY) / 10**6:.6f}"
    assert held["pending_rewards"] > "1"


def naive(told: list[ChainEvent], until: int) -> int:
    """Every span between the owner's own events and whole hours by itself, from all that was told before it."""
    ordered = sorted(told, key=lambda each: (each.block_time, each.slot))
    since = max(each.block_time for each in told if isinstance(each, FarmRewardsClaimed))
    own = {each.block_time for each in told if isinstance(each, FarmMove) and each.block_time > since}
    cuts = sorted({since, until, *own, *range(since - since % HOUR + HOUR, until, HOUR)})
    total = Fraction(0)
    for begin, end in pairwise(cuts):
        known = [each for each in ordered if each.block_time <= begin]
        moves = [each for each in known if isinstance(each, FarmMove)]
        shares = sum(-each.shares if isinstance(each, KaminoUnstaked) else each.shares for each in moves)
        last = [each for each in known if isinstance(each, VaultStateUpdated)][-1]
        value = shares * last.total_assets_units // last.total_shares
        apr = Fraction(apr_of_apy_ppb(last.incentives_apy_bps * 100_000), 10**9)
        total += value * apr * (end - begin) / (365 * DAY)
    return int(total)


@pytest.mark.parametrize(
    ("facts", "risk"),
    [
        (CALM, ("low", [])),
        (CALM._replace(drawdown_ppb=SHALLOW_PPB - 1, silent_micros=SILENT_MICROS), ("low", [])),
        (CALM._replace(incentives_apy_ppb=500_000_000), ("low", [])),
        (CALM._replace(drawdown_ppb=SHALLOW_PPB), ("medium", ["drawdown"])),
        (CALM._replace(emergencies=1), ("medium", ["emergency"])),
        (CALM._replace(incentives_apy_ppb=500_000_001), ("medium", ["incentives"])),
        (CALM._replace(drawdown_ppb=DEEP_PPB), ("high", ["deep_drawdown"])),
        (CALM._replace(silent_micros=SILENT_MICROS + 1), ("high", ["silent"])),
        (CALM._replace(silent_micros=None), ("high", ["silent"])),
        (CALM._replace(status="paused", emergencies=2), ("high", ["paused", "emergency"])),
    ],
)
def test_a_level_of_risk_has_its_reasons(facts: Facts, risk: tuple[str, list[str]]) -> None:
    """VLT-RISK-001: each bound of the rule, from both sides."""
    assert risk_of(facts) == risk


async def test_risk_is_of_the_last_thirty_days(schema: ServiceSchema) -> None:
    """VLT-RISK-002: a fall and an emergency are forgotten after thirty days; who holds nothing has no risk."""
    told = [
        state(1, START, 1_000, 1_000),
        deposit(2, START, "alice", 10, 10),
        deposit(3, START, "bob", 10, 10),
        withdraw(4, START, "bob", 10, 10),
        brake(5, START, "force_rebalance"),
        state(6, START + HOUR, 1_010, 1_000),
        state(7, START + 2 * HOUR, 960, 1_000),
        *(state(10 + day, START + day * DAY, 985, 1_000) for day in range(1, 40)),
    ]
    (held,) = await positions(schema, told, START + 5 * DAY)
    assert (held["risk"], held["risk_reasons"]) == ("medium", ["drawdown", "emergency"])
    (held,) = await positions(schema, [], START + 35 * DAY)
    assert (held["risk"], held["risk_reasons"]) == ("low", [])
    (left,) = await positions(schema, [], START + 5 * DAY, "bob")
    assert (left["status"], left["risk"], left["risk_reasons"]) == ("closed", None, [])
