"""An account's orders, its quotes and swaps, and what it asks for as keeper.

Written by `make client` from the API's document: do not edit.
"""

from collections.abc import Sequence
from typing import Literal, NotRequired, TypedDict

from cleartide.answers.shapes import CommitmentList, OrderOutcome, OrderPage, OrderView, TransferOutcome
from cleartide.rest.transport import Transport, given, part


class Leg(TypedDict):
    """A reduce-only order that is armed when its parent fills; without `limit_price` it is a market order."""

    trigger_price: str
    trigger_source: NotRequired[Literal["mark", "last", "index"]]
    limit_price: NotRequired[str | None]


class Auction(TypedDict):
    """How an immediate order is auctioned among makers first."""

    start: NotRequired[str | None]
    end: NotRequired[str | None]
    offsets: NotRequired[bool]
    slots: NotRequired[int]


class Place(TypedDict):
    """Place an order, in a batch."""

    side: Literal["buy", "sell"]
    size: str
    order_type: NotRequired[
        Literal[
            "limit", "market", "stop_market", "stop_limit", "take_profit_market", "take_profit_limit", "trailing_stop"
        ]
    ]
    price: NotRequired[str | None]
    time_in_force: NotRequired[Literal["gtc", "gtt", "ioc", "fok"]]
    post_only: NotRequired[bool]
    reduce_only: NotRequired[bool]
    expires_at: NotRequired[int | None]
    self_trade_prevention: NotRequired[Literal["expire_maker", "expire_taker", "expire_both", "decrement"]]
    display_size: NotRequired[str | None]
    trigger_price: NotRequired[str | None]
    trigger_source: NotRequired[Literal["mark", "last", "index"]]
    trail_amount: NotRequired[str | None]
    trail_rate_ppb: NotRequired[int | None]
    oco_group: NotRequired[str | None]
    take_profit: NotRequired[Leg | None]
    stop_loss: NotRequired[Leg | None]
    auction: NotRequired[Auction | None]
    action: Literal["place"]
    client_order_id: str


class Cancel(TypedDict):
    """Cancel an order, in a batch."""

    action: Literal["cancel"]
    client_order_id: str


class AmendOne(TypedDict):
    """Change an order, in a batch."""

    action: Literal["amend"]
    client_order_id: str
    price: NotRequired[str | None]
    size: NotRequired[str | None]
    trigger_price: NotRequired[str | None]
    trail_amount: NotRequired[str | None]
    trail_rate_ppb: NotRequired[int | None]
    expires_at: NotRequired[int | None]
    display_size: NotRequired[str | None]


class Sealed(TypedDict):
    """The terms that the digest was made of, each text as it was there."""

    side: Literal["buy", "sell"]
    size: str
    order_type: NotRequired[
        Literal[
            "limit", "market", "stop_market", "stop_limit", "take_profit_market", "take_profit_limit", "trailing_stop"
        ]
    ]
    price: NotRequired[str | None]
    time_in_force: NotRequired[Literal["gtc", "gtt", "ioc", "fok"]]
    post_only: NotRequired[bool]
    reduce_only: NotRequired[bool]
    expires_at: NotRequired[int | None]
    self_trade_prevention: NotRequired[Literal["expire_maker", "expire_taker", "expire_both", "decrement"]]
    display_size: NotRequired[str | None]
    trigger_price: NotRequired[str | None]
    trigger_source: NotRequired[Literal["mark", "last", "index"]]
    trail_amount: NotRequired[str | None]
    trail_rate_ppb: NotRequired[int | None]
    oco_group: NotRequired[str | None]
    take_profit: NotRequired[Leg | None]
    stop_loss: NotRequired[Leg | None]
    auction: NotRequired[Auction | None]
    client_order_id: str


