"""Answers about who somebody is: sign-in, profile, sessions, wallets, keys, accounts."""

from typing import Any

from typing_extensions import TypedDict

from cleartide.answers.parts import Page


class Nonce(TypedDict):
    """What to sign; `message` is null where no address was given."""

    nonce: str
    message: str | None
    expires_at: int


class SessionTokens(TypedDict):
    """`expires_in`: seconds that the access token lasts; the refresh token is good once."""

    token_type: str
    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_at: int
    user: str
    session: str


class EndedSession(TypedDict):
    """The session that ended."""

    session: str


class EndedSessions(TypedDict):
    """How many ended."""

    ended: int


class PersonView(TypedDict):
    """A person. `account`: the trading account of the same name."""

    id: str
    account: str
    display_name: str
    username: str | None
    email: str | None
    tier: str
    kyc: str
    risk: str
    status: str
    scopes: list[str]
    referral_code: str
    referred_by: str | None
    preferences: dict[str, Any]
    created_at: int
    updated_at: int
    last_sign_in_at: int | None


class SessionView(TypedDict):
    """Where somebody is, or was, signed in."""

    id: str
    method: str
    ip: str
    user_agent: str
    created_at: int
    refreshed_at: int
    expires_at: int
    revoked_at: int | None
    reason: str | None


class SessionList(TypedDict):
    """Sessions, newest first."""

    sessions: list[SessionView]


class Referrals(TypedDict):
    """How many came by the code."""

    code: str
    referred: int


class LogLine(TypedDict):
    """What happened to somebody's access."""

    id: int
    at: int
    kind: str
    actor: str
    ip: str
    detail: dict[str, Any]


class LogPage(Page):
    """Lines, newest first."""

    log: list[LogLine]


class WalletView(TypedDict):
    """A wallet whose key has signed."""

    chain: str
    address: str
    label: str
    is_main: bool
    linked_at: int


class WalletList(TypedDict):
    """Wallets, the oldest first."""

    wallets: list[WalletView]


class UnlinkedWallet(TypedDict):
    """The wallet that is no longer linked."""

    chain: str
    address: str


class WalletConnection(TypedDict):
    """When and where a wallet was connected."""

    id: int
    session_id: str
    chain: str
    address: str
    provider: str
    ip: str
    user_agent: str
    connected_at: int
    disconnected_at: int | None


class WalletConnections(Page):
    """Connections, newest first."""

    connections: list[WalletConnection]


class KeyTerms(TypedDict):
    """What a key may, from where, how often, and until when."""

    id: str
    prefix: str
    name: str
    scopes: list[str]
    accounts: list[str]
    addresses: list[str]
    domains: list[str]
    per_minute: int
    per_hour: int
    per_day: int
    expires_at: int | None


class KeyView(KeyTerms):
    """A key without its secrets. `signs`: it has a signing secret."""

    signs: bool
    created_at: int
    last_used_at: int | None
    revoked_at: int | None
    reason: str | None
    replaces: str | None


class KeyList(TypedDict):
    """Keys, newest first."""

    keys: list[KeyView]


class NewKey(KeyTerms):
    """A key with its secrets, shown this once; `signing_secret` is null where it does not sign."""

    key: str
    signing_secret: str | None


class RotatedKey(NewKey):
    """`old_expires_at`: until when the old one goes on."""

    old_expires_at: int


class FamilyAccount(TypedDict):
    """`delegates`: what each may do; `market`: the one of an isolated account."""

    account: str
    opened_at: int
    margin_mode: str
    market: str | None
    delegates: dict[str, list[str]]


class Family(TypedDict):
    """A person's account and its sub-accounts."""

    account: str
    accounts: list[FamilyAccount]
