"""A vault for the database: one holder has shares, another waits for money that margins an order."""

from decimal import Decimal
from typing import Any

from cleartide.contracts.farms import FundFarm, OpenFarm, StakeShares
from cleartide.contracts.vaults import CreateVault, DepositToVault, RebalanceVault, VaultTerms, WithdrawFromVault
from cleartide.money import quanta_to_text
from cleartide.store.tenant import TenantReads

from services.matching.domain.vaults.value import equity_of
from services.matching.queries import QUERIES
from services.matching.tests.support import Exchange


def vault_room(ex: Exchange) -> None:
    """vic manages it; 100 is at work and 1 is not."""
    for name in ("vic", "val"):
        ex.deposit(name, "1000")
    terms = VaultTerms(deposit_fee_bps=10, performance_fee_bps=1_000, capacity="500")
    ex.send(CreateVault, account="vic", vault="slow", terms=terms)
    for name, amount in (("vic", "1.25"), ("val", "100")):
        ex.send(DepositToVault, account=name, vault="slow", amount=amount)
    ex.send(RebalanceVault, account="vic", vault="slow", amount="100")
    ex.place("vault--slow", "buy", "0.9", "900", actor="vic")
    shares = ex.state.vaults.by_name["slow"].book.holders["val"]
    ex.send(OpenFarm, source="operator", vault="slow", platform_fee_bps=2_500)
    ex.send(FundFarm, account="val", vault="slow", amount="8", seconds=10)
    ex.send(StakeShares, account="vic", vault="slow", shares=1_000_000)
    ex.send(WithdrawFromVault, account="val", vault="slow", shares=shares)


async def check_vaults(pool: Any, ex: Exchange) -> None:
    """OVL-PG-001: what a vault is worth at the marks of now, who holds what of it, who waits, and what happened."""
    vault = ex.state.vaults.by_name["slow"]
    assert vault.farm is not None
    (told,) = (await QUERIES["own_vaults"](pool, {}))["vaults"]
    assert told == await QUERIES["own_vault"](pool, {"vault": "slow"})
    assert (told["manager"], told["strategy"], told["state"]) == ("vic", "vault--slow", "active")
    assert told["assets"] == quanta_to_text(equity_of(vault) - vault.book.fees)
    assert told["unit_price"] == "1.000000", "what one unit bought at first"
    assert (told["holders"], told["waiting_shares"]) == (2, vault.book.holders["val"])
    held = await QUERIES["vault_holdings"](pool, {"account": "val"})
    assert [holding["value"] for holding in held["holdings"]] == ["99.900000"]
    vault.farm.advance(ex.state.ledger.at)
    farm = {"platform_fee_bps": 2_500, "to_come": quanta_to_text(vault.farm.to_come), "ends_at": vault.farm.ends_at}
    assert told["farm"] | farm | {"staked_shares": 1_000_000} == told["farm"]
    assert Decimal(told["farm"]["reward_apr"]) > 0
    staker = TenantReads(pool, "matching", "vic")
    (staked,) = (await QUERIES["vault_holdings"](staker, {"account": "vic"}))["holdings"]
    assert staked["rewards"] == quanta_to_text(vault.farm.pending_of("vic", ex.state.ledger.at))
    assert (await QUERIES["vault_holdings"](staker, {"account": "val"}))["holdings"] == []
    assert [(waiting["vault"], waiting["exit_id"]) for waiting in held["exits"]] == [("slow", 1)]
    moves = (await QUERIES["vault_moves"](pool, {"vault": "slow"}))["moves"]
    assert [move["kind"] for move in moves] == ["queued", "rebalance", "deposit", "deposit"]
    mine = (await QUERIES["vault_moves"](pool, {"account": "val", "before": moves[0]["move_id"]}))["moves"]
    assert [(move["kind"], move["amount"], move["fee"]) for move in mine] == [("deposit", "100.000000", "0.100000")]
