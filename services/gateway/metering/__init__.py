"""What the API is used for: every request logged and counted, in batches and never in its way."""

from typing import Final

TABLES: Final = ("request_log", "usage_hours")
"""Truth of the gateway's schema."""
