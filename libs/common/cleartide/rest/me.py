"""Who asks: profile, wallets, keys, webhooks, notifications.

Written by `make client` from the API's document: do not edit.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired, TypedDict

from cleartide.answers.identity import (
    EndedSession,
    EndedSessions,
    Family,
    KeyList,
    LogPage,
    NewKey,
    Nonce,
    PersonView,
    Referrals,
    RotatedKey,
    SessionList,
    UnlinkedWallet,
    WalletConnections,
    WalletList,
    WalletView,
)
from cleartide.answers.notices import (
    DeliveryPage,
    Inbox,
    NewWebhook,
    NotificationProfile,
    PingView,
    PriceAlert,
    PriceAlertList,
    ReadCount,
    Replayed,
    RotatedSecret,
    WebhookList,
    WebhookView,
)
from cleartide.answers.operations import RequestPage, UsageView
from cleartide.answers.parts import Named
from cleartide.answers.shapes import TransferOutcome
from cleartide.rest.transport import Transport, given, part


class Choice(TypedDict):
    """The ways for a type, from a priority on."""

    channels: Sequence[Literal["in_app", "email", "push", "chat"]]
    least: NotRequired[Literal["low", "normal", "high", "urgent"]]


class Quiet(TypedDict):
    """Hours in which nothing that is not urgent leaves the application."""

    begin: str
    end: str
    time_zone: NotRequired[str]


class MyOperations:
    """Who asks: profile, wallets, keys, webhooks, notifications."""

    _transport: Transport

    async def me(self) -> PersonView:
        """Who I am: profile, tier, KYC and risk state, referral code."""
        told: PersonView = await self._transport.ask("GET", "/api/v1/me")
        return told

    async def change_profile(
        self,
        *,
        display_name: str | None = None,
        username: str | None = None,
        email: str | None = None,
        preferences: Mapping[str, bool | int | str] | None = None,
        once: str | None = None,
    ) -> PersonView:
        """Change what is mine to change."""
        told: PersonView = await self._transport.ask(
            "PATCH",
            "/api/v1/me",
            body={
                **given(
                    {"display_name": display_name, "username": username, "email": email, "preferences": preferences}
                )
            },
            once=once,
        )
        return told

    async def my_sessions(self) -> SessionList:
        """Where I am, and was, signed in."""
        told: SessionList = await self._transport.ask("GET", "/api/v1/me/sessions")
        return told

    async def end_all_sessions(self, *, once: str | None = None) -> EndedSessions:
        """End every session, this one too."""
        told: EndedSessions = await self._transport.ask("DELETE", "/api/v1/me/sessions", once=once)
        return told

    async def end_session(self, session: str, *, once: str | None = None) -> EndedSession:
        """End one session."""
        told: EndedSession = await self._transport.ask("DELETE", f"/api/v1/me/sessions/{part(session)}", once=once)
        return told

    async def my_referrals(self) -> Referrals:
        """My referral code, and how many came by it."""
        told: Referrals = await self._transport.ask("GET", "/api/v1/me/referrals")
        return told

    async def my_log(self, *, before: int | None = None, limit: int | None = None) -> LogPage:
        """What happened to my access, newest first."""
        told: LogPage = await self._transport.ask("GET", "/api/v1/me/log", {"before": before, "limit": limit})
        return told

    async def my_wallets(self) -> WalletList:
        """My wallets."""
        told: WalletList = await self._transport.ask("GET", "/api/v1/me/wallets")
        return told

    async def link_wallet(
        self, *, message: str, signature: str, label: str | None = None, once: str | None = None
    ) -> WalletView:
        """Link a wallet whose key has signed."""
        told: WalletView = await self._transport.ask(
            "POST",
            "/api/v1/me/wallets",
            body={"message": message, "signature": signature, **given({"label": label})},
            once=once,
        )
        return told

    async def wallet_nonce(
        self,
        *,
        chain: Literal["ethereum", "arbitrum", "base", "celo", "optimism", "polygon", "solana", "bitcoin"],
        address: str | None = None,
        once: str | None = None,
    ) -> Nonce:
        """A nonce for linking a wallet, and the statement to sign."""
        told: Nonce = await self._transport.ask(
            "POST", "/api/v1/me/wallets/nonce", body={"chain": chain, **given({"address": address})}, once=once
        )
        return told

    async def unlink_wallet(
        self,
        chain: Literal["ethereum", "arbitrum", "base", "celo", "optimism", "polygon", "solana", "bitcoin"],
        address: str,
        *,
        once: str | None = None,
    ) -> UnlinkedWallet:
        """Unlink a wallet; the last one by which I can sign in stays."""
        told: UnlinkedWallet = await self._transport.ask(
            "DELETE", f"/api/v1/me/wallets/{part(chain)}/{part(address)}", once=once
        )
        return told

    async def my_wallets_connections(self, *, before: int | None = None, limit: int | None = None) -> WalletConnections:
        """When and where my wallets were connected, newest first."""
        told: WalletConnections = await self._transport.ask(
            "GET", "/api/v1/me/wallets/connections", {"before": before, "limit": limit}
        )
        return told

    async def my_keys(self) -> KeyList:
        """My keys, without their secrets."""
        told: KeyList = await self._transport.ask("GET", "/api/v1/me/keys")
        return told

    async def create_key(
        self,
        *,
        name: str,
        scopes: Sequence[
            Literal["account:read", "orders:write", "transfers:write", "account:write", "identity:write", "venue:read"]
        ],
        accounts: Sequence[str] | None = None,
        addresses: Sequence[str] | None = None,
        domains: Sequence[str] | None = None,
        per_minute: int | None = None,
        per_hour: int | None = None,
        per_day: int | None = None,
        expires_at: int | None = None,
        signs: bool | None = None,
        once: str | None = None,
    ) -> NewKey:
        """A new key; its secrets are shown this once."""
        told: NewKey = await self._transport.ask(
            "POST",
            "/api/v1/me/keys",
            body={
                "name": name,
                "scopes": scopes,
                **given(
                    {
                        "accounts": accounts,
                        "addresses": addresses,
                        "domains": domains,
                        "per_minute": per_minute,
                        "per_hour": per_hour,
                        "per_day": per_day,
                        "expires_at": expires_at,
                        "signs": signs,
                    }
                ),
            },
            once=once,
        )
        return told

    async def rotate_key(self, key: str, *, once: str | None = None) -> RotatedKey:
        """A new key like this one, which works for another day."""
        told: RotatedKey = await self._transport.ask("POST", f"/api/v1/me/keys/{part(key)}/rotate", once=once)
        return told

    async def revoke_key(self, key: str, *, once: str | None = None) -> Named:
        """Revoke a key, from now on."""
        told: Named = await self._transport.ask("DELETE", f"/api/v1/me/keys/{part(key)}", once=once)
        return told

    async def my_accounts(self) -> Family:
        """My account, its sub-accounts, and who may act for each."""
        told: Family = await self._transport.ask("GET", "/api/v1/me/accounts")
        return told

    async def open_subaccount(
        self,
        *,
        name: str,
        margin_mode: Literal["cross", "isolated"] | None = None,
        market: str | None = None,
        once: str | None = None,
    ) -> TransferOutcome:
        """Open a sub-account `<account>--<name>`."""
        told: TransferOutcome = await self._transport.ask(
            "POST",
            "/api/v1/me/accounts",
            body={"name": name, **given({"margin_mode": margin_mode, "market": market})},
            once=once,
        )
        return told

    async def my_webhooks(self) -> WebhookList:
        """My webhook endpoints, without their secrets."""
        told: WebhookList = await self._transport.ask("GET", "/api/v1/me/webhooks")
        return told

    async def create_webhook(
        self, *, url: str, kinds: Sequence[str], description: str | None = None, once: str | None = None
    ) -> NewWebhook:
        """A new endpoint; its signing secret is shown this once."""
        told: NewWebhook = await self._transport.ask(
            "POST",
            "/api/v1/me/webhooks",
            body={"url": url, "kinds": kinds, **given({"description": description})},
            once=once,
        )
        return told

    async def my_webhook(self, endpoint: str) -> WebhookView:
        """One endpoint: its state, and how it has done lately."""
        told: WebhookView = await self._transport.ask("GET", f"/api/v1/me/webhooks/{part(endpoint)}")
        return told

    async def change_webhook(
        self,
        endpoint: str,
        *,
        url: str | None = None,
        kinds: Sequence[str] | None = None,
        description: str | None = None,
        state: Literal["active", "disabled"] | None = None,
        once: str | None = None,
    ) -> WebhookView:
        """Change an endpoint, or switch it on or off."""
        told: WebhookView = await self._transport.ask(
            "PATCH",
            f"/api/v1/me/webhooks/{part(endpoint)}",
            body={**given({"url": url, "kinds": kinds, "description": description, "state": state})},
            once=once,
        )
        return told

    async def remove_webhook(self, endpoint: str, *, once: str | None = None) -> Named:
        """Remove an endpoint with its history."""
        told: Named = await self._transport.ask("DELETE", f"/api/v1/me/webhooks/{part(endpoint)}", once=once)
        return told

    async def rotate_webhook_secret(self, endpoint: str, *, once: str | None = None) -> RotatedSecret:
        """A new signing secret; for a day both sign."""
        told: RotatedSecret = await self._transport.ask(
            "POST", f"/api/v1/me/webhooks/{part(endpoint)}/rotate", once=once
        )
        return told

    async def ping_webhook(self, endpoint: str, *, once: str | None = None) -> PingView:
        """Send a test event."""
        told: PingView = await self._transport.ask("POST", f"/api/v1/me/webhooks/{part(endpoint)}/ping", once=once)
        return told

    async def my_webhooks_deliveries(
        self,
        endpoint: str,
        *,
        state: Literal["pending", "delivered", "failed"] | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> DeliveryPage:
        """What was sent and what came of it, newest first."""
        told: DeliveryPage = await self._transport.ask(
            "GET",
            f"/api/v1/me/webhooks/{part(endpoint)}/deliveries",
            {"state": state, "before": before, "limit": limit},
        )
        return told

    async def replay_webhook(
        self,
        endpoint: str,
        *,
        delivery: int | None = None,
        state: Literal["failed", "delivered"] | None = None,
        once: str | None = None,
    ) -> Replayed:
        """Send again, under the same event ids."""
        told: Replayed = await self._transport.ask(
            "POST",
            f"/api/v1/me/webhooks/{part(endpoint)}/replay",
            body={**given({"delivery": delivery, "state": state})},
            once=once,
        )
        return told

    async def my_notifications(
        self, *, unread: bool | None = None, before: int | None = None, limit: int | None = None
    ) -> Inbox:
        """My inbox, newest first."""
        told: Inbox = await self._transport.ask(
            "GET", "/api/v1/me/notifications", {"unread": unread, "before": before, "limit": limit}
        )
        return told

    async def read_notifications(self, *, ids: Sequence[str] | None = None, once: str | None = None) -> ReadCount:
        """Mark some, or all, as read."""
        told: ReadCount = await self._transport.ask(
            "POST", "/api/v1/me/notifications/read", body={**given({"ids": ids})}, once=once
        )
        return told

    async def my_notifications_profile(self) -> NotificationProfile:
        """What I want to be told, how, and when not."""
        told: NotificationProfile = await self._transport.ask("GET", "/api/v1/me/notifications/profile")
        return told

    async def set_notification_profile(
        self,
        *,
        addresses: Mapping[str, str] | None = None,
        choices: Mapping[str, Choice] | None = None,
        quiet_hours: Quiet | None = None,
        once: str | None = None,
    ) -> NotificationProfile:
        """Replace it as a whole."""
        told: NotificationProfile = await self._transport.ask(
            "PUT",
            "/api/v1/me/notifications/profile",
            body={**given({"addresses": addresses, "choices": choices, "quiet_hours": quiet_hours})},
            once=once,
        )
        return told

    async def my_price_alerts(self) -> PriceAlertList:
        """My price alerts, open and fired, newest first."""
        told: PriceAlertList = await self._transport.ask("GET", "/api/v1/me/price-alerts")
        return told

    async def create_price_alert(
        self,
        *,
        market: str,
        direction: Literal["above", "below"],
        price: str,
        account: str | None = None,
        once: str | None = None,
    ) -> PriceAlert:
        """Tell me once when the mark price is at or beyond a price."""
        told: PriceAlert = await self._transport.ask(
            "POST",
            "/api/v1/me/price-alerts",
            body={"market": market, "direction": direction, "price": price, **given({"account": account})},
            once=once,
        )
        return told

    async def remove_price_alert(self, alert: str, *, once: str | None = None) -> Named:
        """Take a price alert back."""
        told: Named = await self._transport.ask("DELETE", f"/api/v1/me/price-alerts/{part(alert)}", once=once)
        return told

    async def my_usage(self, *, days: int | None = None) -> UsageView:
        """My requests by day with the peak hour, by route, and by key."""
        told: UsageView = await self._transport.ask("GET", "/api/v1/me/usage", {"days": days})
        return told

    async def my_requests(
        self, *, failed: bool | None = None, before: int | None = None, limit: int | None = None
    ) -> RequestPage:
        """My requests one by one, newest first."""
        told: RequestPage = await self._transport.ask(
            "GET", "/api/v1/me/requests", {"failed": failed, "before": before, "limit": limit}
        )
        return told
