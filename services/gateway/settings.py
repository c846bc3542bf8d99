"""The gateway's own settings, beside those of every service; prefix `CLEARTIDE_`."""

from typing import Literal

from cleartide.contracts.pools import MOST_POOLS, POOLS, base_of
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.gateway.identity.external import ExternalIssuer
from services.gateway.notify.settings import NotifySettings


class EdgeSettings(BaseSettings):
    """Where the edge is. `here`: in the process that folds the alerts. `apart`: in processes of its own, as many as one
    likes (`python -m services.gateway.edge`); this one folds and sends what is to be sent.
    """

    model_config = SettingsConfigDict(env_prefix="CLEARTIDE_", extra="ignore", frozen=True)

    gateway_edge: Literal["here", "apart"] = "here"


class GatewaySettings(NotifySettings):
    """Where the edge listens, whom it asks, and what it allows.

    service_urls: base address of each service's own health port, as a JSON map, e.g. {"risk": "http://127.0.0.1:9103"}.
    risk_pools: how many share risk's accounts; the gateway then asks all of them.
    trusted_proxies: addresses whose X-Forwarded-For is believed; empty believes nobody.
    gateway_access: what a stranger is; `closed`: nobody. `demo`: an onlooker who reads everything and changes nothing,
    for an installation that is there to be looked at.
    sign_in_domains: names by which people reach this installation, such as app.example.com; a statement that was signed
    for another is refused. The first is put into statements that the gateway writes. Default: this machine.
    external_issuers: identity providers, each with its pinned public key (`identity.external`).
    local_sign_in_secret: set by `make up` alone, on loopback: links that it signs let the machine's operator in.
    body_seconds, head_seconds: how long a request's body, and its first lines, may take to come.
    idle_seconds: how long a connection is kept for the next request; longer than clients' pools keep theirs (15 s and
    less), so that it is they who end it, and none sends a request into a connection that is closing.
    admin_users: people who own the installation, by their ids; they give others their roles.
    rate_*: sustained requests per second and the burst on top, per client address.
    """

    model_config = SettingsConfigDict(env_prefix="CLEARTIDE_", extra="ignore", frozen=True)

    risk_pools: int = Field(default=1, ge=1, le=MOST_POOLS)
    gateway_port: int = Field(default=8080, ge=0, le=65_535)
    admin_users: tuple[str, ...] = ()
    service_urls: dict[str, str] = Field(default_factory=dict)
    trusted_proxies: tuple[str, ...] = ()
    upstream_timeout_seconds: float = Field(default=2.0, gt=0, le=30)
    health_timeout_seconds: float = Field(default=1.0, gt=0, le=10)
    gateway_access: Literal["closed", "demo"] = "closed"
    sign_in_domains: tuple[str, ...] = ()
    external_issuers: tuple[ExternalIssuer, ...] = ()
    local_sign_in_secret: str = ""
    access_token_seconds: int = Field(default=600, ge=10, le=3_600)
    redis_call_seconds: float = Field(default=0.25, gt=0, le=30)
    truth_connections: int = Field(default=8, ge=1, le=100)
    body_seconds: float = Field(default=10.0, gt=0, le=120)
    head_seconds: float = Field(default=10.0, gt=0, le=120)
    idle_seconds: int = Field(default=20, ge=1, le=600)
    rate_per_second: int = Field(default=20, ge=1, le=10_000)
    rate_burst: int = Field(default=120, ge=1, le=100_000)
    max_connections: int = Field(default=2_000, ge=1, le=100_000)
    max_live_clients: int = Field(default=1_500, ge=1, le=50_000)
    live_queue_frames: int = Field(default=1_024, ge=16, le=65_536)
    live_recheck_seconds: float = Field(default=5.0, gt=0)
    """Seconds between questions whether what live connections were opened with still stands, if nobody rings."""
    live_send_seconds: float = Field(default=10.0, gt=0, le=120)

    @property
    def watched_urls(self) -> dict[str, str]:
        """Those of `service_urls` that this installation has: of risk's pools no more than there are."""
        pools = POOLS["risk"][: self.risk_pools]
        return {name: url for name, url in self.service_urls.items() if base_of(name) == name or name in pools}
