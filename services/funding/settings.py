"""Funding's own settings, beside those of every service; prefix `CLEARTIDE_`."""

from cleartide.settings import ServiceSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class FundingSettings(ServiceSettings):
    """funding_interval_seconds: length of a funding interval, whole minutes; markets keep the one they began with."""

    model_config = SettingsConfigDict(env_prefix="CLEARTIDE_", extra="ignore", frozen=True)

    funding_interval_seconds: int = Field(default=3_600, ge=60, le=86_400, multiple_of=60)

    @property
    def funding_interval_micros(self) -> int:
        """The same in microseconds."""
        return self.funding_interval_seconds * 1_000_000
