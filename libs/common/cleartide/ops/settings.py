"""What the operator's tools need from the environment, prefix `CLEARTIDE_`."""

import json
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from cleartide.bus.streams import services
from cleartide.contracts.pools import MOST_POOLS


class OpsSettings(BaseSettings):
    """Addresses and credentials of an operator. risk_pools: how many share risk's accounts, as the services say it."""

    model_config = SettingsConfigDict(env_prefix="CLEARTIDE_", extra="ignore", frozen=True)

    admin_dsn: str
    nats_url: str = "nats://127.0.0.1:4222"
    nats_admin_user: str = "operator"
    nats_admin_password: str = ""
    secrets_file: Path | None = None
    risk_pools: int = Field(default=1, ge=1, le=MOST_POOLS)

    @property
    def services(self) -> tuple[str, ...]:
        """Every service, pools included."""
        return services(self.risk_pools)

    def role_passwords(self) -> dict[str, str]:
        """Service name -> Postgres password, from the secrets file."""
        if self.secrets_file is None:
            raise SystemExit("CLEARTIDE_SECRETS_FILE is not set: the services' database passwords are unknown")
        passwords: dict[str, str] = json.loads(self.secrets_file.read_text(encoding="utf-8"))["postgres_roles"]
        return passwords
