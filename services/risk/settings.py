"""Risk's own settings, beside those of every service; prefix `CLEARTIDE_`."""

from cleartide.contracts.pools import MOST_POOLS
from cleartide.settings import ServiceSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class RiskSettings(ServiceSettings):
    """risk_scan_accounts: how many accounts, worst level first, one question may compute the health of.

    risk_pools: how many pools share the accounts, for good; risk_pool: which of them this process is.
    """

    model_config = SettingsConfigDict(env_prefix="CLEARTIDE_", extra="ignore", frozen=True)

    risk_scan_accounts: int = Field(default=5_000, ge=500, le=100_000)
    risk_pools: int = Field(default=1, ge=1, le=MOST_POOLS)
    risk_pool: int = Field(default=1, ge=1, le=MOST_POOLS)
