"""An exchange with a vault: mia manages it, ann and bob pay in, and tom takes the other side of its trades."""

from typing import Any, Final

from cleartide.contracts import (
    AccountRequestRejected,
)
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

from services.matching.domain.vaults.record import OwnVault
from services.matching.domain.vaults.value import equity_of
from services.matching.tests.support import Events, Exchange, of

VAULT: Final = "calm"
STRATEGY: Final = "vault--calm"
PEOPLE: Final = ("ann", "bob", "mia", "tom")


class FundHouse(Exchange):
    """A market without fees at 1,000, and everybody with 100,000."""

    def __init__(self, **terms: Any) -> None:
        super().__init__(taker_fee_ppb=0, maker_fee_ppb=0)
        for name in PEOPLE:
            self.deposit(name, "100000")
        self.ask(CreateVault, "mia", terms=VaultTerms(**terms))

    @property
    def vault(self) -> OwnVault:
        return self.state.vaults.by_name[VAULT]

    def ask(self, contract: Any, account: str, **body: Any) -> Events:
        return self.send(contract, account=account, vault=body.pop("vault", VAULT), **body)

    def pay(self, account: str, amount: str, **body: Any) -> Events:
        return self.ask(DepositToVault, account, amount=amount, **body)

    def leave(self, account: str, shares: int | None = None, **body: Any) -> Events:
        return self.ask(WithdrawFromVault, account, shares=self.shares(account) if shares is None else shares, **body)

    def stay(self, account: str, exit_id: int) -> Events:
        return self.ask(CancelVaultExit, account, exit_id=exit_id)

    def work(self, amount: str, account: str = "mia") -> Events:
        return self.ask(RebalanceVault, account, amount=amount)

    def harvest(self, account: str = "mia") -> Events:
        return self.ask(HarvestVault, account)

    def compound(self, account: str = "mia") -> Events:
        return self.ask(CompoundVault, account)

    def terms(self, account: str = "mia", **terms: Any) -> Events:
        return self.ask(SetVaultTerms, account, terms=VaultTerms(**terms))

    def stop(self, state: str, account: str = "mia") -> Events:
        return self.ask(SetVaultState, account, state=state)

    def halt(self, halted: bool) -> Events:
        return self.send(HaltVault, source="operator", vault=VAULT, halted=halted)

    def long(self, size: str, price: str = "1000") -> None:
        """The strategy buys from tom; below zero it sells to him."""
        sides = ("sell", "buy") if not size.startswith("-") else ("buy", "sell")
        self.place("tom", sides[0], size.lstrip("-"), price)
        self.place(STRATEGY, sides[1], size.lstrip("-"), price, actor="mia")

    def flatten(self, price: str) -> None:
        """The strategy closes its position with tom."""
        lots = self.lots(STRATEGY)
        self.long(f"{'-' if lots > 0 else ''}{abs(lots) / 1_000}", price)

    def shares(self, account: str) -> int:
        return self.vault.book.holders.get(account, 0)

    def worth(self, account: str) -> int:
        """Of the account's shares by the vault's last valuation, in quanta."""
        return self.vault.book.value_of(self.shares(account))

    def in_balance(self) -> bool:
        """Whether assets and fees owed are all there is, as of the last valuation."""
        return self.vault.book.assets + self.vault.book.fees == equity_of(self.vault)


def reason(events: Events) -> str:
    """Why it was refused, if that is all that happened."""
    (said,) = events
    assert isinstance(said, AccountRequestRejected)
    return said.reason


def kinds(events: Events) -> list[str]:
    """The types of events, in order."""
    return [event.type for event in events]


__all__ = ["PEOPLE", "STRATEGY", "VAULT", "FundHouse", "kinds", "of", "reason"]
