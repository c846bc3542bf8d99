"""Settings that every service takes from the environment, prefix `CLEARTIDE_`."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Addresses and credentials of one service process.

    lease_seconds: how long the active process may be silent before a standby takes over.
    archive_address: where closed days go, a folder, or s3://bucket/prefix?endpoint=http://host:port&region=name; empty:
    nowhere.
    archive_after_hours: how long after its end a day is written at the earliest.
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
    archive_address: str = ""
    archive_key: str = ""
    archive_secret: str = ""
    archive_after_hours: int = 3
