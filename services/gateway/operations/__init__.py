"""The operator's desk: roles, networks, the log of every action, dead letters, and the way of an alert."""

from typing import Final

TABLES: Final = ("admin_roles", "admin_networks", "admin_log")
"""Truth of the gateway's schema."""
