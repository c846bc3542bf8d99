"""Money, as a third party moves it: the part of `cleartide.client` about deposits, withdrawals, margin and fees."""

import uuid
from abc import ABC, abstractmethod
from typing import Any

from cleartide.client_orders import Receipt
from cleartide.contracts import (
    CancelWithdrawal,
    ClaimReferralRewards,
    Deposit,
    Message,
    RequestWithdrawal,
    SetReferrer,
    SwapCollateral,
    TransferFunds,
    Withdraw,
)


class MoneyCommands(ABC):
    """Amounts are decimal text. The same `transfer_id` is applied once; each answer is an event."""

    _source: str

    async def deposit(self, *, account: str, amount: str, transfer_id: str = "") -> Receipt:
        """Credit an account with USDC that is confirmed already."""
        envelope = self._named("deposit", transfer_id)
        return await self._publish(Deposit(**envelope, account=account, asset="USDC", amount=amount))

    async def withdraw(self, *, account: str, amount: str, transfer_id: str = "") -> Receipt:
        """Debit an account at once."""
        envelope = self._named("withdraw", transfer_id)
        return await self._publish(Withdraw(**envelope, account=account, asset="USDC", amount=amount))

    async def request_withdrawal(
        self, *, account: str, amount: str, destination: str, asset: str = "USDC", transfer_id: str = ""
    ) -> Receipt:
        """Lock an amount until custody has sent it; it comes back when custody does not begin within an hour."""
        envelope = self._named("payout", transfer_id)
        return await self._publish(
            RequestWithdrawal(**envelope, account=account, asset=asset, amount=amount, destination=destination)
        )

    async def cancel_withdrawal(self, *, account: str, withdrawal_id: int) -> Receipt:
        """Take back a withdrawal that custody has not begun."""
        envelope = self._named("payout-cancel", str(withdrawal_id))
        return await self._publish(CancelWithdrawal(**envelope, account=account, withdrawal_id=withdrawal_id))

    async def transfer(
        self, *, account: str, to_account: str, amount: str, asset: str = "USDC", transfer_id: str = ""
    ) -> Receipt:
        """Move an amount between two accounts of a family."""
        envelope = self._named("transfer", transfer_id)
        return await self._publish(
            TransferFunds(**envelope, account=account, to_account=to_account, asset=asset, amount=amount)
        )

    async def swap(
        self,
        *,
        account: str,
        sell_asset: str,
        sell_amount: str,
        buy_asset: str,
        least_amount: str | None = None,
        transfer_id: str = "",
    ) -> Receipt:
        """Exchange one asset for another at index prices less the fee; refused when it brings less than the least."""
        wish = SwapCollateral(
            **self._named("swap", transfer_id),
            account=account,
            sell_asset=sell_asset,
            sell_amount=sell_amount,
            buy_asset=buy_asset,
            least_amount=least_amount,
        )
        return await self._publish(wish)

    async def set_referrer(self, *, account: str, referrer: str) -> Receipt:
        """Say who brought this account; once, for good."""
        envelope = self._named("referrer", f"{account}-{uuid.uuid4().hex}")
        return await self._publish(SetReferrer(**envelope, account=account, referrer=referrer))

    async def claim_rewards(self, *, account: str, transfer_id: str = "") -> Receipt:
        """Move what others' fees have brought into cash."""
        return await self._publish(ClaimReferralRewards(**self._named("claim", transfer_id), account=account))

    async def margin(self, account: str) -> dict[str, Any]:
        """Equity, requirements, what may leave by asset, and where each position would be liquidated."""
        return await self._told("margin", account=account)

    async def fees(self, account: str) -> dict[str, Any]:
        """What trading costs the account by market, and its referrals."""
        return await self._told("fees", account=account)

    async def transfers(
        self, account: str, *, asset: str | None = None, before: int | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """What came, went and moved without a trade, newest first; `before` is a transfer id."""
        given = {name: value for name, value in (("asset", asset), ("before", before)) if value is not None}
        found: list[dict[str, Any]] = (await self._told("transfers", account=account, limit=limit, **given))[
            "transfers"
        ]
        return found

    async def open_transfers(self, account: str) -> dict[str, Any]:
        """Deposits that wait for confirmations and withdrawals that have not left."""
        return await self._told("open_transfers", account=account)

    def _named(self, kind: str, given: str) -> dict[str, Any]:
        return self._envelope(f"{self._source}-{kind}-{given or uuid.uuid4().hex}")

    async def _told(self, query: str, **params: Any) -> dict[str, Any]:
        found: dict[str, Any] = await self._ask("matching", query, **params)
        return found

    @abstractmethod
    async def _ask(self, service: str, query: str, **params: Any) -> Any:
        """A service's answer to a question."""

    @abstractmethod
    def _envelope(self, message_id: str) -> dict[str, Any]:
        """What every message of this publisher carries."""

    @abstractmethod
    async def _publish(self, message: Message) -> Receipt:
        """Send until the bus has it."""
