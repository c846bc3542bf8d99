"""Accounts, as a third party keeps them: the part of `cleartide.client` about sub-accounts, delegates and leverage."""

import uuid
from abc import ABC, abstractmethod
from typing import Any, get_args

from cleartide.client_orders import Receipt
from cleartide.contracts import GrantDelegate, Message, OpenSubaccount, RevokeDelegate, SetLeverage
from cleartide.contracts.accounts import Right


class AccountCommands(ABC):
    """Each answer is an event; the same `request_id` is applied once. actor: who asks, the owner by default."""

    _source: str

    async def open_subaccount(
        self,
        *,
        account: str,
        name: str,
        isolated_market: str | None = None,
        actor: str | None = None,
        request_id: str = "",
    ) -> Receipt:
        """Open `<account>--<name>`; with `isolated_market` it trades that market and margins it alone."""
        mode = "cross" if isolated_market is None else "isolated"
        body = {"name": name, "margin_mode": mode, "market": isolated_market}
        return await self._request(OpenSubaccount, account, actor, request_id, body)

    async def grant_delegate(
        self, *, account: str, delegate: str, rights: frozenset[Right], actor: str | None = None, request_id: str = ""
    ) -> Receipt:
        """Let another act for an account: these rights and no others, whatever was granted before."""
        body = {"delegate": delegate, **{right: right in rights for right in get_args(Right)}}
        return await self._request(GrantDelegate, account, actor, request_id, body)

    async def revoke_delegate(
        self, *, account: str, delegate: str, actor: str | None = None, request_id: str = ""
    ) -> Receipt:
        """Take every right back."""
        return await self._request(RevokeDelegate, account, actor, request_id, {"delegate": delegate})

    async def set_leverage(
        self, *, account: str, market: str, leverage: int | None, actor: str | None = None, request_id: str = ""
    ) -> Receipt:
        """Choose how many times its initial margin a position may be worth; None takes the choice back."""
        body = {"market": market, "leverage": leverage}
        return await self._request(SetLeverage, account, actor, request_id, body)

    async def family(self, account: str) -> dict[str, Any]:
        """The account's sub-accounts, and who may act for each."""
        found: dict[str, Any] = await self._ask("matching", "family", account=account)
        return found

    async def _request(
        self, contract: type[Message], account: str, actor: str | None, request_id: str, body: dict[str, Any]
    ) -> Receipt:
        envelope = self._envelope(f"{self._source}-{contract.__name__}-{request_id or uuid.uuid4().hex}")
        return await self._publish(contract.model_validate({**envelope, "account": account, "actor": actor, **body}))

    @abstractmethod
    async def _ask(self, service: str, query: str, **params: Any) -> Any:
        """A service's answer to a question."""

    @abstractmethod
    def _envelope(self, message_id: str) -> dict[str, Any]:
        """What every message of this publisher carries."""

    @abstractmethod
    async def _publish(self, message: Message) -> Receipt:
        """Send until the bus has it."""
