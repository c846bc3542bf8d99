"""Orders, as a third party gives them: the part of `cleartide.client` that places, changes and cancels."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple, TypedDict, Unpack

from cleartide.contracts import (
    AmendOrder,
    AuctionTerms,
    BracketLeg,
    CancelAllOrders,
    CancelOrder,
    Instruction,
    Message,
    PlaceOrder,
    RequestLiquidation,
    SubmitOrders,
)
from cleartide.contracts.codec import MAX_PUBLIC_PAYLOAD_BYTES, encode
from cleartide.contracts.types import OrderType, SelfTradePrevention, Side, TimeInForce, TriggerSource


class Receipt(NamedTuple):
    """The bus has stored a command. duplicate: it had stored the same id before; that one counts."""

    message_id: str
    stream_seq: int
    duplicate: bool


class OrderOptions(TypedDict, total=False):
    """What an order may have besides side and size; docs/orders.md says what goes with what.

    expires_at: microseconds since the Unix epoch, for `time_in_force="gtt"`. Prices and sizes are decimal text.
    """

    price: str | None
    order_type: OrderType
    time_in_force: TimeInForce
    post_only: bool
    reduce_only: bool
    expires_at: int | None
    self_trade_prevention: SelfTradePrevention
    display_size: str | None
    trigger_price: str | None
    trigger_source: TriggerSource
    trail_amount: str | None
    trail_rate_ppb: int | None
    oco_group: str | None
    take_profit: BracketLeg | None
    stop_loss: BracketLeg | None
    auction: AuctionTerms | None


class OrderCommands(ABC):
    """Each answer is an event (by the command's id as `causation_id`); a receipt says that it is in the sequence.

    actor: who acts for the account, its owner by default; a delegate names himself.
    """

    _source: str

    async def place_order(
        self,
        *,
        account: str,
        market: str,
        side: Side,
        size: str,
        client_order_id: str = "",
        actor: str | None = None,
        **options: Unpack[OrderOptions],
    ) -> Receipt:
        """Place an order: a limit order unless `order_type` says otherwise. One client order id is placed once."""
        order_id = client_order_id or uuid.uuid4().hex
        body: OrderOptions = {"order_type": "limit", **options}
        envelope = self._envelope(f"{self._source}-order-{account}-{order_id}")
        order = PlaceOrder(
            **envelope,
            account=account,
            market=market,
            client_order_id=order_id,
            side=side,
            size=size,
            actor=actor,
            **body,
        )
        return await self._publish(order)

    async def amend_order(
        self,
        *,
        account: str,
        market: str,
        client_order_id: str,
        price: str | None = None,
        size: str | None = None,
        trigger_price: str | None = None,
        trail_amount: str | None = None,
        trail_rate_ppb: int | None = None,
        expires_at: int | None = None,
        display_size: str | None = None,
        actor: str | None = None,
        request_id: str = "",
    ) -> Receipt:
        """Change an open order; `size` is its total. The same `request_id` is applied once."""
        envelope = self._envelope(f"{self._source}-amend-{request_id or uuid.uuid4().hex}")
        return await self._publish(
            AmendOrder(
                **envelope,
                account=account,
                market=market,
                client_order_id=client_order_id,
                price=price,
                size=size,
                trigger_price=trigger_price,
                trail_amount=trail_amount,
                trail_rate_ppb=trail_rate_ppb,
                expires_at=expires_at,
                display_size=display_size,
                actor=actor,
            )
        )

    async def cancel_order(
        self, *, account: str, market: str, client_order_id: str, actor: str | None = None
    ) -> Receipt:
        """Cancel one open order."""
        envelope = self._envelope(f"{self._source}-cancel-{account}-{client_order_id}")
        return await self._publish(
            CancelOrder(**envelope, account=account, market=market, client_order_id=client_order_id, actor=actor)
        )

    async def cancel_all(
        self, *, account: str, market: str | None = None, actor: str | None = None, request_id: str = ""
    ) -> Receipt:
        """Cancel every open order of an account, or those in one market."""
        envelope = self._envelope(f"{self._source}-cancel-all-{request_id or uuid.uuid4().hex}")
        return await self._publish(CancelAllOrders(**envelope, account=account, market=market, actor=actor))

    async def request_liquidation(self, *, keeper: str, account: str, market: str, request_id: str = "") -> Receipt:
        """Ask for somebody who is below maintenance to be liquidated; the keeper is paid a share of the fee.

        Matching answers on its event stream: `KeeperRewarded`, or `LiquidationRejected` with the reason.
        """
        envelope = self._envelope(f"{self._source}-keeper-{request_id or uuid.uuid4().hex}")
        return await self._publish(RequestLiquidation(**envelope, keeper=keeper, account=account, market=market))

    async def submit_orders(
        self,
        *,
        account: str,
        market: str,
        instructions: Sequence[Instruction],
        actor: str | None = None,
        request_id: str = "",
    ) -> Receipt:
        """Up to 100 instructions in one message, applied in order. ValueError when they do not fit into one."""
        envelope = self._envelope(f"{self._source}-batch-{request_id or uuid.uuid4().hex}")
        batch = SubmitOrders(**envelope, account=account, market=market, instructions=tuple(instructions), actor=actor)
        if len(encode(batch)) > MAX_PUBLIC_PAYLOAD_BYTES:
            raise ValueError(f"the batch is larger than {MAX_PUBLIC_PAYLOAD_BYTES} bytes: send it in parts")
        return await self._publish(batch)

    async def orders(
        self,
        account: str,
        *,
        state: str = "all",
        market: str | None = None,
        client_order_id: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[dict[str, Any]]:
        """An account's orders, newest first: all, open, closed, or of one state; `before` is an order id."""
        asked = {"state": state, "market": market, "client_order_id": client_order_id, "before": before}
        given = {name: value for name, value in asked.items() if value is not None}
        answer = await self._ask("matching", "orders", account=account, limit=limit, **given)
        found: list[dict[str, Any]] = answer["orders"]
        return found

    async def conditional_orders(self, account: str, *, market: str | None = None) -> list[dict[str, Any]]:
        """What an account has armed, with what each order waits for and the best price that a trailing one has seen."""
        answer = await self._ask("matching", "conditional_orders", account=account, market=market)
        found: list[dict[str, Any]] = answer["orders"]
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