class OrderOperations:
    """An account's orders, its quotes and swaps, and what it asks for as keeper."""

    _transport: Transport

    async def account_orders(
        self,
        account: str,
        *,
        state: Literal[
            "all",
            "open",
            "closed",
            "armed",
            "triggered",
            "partially_filled",
            "filled",
            "canceled",
            "expired",
            "rejected",
        ]
        | None = None,
        market: str | None = None,
        client_order_id: str | None = None,
        before: int | None = None,
        limit: int | None = None,
        after: int | None = None,
    ) -> OrderPage:
        """An account's orders, open and closed, newest first."""
        told: OrderPage = await self._transport.ask(
            "GET",
            f"/api/v1/accounts/{part(account)}/orders",
            {"state": state, "market": market, "client_order_id": client_order_id, "before": before, "limit": limit},
            after=after,
        )
        return told

    async def place_order(
        self,
        account: str,
        *,
        side: Literal["buy", "sell"],
        size: str,
        market: str,
        order_type: Literal[
            "limit", "market", "stop_market", "stop_limit", "take_profit_market", "take_profit_limit", "trailing_stop"
        ]
        | None = None,
        price: str | None = None,
        time_in_force: Literal["gtc", "gtt", "ioc", "fok"] | None = None,
        post_only: bool | None = None,
        reduce_only: bool | None = None,
        expires_at: int | None = None,
        self_trade_prevention: Literal["expire_maker", "expire_taker", "expire_both", "decrement"] | None = None,
        display_size: str | None = None,
        trigger_price: str | None = None,
        trigger_source: Literal["mark", "last", "index"] | None = None,
        trail_amount: str | None = None,
        trail_rate_ppb: int | None = None,
        oco_group: str | None = None,
        take_profit: Leg | None = None,
        stop_loss: Leg | None = None,
        auction: Auction | None = None,
        client_order_id: str | None = None,
        once: str | None = None,
    ) -> OrderOutcome:
        """Place an order."""
        told: OrderOutcome = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/orders",
            body={
                "side": side,
                "size": size,
                "market": market,
                **given(
                    {
                        "order_type": order_type,
                        "price": price,
                        "time_in_force": time_in_force,
                        "post_only": post_only,
                        "reduce_only": reduce_only,
                        "expires_at": expires_at,
                        "self_trade_prevention": self_trade_prevention,
                        "display_size": display_size,
                        "trigger_price": trigger_price,
                        "trigger_source": trigger_source,
                        "trail_amount": trail_amount,
                        "trail_rate_ppb": trail_rate_ppb,
                        "oco_group": oco_group,
                        "take_profit": take_profit,
                        "stop_loss": stop_loss,
                        "auction": auction,
                        "client_order_id": client_order_id,
                    }
                ),
            },
            once=once,
        )
        return told

    async def cancel_all_orders(
        self, account: str, *, market: str | None = None, once: str | None = None
    ) -> OrderOutcome:
        """Cancel every open order, or those of one market."""
        told: OrderOutcome = await self._transport.ask(
            "DELETE", f"/api/v1/accounts/{part(account)}/orders", {"market": market}, once=once
        )
        return told

    async def submit_orders(
        self, account: str, *, market: str, instructions: Sequence[Place | Cancel | AmendOne], once: str | None = None
    ) -> OrderOutcome:
        """Up to 100 instructions, in order."""
        told: OrderOutcome = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/orders/batch",
            body={"market": market, "instructions": instructions},
            once=once,
        )
        return told

    async def amend_order(
        self,
        account: str,
        client_order_id: str,
        *,
        market: str,
        price: str | None = None,
        size: str | None = None,
        trigger_price: str | None = None,
        trail_amount: str | None = None,
        trail_rate_ppb: int | None = None,
        expires_at: int | None = None,
        display_size: str | None = None,
        once: str | None = None,
    ) -> OrderOutcome:
        """Change an open order."""
        told: OrderOutcome = await self._transport.ask(
            "PATCH",
            f"/api/v1/accounts/{part(account)}/orders/{part(client_order_id)}",
            body={
                "market": market,
                **given(
                    {
                        "price": price,
                        "size": size,
                        "trigger_price": trigger_price,
                        "trail_amount": trail_amount,
                        "trail_rate_ppb": trail_rate_ppb,
                        "expires_at": expires_at,
                        "display_size": display_size,
                    }
                ),
            },
            once=once,
        )
        return told

    async def cancel_order(
        self, account: str, client_order_id: str, *, market: str, once: str | None = None
    ) -> OrderOutcome:
        """Cancel an open order."""
        told: OrderOutcome = await self._transport.ask(
            "DELETE", f"/api/v1/accounts/{part(account)}/orders/{part(client_order_id)}", {"market": market}, once=once
        )
        return told

    async def order(
        self, account: str, client_order_id: str, *, market: str | None = None, after: int | None = None
    ) -> OrderView:
        """One order, by the client's own id."""
        told: OrderView = await self._transport.ask(
            "GET", f"/api/v1/accounts/{part(account)}/orders/{part(client_order_id)}", {"market": market}, after=after
        )
        return told

    async def set_leverage(
        self, account: str, market: str, *, leverage: int | None, once: str | None = None
    ) -> OrderOutcome:
        """Choose a position's leverage."""
        told: OrderOutcome = await self._transport.ask(
            "PUT", f"/api/v1/accounts/{part(account)}/leverage/{part(market)}", body={"leverage": leverage}, once=once
        )
        return told

    async def account_commitments(self, account: str, *, after: int | None = None) -> CommitmentList:
        """Sealed orders in rounds that are not over, with their times."""
        told: CommitmentList = await self._transport.ask(
            "GET", f"/api/v1/accounts/{part(account)}/commitments", after=after
        )
        return told

    async def commit_order(self, account: str, *, market: str, digest: str, once: str | None = None) -> TransferOutcome:
        """Commit to an order that nobody can read yet, and lock its bond."""
        told: TransferOutcome = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/commitments",
            body={"market": market, "digest": digest},
            once=once,
        )
        return told

    async def reveal_order(
        self, account: str, commitment: int, *, market: str, salt: str, order: Sealed, once: str | None = None
    ) -> TransferOutcome:
        """Open a sealed order, once its round has closed."""
        told: TransferOutcome = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/commitments/{part(commitment)}/reveal",
            body={"market": market, "salt": salt, "order": order},
            once=once,
        )
        return told

    async def quote_auction(
        self, account: str, auction: int, *, market: str, price: str, size: str, once: str | None = None
    ) -> TransferOutcome:
        """Offer a price in a running auction; only a better one replaces it."""
        told: TransferOutcome = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/auctions/{part(auction)}/quotes",
            body={"market": market, "price": price, "size": size},
            once=once,
        )
        return told

    async def swap_collateral(
        self,
        account: str,
        *,
        sell_asset: str,
        sell_amount: str,
        buy_asset: str,
        least_amount: str | None = None,
        once: str | None = None,
    ) -> TransferOutcome:
        """Exchange one asset for another with the venue, at index prices less a fee."""
        told: TransferOutcome = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/swaps",
            body={
                "sell_asset": sell_asset,
                "sell_amount": sell_amount,
                "buy_asset": buy_asset,
                **given({"least_amount": least_amount}),
            },
            once=once,
        )
        return told

    async def request_liquidation(
        self, account: str, *, target: str, market: str, once: str | None = None
    ) -> TransferOutcome:
        """Ask for somebody's account to be liquidated; a keeper is told of it what he earned."""
        told: TransferOutcome = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/liquidations",
            body={"target": target, "market": market},
            once=once,
        )
        return told
