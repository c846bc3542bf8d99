"""Settings of analytics beyond those of every service."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class AnalyticsSettings(BaseSettings):
    """Where closed days go.

    archive_address: a folder, or s3://bucket/prefix?endpoint=http://host:port&region=name; empty: nowhere.
    archive_after_hours: how long after its end a day is written, so that its last hour has closed for every account.
    """

    model_config = SettingsConfigDict(env_prefix="CLEARTIDE_")

    archive_address: str = ""
    archive_key: str = ""
    archive_secret: str = ""
    archive_after_hours: int = 3
