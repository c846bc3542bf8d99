"""Who asks: sign-in, profile, wallets, keys, webhooks, notifications, use.

Written by `make client` from the API's document: do not edit.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

from cleartide.rest.transport import Json, Transport, given, part


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
    """Who asks: sign-in, profile, wallets, keys, webhooks, notifications, use."""

    _transport: Transport

    async def sign_in_nonce(
        self,
        *,
        chain: Literal["ethereum", "arbitrum", "base", "celo", "optimism", "polygon", "solana", "bitcoin"],
        address: str | None = None,
        once: str | None = None,
    ) -> Json:
        """A nonce for one signature, and the statement to sign."""
        told: Json = await self._transport.ask(
            "POST", "/api/v1/auth/nonce", body={"chain": chain, **given({"address": address})}, once=once
        )
        return told

    async def sign_in(
        self,
        *,
        message: str,
        signature: str,
        provider: str | None = None,
        referral_code: str | None = None,
        once: str | None = None,
    ) -> Json:
        """A session for a signed statement (EIP-4361, or its like on Solana and Bitcoin)."""
        told: Json = await self._transport.ask(
            "POST",
            "/api/v1/auth/sign-in",
            body={
                "message": message,
                "signature": signature,
                **given({"provider": provider, "referral_code": referral_code}),
            },
            once=once,
        )
        return told

    async def sign_in_external(self, *, token: str, referral_code: str | None = None, once: str | None = None) -> Json:
        """A session for the token of an identity provider that is believed here."""
        told: Json = await self._transport.ask(
            "POST", "/api/v1/auth/external", body={"token": token, **given({"referral_code": referral_code})}, once=once
        )
        return told

    async def refresh(self, *, refresh_token: str, once: str | None = None) -> Json:
        """The next pair of tokens; a refresh token is good once."""
        told: Json = await self._transport.ask(
            "POST", "/api/v1/auth/refresh", body={"refresh_token": refresh_token}, once=once
        )
        return told

    async def sign_out(self, *, once: str | None = None) -> Json:
        """End this session."""
        told: Json = await self._transport.ask("POST", "/api/v1/auth/sign-out", once=once)
        return told

    async def me(self) -> Json:
        """Who I am: profile, tier, KYC and risk state, referral code."""
        told: Json = await self._transport.ask("GET", "/api/v1/me")
        return told

    async def change_profile(
        self,
        *,
        display_name: str | None = None,
        username: str | None = None,
        email: str | None = None,
        preferences: Mapping[str, bool | int | str] | None = None,
        once: str | None = None,
    ) -> Json:
        """Change what is mine to change."""
        told: Json = await self._transport.ask(
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

    async def my_sessions(self) -> Json:
        """Where I am, and was, signed in."""
        told: Json = await self._transport.ask("GET", "/api/v1/me/sessions")
        return told

    async def end_all_sessions(self, *, once: str | None = None) -> Json:
        """End every session, this one too."""
        told: Json = await self._transport.ask("DELETE", "/api/v1/me/sessions", once=once)
        return told

    async def end_session(self, session: str, *, once: str | None = None) -> Json:
        """End one session."""
        told: Json = await self._transport.ask("DELETE", f"/api/v1/me/sessions/{part(session)}", once=once)
        return told

    async def my_referrals(self) -> Json:
        """My referral code, and how many came by it."""
        told: Json = await self._transport.ask("GET", "/api/v1/me/referrals")
        return told

    async def my_log(self, *, before: int | None = None, limit: int | None = None) -> Json:
        """What happened to my access, newest first."""
        told: Json = await self._transport.ask("GET", "/api/v1/me/log", {"before": before, "limit": limit})
        return told

    async def my_wallets(self) -> Json:
        """My wallets."""
        told: Json = await self._transport.ask("GET", "/api/v1/me/wallets")
        return told

    async def link_wallet(
        self, *, message: str, signature: str, label: str | None = None, once: str | None = None
    ) -> Json:
        """Link a wallet whose key has signed."""
        told: Json = await self._transport.ask(
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
    ) -> Json:
        """A nonce for linking a wallet, and the statement to sign."""
        told: Json = await self._transport.ask(
            "POST", "/api/v1/me/wallets/nonce", body={"chain": chain, **given({"address": address})}, once=once
        )
        return told

    async def unlink_wallet(
        self,
        chain: Literal["ethereum", "arbitrum", "base", "celo", "optimism", "polygon", "solana", "bitcoin"],
        address: str,
        *,
        once: str | None = None,
    ) -> Json:
        """Unlink a wallet; the last one by which I can sign in stays."""
        told: Json = await self._transport.ask("DELETE", f"/api/v1/me/wallets/{part(chain)}/{part(address)}", once=once)
        return told

    async def my_wallets_connections(self, *, before: int | None = None, limit: int | None = None) -> Json:
        """When and where my wallets were connected, newest first."""
        told: Json = await self._transport.ask(
            "GET", "/api/v1/me/wallets/connections", {"before": before, "limit": limit}
        )
        return told

    async def my_keys(self) -> Json:
        """My keys, without their secrets."""
        told: Json = await self._transport.ask("GET", "/api/v1/me/keys")
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
    ) -> Json:
        """A new key; its secrets are shown this once."""
        told: Json = await self._transport.ask(
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

    async def rotate_key(self, key: str, *, once: str | None = None) -> Json:
        """A new key like this one, which works for another day."""
        told: Json = await self._transport.ask("POST", f"/api/v1/me/keys/{part(key)}/rotate", once=once)
        return told

    async def revoke_key(self, key: str, *, once: str | None = None) -> Json:
        """Revoke a key, from now on."""
        told: Json = await self._transport.ask("DELETE", f"/api/v1/me/keys/{part(key)}", once=once)
        return told

    async def my_accounts(self) -> Json:
        """My account, its sub-accounts, and who may act for each."""
        told: Json = await self._transport.ask("GET", "/api/v1/me/accounts")
        return told

    async def open_subaccount(
        self,
        *,
        name: str,
        margin_mode: Literal["cross", "isolated"] | None = None,
        market: str | None = None,
        once: str | None = None,
    ) -> Json:
        """Open a sub-account `<account>--<name>`."""
        told: Json = await self._transport.ask(
            "POST",
            "/api/v1/me/accounts",
            body={"name": name, **given({"margin_mode": margin_mode, "market": market})},
            once=once,
        )
        return told

    async def my_webhooks(self) -> Json:
        """My webhook endpoints, without their secrets."""
        told: Json = await self._transport.ask("GET", "/api/v1/me/webhooks")
        return told

    async def create_webhook(
        self, *, url: str, kinds: Sequence[str], description: str | None = None, once: str | None = None
    ) -> Json:
        """A new endpoint; its signing secret is shown this once."""
        told: Json = await self._transport.ask(
            "POST",
            "/api/v1/me/webhooks",
            body={"url": url, "kinds": kinds, **given({"description": description})},
            once=once,
        )
        return told

    async def my_webhook(self, endpoint: str) -> Json:
        """One endpoint: its state, and how it has done lately."""
        told: Json = await self._transport.ask("GET", f"/api/v1/me/webhooks/{part(endpoint)}")
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
    ) -> Json:
        """Change an endpoint, or switch it on or off."""
        told: Json = await self._transport.ask(
            "PATCH",
            f"/api/v1/me/webhooks/{part(endpoint)}",
            body={**given({"url": url, "kinds": kinds, "description": description, "state": state})},
            once=once,
        )
        return told

    async def remove_webhook(self, endpoint: str, *, once: str | None = None) -> Json:
        """Remove an endpoint with its history."""
        told: Json = await self._transport.ask("DELETE", f"/api/v1/me/webhooks/{part(endpoint)}", once=once)
        return told

    async def rotate_webhook_secret(self, endpoint: str, *, once: str | None = None) -> Json:
        """A new signing secret; for a day both sign."""
        told: Json = await self._transport.ask("POST", f"/api/v1/me/webhooks/{part(endpoint)}/rotate", once=once)
        return told

    async def ping_webhook(self, endpoint: str, *, once: str | None = None) -> Json:
        """Send a test event."""
        told: Json = await self._transport.ask("POST", f"/api/v1/me/webhooks/{part(endpoint)}/ping", once=once)
        return told

    async def my_webhooks_deliveries(
        self,
        endpoint: str,
        *,
        state: Literal["pending", "delivered", "failed"] | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> Json:
        """What was sent and what came of it, newest first."""
        told: Json = await self._transport.ask(
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
    ) -> Json:
        """Send again, under the same event ids."""
        told: Json = await self._transport.ask(
            "POST",
            f"/api/v1/me/webhooks/{part(endpoint)}/replay",
            body={**given({"delivery": delivery, "state": state})},
            once=once,
        )
        return told

    async def my_notifications(
        self, *, unread: bool | None = None, before: int | None = None, limit: int | None = None
    ) -> Json:
        """My inbox, newest first."""
        told: Json = await self._transport.ask(
            "GET", "/api/v1/me/notifications", {"unread": unread, "before": before, "limit": limit}
        )
        return told

    async def read_notifications(self, *, ids: Sequence[str] | None = None, once: str | None = None) -> Json:
        """Mark some, or all, as read."""
        told: Json = await self._transport.ask(
            "POST", "/api/v1/me/notifications/read", body={**given({"ids": ids})}, once=once
        )
        return told

    async def my_notifications_profile(self) -> Json:
        """What I want to be told, how, and when not."""
        told: Json = await self._transport.ask("GET", "/api/v1/me/notifications/profile")
        return told

    async def set_notification_profile(
        self,
        *,
        addresses: Mapping[str, str] | None = None,
        choices: Mapping[str, Choice] | None = None,
        quiet_hours: Quiet | None = None,
        once: str | None = None,
    ) -> Json:
        """Replace it as a whole."""
        told: Json = await self._transport.ask(
            "PUT",
            "/api/v1/me/notifications/profile",
            body={**given({"addresses": addresses, "choices": choices, "quiet_hours": quiet_hours})},
            once=once,
        )
        return told

    async def my_price_alerts(self) -> Json:
        """My price alerts, open and fired, newest first."""
        told: Json = await self._transport.ask("GET", "/api/v1/me/price-alerts")
        return told

    async def create_price_alert(
        self,
        *,
        market: str,
        direction: Literal["above", "below"],
        price: str,
        account: str | None = None,
        once: str | None = None,
    ) -> Json:
        """Tell me once when the mark price is at or beyond a price."""
        told: Json = await self._transport.ask(
            "POST",
            "/api/v1/me/price-alerts",
            body={"market": market, "direction": direction, "price": price, **given({"account": account})},
            once=once,
        )
        return told

    async def remove_price_alert(self, alert: str, *, once: str | None = None) -> Json:
        """Take a price alert back."""
        told: Json = await self._transport.ask("DELETE", f"/api/v1/me/price-alerts/{part(alert)}", once=once)
        return told

    async def my_usage(self, *, days: int | None = None) -> Json:
        """My requests by day with the peak hour, by route, and by key."""
        told: Json = await self._transport.ask("GET", "/api/v1/me/usage", {"days": days})
        return told

    async def my_requests(
        self, *, failed: bool | None = None, before: int | None = None, limit: int | None = None
    ) -> Json:
        """My requests one by one, newest first."""
        told: Json = await self._transport.ask(
            "GET", "/api/v1/me/requests", {"failed": failed, "before": before, "limit": limit}
        )
        return told

    async def tell_product_events(self, *, events: Sequence[Any], once: str | None = None) -> Json:
        """Events of my client; every good one is taken, every bad one answered."""
        told: Json = await self._transport.ask("POST", "/api/v1/product/events", body={"events": events}, once=once)
        return told

    async def product_platform(self, *, days: Literal["7", "30", "90"] | None = None, after: int | None = None) -> Json:
        """How the product is used: the last 7, 30 or 90 days."""
        told: Json = await self._transport.ask("GET", "/api/v1/product/platform", {"days": days}, after=after)
        return told

    async def my_product(self, *, days: Literal["7", "30", "90"] | None = None) -> Json:
        """What was recorded of my use: the last 7, 30 or 90 days."""
        told: Json = await self._transport.ask("GET", "/api/v1/me/product", {"days": days})
        return told

    async def my_privacy(self) -> Json:
        """Whether my use is recorded."""
        told: Json = await self._transport.ask("GET", "/api/v1/me/privacy")
        return told

    async def set_recording(self, *, recording: bool, once: str | None = None) -> Json:
        """Switch the recording of my use on or off."""
        told: Json = await self._transport.ask("PUT", "/api/v1/me/privacy", body={"recording": recording}, once=once)
        return told

    async def erase_recorded(self, *, once: str | None = None) -> Json:
        """Delete all that was recorded of my use."""
        told: Json = await self._transport.ask("DELETE", "/api/v1/me/privacy/recorded", once=once)
        return told
