"""What requests carry in their bodies. Text is text: no control characters, and bounded."""

from typing import Annotated, Any, Literal

from cleartide.contracts.accounts import MarginMode, SubaccountName
from cleartide.contracts.types import JSON_SAFE, AccountId, MarketId
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from services.gateway.domain.access import Scope
from services.gateway.domain.statement import MAX_TEXT
from services.gateway.identity.signatures import MAX_SIGNATURE_TEXT
from services.gateway.identity.tokens import MAX_TOKEN

PLAIN = r"^[^\x00-\x1f\x7f]*$"
Chain = Literal["ethereum", "arbitrum", "base", "celo", "optimism", "polygon", "solana", "bitcoin"]
Label = Annotated[str, StringConstraints(max_length=64, pattern=PLAIN)]
Address = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9]+$")]
Domain = Annotated[str, StringConstraints(max_length=253, pattern=r"^[A-Za-z0-9.-]+$")]
Network = Annotated[str, StringConstraints(max_length=64, pattern=r"^[0-9A-Fa-f.:/]+$")]
Requests = Annotated[int, Field(ge=1, le=100_000_000)]
Micros = Annotated[int, Field(ge=0, le=JSON_SAFE)]
Referral = Annotated[str, StringConstraints(max_length=32, pattern=r"^[A-Z0-9]*$")]
MAX_PREFERENCES = 64


class Body(BaseModel):
    """A request's body: what it does not have, it may not say."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NonceBody(Body):
    """For which chain a statement will be signed; with the address, the text to sign is given too."""

    chain: Chain
    address: Address | None = None


class SignInBody(Body):
    """The signed statement."""

    message: Annotated[str, StringConstraints(max_length=MAX_TEXT)]
    signature: Annotated[str, StringConstraints(max_length=MAX_SIGNATURE_TEXT)]
    provider: Label = ""
    referral_code: Referral = ""


class ExternalBody(Body):
    """A token of an identity provider."""

    token: Annotated[str, StringConstraints(max_length=MAX_TOKEN)]
    referral_code: Referral = ""


class RefreshBody(Body):
    """A refresh token."""

    refresh_token: Annotated[str, StringConstraints(max_length=128)]


class WalletBody(Body):
    """A further wallet: the statement that its key has signed."""

    message: Annotated[str, StringConstraints(max_length=MAX_TEXT)]
    signature: Annotated[str, StringConstraints(max_length=MAX_SIGNATURE_TEXT)]
    label: Label = ""


class ProfileBody(Body):
    """What of a profile its owner may change. What is left out stays."""

    display_name: Label | None = None
    username: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]{2,23}$")] | None = None
    email: (
        Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$")] | None
    ) = None
    preferences: dict[str, bool | int | str] | None = None

    @field_validator("preferences")
    @classmethod
    def bounded(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        """Few and small: they are a page's settings, not a store."""
        for name, said in (value or {}).items():
            if len(name) > MAX_PREFERENCES or (isinstance(said, str) and (len(said) > 256 or "\x00" in said)):
                raise ValueError("a preference is too long")
            if isinstance(said, int) and abs(said) > JSON_SAFE:
                raise ValueError("a number is too large")
            if "\x00" in name:
                raise ValueError("a name is text")
        if value is not None and len(value) > MAX_PREFERENCES:
            raise ValueError(f"at most {MAX_PREFERENCES} preferences")
        return value


class KeyBody(Body):
    """A new API key. `signs`: it gets a signing secret, and may change something."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=PLAIN)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=10)]
    accounts: Annotated[list[AccountId], Field(max_length=128)] = []
    addresses: Annotated[list[Network], Field(max_length=64)] = []
    domains: Annotated[list[Domain], Field(max_length=64)] = []
    per_minute: Requests | None = None
    per_hour: Requests | None = None
    per_day: Requests | None = None
    expires_at: Micros | None = None
    signs: bool = False


class SubaccountBody(Body):
    """A new sub-account of one's own account."""

    name: SubaccountName
    margin_mode: MarginMode = "cross"
    market: MarketId | None = None


class RightsBody(Body):
    """What a delegate may do."""

    deposit: bool = True
    trade: bool = True
    cancel: bool = True
    withdraw: bool = False
    transfer: bool = False
