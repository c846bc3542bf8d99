"""Settings that every service takes from the environment, prefix `CLEARTIDE_`."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Addresses and credentials of one service process.

    lease_seconds: how long the active process may be silent before a standby takes over.
    """

    model_config = SettingsConfigDict(env_prefix="CLEARTIDE_", extra="ignore", frozen=True)

    nats_url: str = "nats://127.0.0.1:4222"
    nats_user: str = ""
    nats_password: str = ""
    postgres_dsn: str = ""
    redis_url: str = ""
    http_host: str = "127.0.0.1"
    http_port: int = 0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    lease_seconds: float = Field(default=0.6, ge=0.1, le=60)
