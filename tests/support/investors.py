"""Who opens vaults of the venue, pays in, takes out, stakes, claims and trades for them, in an order from a seed."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from cleartide.contracts import CancelAllOrders, Deposit, Message, PlaceOrder
from cleartide.contracts.farms import ClaimFarmRewards, FundFarm, OpenFarm, StakeShares, UnstakeShares
from cleartide.contracts.vaults import (
    CancelVaultExit,
    CompoundVault,
    CreateVault,
    DepositToVault,
    HaltVault,
    HarvestVault,
    RebalanceVault,
    SetVaultState,
    SetVaultTerms,
    VaultTerms,
    WithdrawFromVault,
)
from nats.aio.client import Client

from deploy.local.sandbox.market import MARKET
from tests.support.traffic import publish_surely

PEOPLE: Final = ("ines", "ivan", "iris")
VAULTS: Final = {"calm": "ines", "bold": "ivan"}
"""Managers by vault."""
TERMS: Final = {
    "calm": VaultTerms(deposit_fee_bps=7, withdraw_fee_bps=13, management_fee_bps=200, performance_fee_bps=1_000),
    "bold": VaultTerms(capacity="900", virtual_shares=1),
}
ONE: Final = {"calm": 10**9, "bold": 10**6}
"""Shares that one unit of cash bought at first."""
CASH: Final = "900"
MOST_EXITS: Final = 12
VERBS: Final = (
    *("pay",) * 5,
    *("leave", "trade", "work") * 3,
    *("stake", "claim", "fund") * 2,
    *("stay", "harvest", "compound", "unstake", "cancel", "terms", "state", "halt", "back"),
)


def investors(random: Random, source: str) -> Iterator[Message]:
    """Without end: money for everybody, the vaults with their farms, and then whatever comes to their minds."""
    ids = itertools.count(1)

    def made(contract: type[Message], of: str = source, **body: Any) -> Message:
        return contract.model_validate({"id": f"{of}-{source}-{next(ids)}", "occurred_at": 0, "source": of, **body})

    for name in PEOPLE:
        yield made(Deposit, account=name, asset="USDC", amount=CASH)
    for vault, manager in VAULTS.items():
        yield made(CreateVault, account=manager, vault=vault, terms=TERMS[vault])
        yield made(OpenFarm, "operator", vault=vault, platform_fee_bps=2_000)
    while True:
        contract, body = _wish(random)
        yield made(contract, "operator" if contract is HaltVault else source, **body)


def _wish(random: Random) -> tuple[type[Message], dict[str, Any]]:
    verb, vault, person = random.choice(VERBS), random.choice(tuple(VAULTS)), random.choice(PEOPLE)
    held, kept = {"account": person, "vault": vault}, {"account": VAULTS[vault], "vault": vault}
    amount = f"{random.randint(0, 200)}.{random.randint(1, 999_999):06}"
    shares = ONE[vault] * random.randint(1, 60)
    order = {"account": f"vault--{vault}", "market": MARKET, "actor": VAULTS[vault]}
    number = f"{random.getrandbits(60):x}"
    trade = {"client_order_id": number, "side": random.choice(("buy", "sell")), "size": f"0.00{random.randint(1, 9)}"}
    price = {"order_type": "limit", "price": f"{random.randint(595, 640)}00.0"}
    wishes: dict[str, tuple[type[Message], dict[str, Any]]] = {
        "pay": (DepositToVault, {**held, "amount": amount}),
        "leave": (WithdrawFromVault, {**held, "shares": shares}),
        "stay": (CancelVaultExit, {**held, "exit_id": random.randint(1, MOST_EXITS)}),
        "stake": (StakeShares, {**held, "shares": shares}),
        "unstake": (UnstakeShares, {**held, "shares": shares}),
        "claim": (ClaimFarmRewards, held),
        "fund": (FundFarm, {**held, "amount": "1.5", "seconds": random.randint(1, 90_000)}),
        "trade": (PlaceOrder, {**order, **trade, **price}),
        "cancel": (CancelAllOrders, order),
        "work": (RebalanceVault, {**kept, "amount": amount}),
        "back": (RebalanceVault, {**kept, "amount": f"-{amount}"}),
        "harvest": (HarvestVault, kept),
        "compound": (CompoundVault, kept),
        "terms": (SetVaultTerms, {**kept, "terms": TERMS[vault]}),
        "state": (SetVaultState, {**kept, "state": random.choice(("active", "active", "paused"))}),
        "halt": (HaltVault, {"vault": vault, "halted": random.random() < 0.3}),
    }
    return wishes[verb]


@dataclass
class Investors:
    """They on the real bus."""

    client: Client
    seed: int = 1

    def __post_init__(self) -> None:
        self._messages = investors(Random(f"{self.seed}:investors"), f"investor-{self.seed}")

    async def step(self) -> None:
        """The next wish, until the bus has it."""
        await publish_surely(self.client, next(self._messages))
