"""What people and programs are told: notifications and webhooks, fed by the streams, kept in our schema."""

from typing import Final

TABLES: Final = (
    "price_alerts",
    "notification_sends",
    "notifications",
    "notification_choices",
    "notification_profiles",
    "webhook_deliveries",
    "webhook_endpoints",
    "notify_places",
)
"""Truth of the gateway's schema, those that refer before those that are referred to."""
