"""Settings of notifications and webhooks, beside those of every service; prefix `CLEARTIDE_`."""

from cleartide.settings import ServiceSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class NotifySettings(ServiceSettings):
    """Where webhooks may go, how often they are tried, and where mail, push and chat are handed over.

    webhook_networks: private networks that webhooks may go to, e.g. ["10.1.0.0/16"]; empty allows none.
    gateway_secret: signs access tokens and seals what is kept; without one it is made and kept in the schema.
    gateway_secrets_before: former ones, which still open what they closed.
    webhook_attempts: of one delivery. webhook_disable_failures: attempts failed in a row, for an hour, that switch an
    endpoint off. notify_*_url: an Apprise URL per channel with `{target}` for the address, such as
    mailtos://user:password@smtp.example.com?to={target}; a channel without one is not offered.
    """

    model_config = SettingsConfigDict(env_prefix="CLEARTIDE_", extra="ignore", frozen=True)

    upstream_timeout_seconds: float = Field(default=2.0, gt=0, le=30)
    webhook_networks: tuple[str, ...] = ()
    webhook_attempts: int = Field(default=8, ge=1, le=20)
    webhook_disable_failures: int = Field(default=20, ge=1, le=1_000)
    gateway_secret: str = Field(default="", max_length=1_024)
    gateway_secrets_before: tuple[str, ...] = ()
    notify_email_url: str = ""
    notify_push_url: str = ""
    notify_chat_url: str = ""


def offered(settings: NotifySettings) -> tuple[str, ...]:
    """The channels outside the application that have somewhere to send to."""
    places = (
        ("email", settings.notify_email_url),
        ("push", settings.notify_push_url),
        ("chat", settings.notify_chat_url),
    )
    return tuple(channel for channel, place in places if place)
