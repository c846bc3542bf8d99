"""What people, programs and the venue are told: fed by the streams and by who signs in, kept in our schema."""

from typing import Final

TABLES: Final = (
    "referrals",
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
