"""The tables that no stream could give back."""

from typing import Final

TRUTH: Final = (
    "users",
    "wallet_keys",
    "wallets",
    "external_identities",
    "nonces",
    "sessions",
    "refresh_tokens",
    "wallet_connections",
    "api_keys",
    "idempotency_keys",
    "account_log",
    "gateway_secret",
)
