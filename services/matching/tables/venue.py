"""The tables of what the venue decides."""

from typing import Final

from cleartide.fold import Table

MARKET_LIMITS: Final = Table(
    "market_limits",
    key=("market",),
    columns={
        "market": "text",
        "min_order_size": "text",
        "max_order_size": "text",
        "max_leverage": "integer",
        "open_interest_cap": "text",
        "position_cap": "text",
        "band_ppb": "bigint",
        "twap_band_ppb": "bigint",
        "breaker_ppb": "bigint",
        "pause_micros": "bigint",
    },
)
MARKET_STATES: Final = Table(
    "market_states",
    key=("market",),
    columns={
        "market": "text",
        "state": "text",
        "since": "bigint",
        "ends_at": "bigint",
        "spec_version": "bigint",
    },
)
VENUE_SETTINGS: Final = Table("venue_settings", key=("name",), columns={"name": "text", "value": "text"})
VENUE_LIMITS: Final = Table(
    "venue_limits",
    key=("mode",),
    columns={
        "mode": "text",
        "max_position_quanta": "bigint",
        "max_leverage": "integer",
        "max_daily_loss_quanta": "bigint",
    },
)
ORDER_TIERS: Final = Table(
    "order_tiers",
    key=("tier",),
    columns={"tier": "text", "per_minute": "integer", "per_hour": "integer", "per_day": "integer"},
)
ACCOUNT_TERMS: Final = Table(
    "account_terms", key=("account",), columns={"account": "text", "tier": "text", "standing": "text"}
)
ALERT_RULES: Final = Table("alert_rules", key=("name",), columns={"name": "text", "rule": "text"})
ORDER_TIMES: Final = Table(
    "order_times",
    key=("account", "number"),
    columns={"account": "text", "number": "bigint", "at": "bigint"},
)
DAILY_RESULTS: Final = Table(
    "daily_results",
    key=("account",),
    columns={"account": "text", "day": "integer", "result_quanta": "bigint"},
)
ORDER_ATTEMPTS: Final = Table(
    "order_attempts",
    key=("market", "stage", "reason"),
    columns={"market": "text", "stage": "text", "reason": "text", "attempts": "bigint"},
)
VENUE_CHANGES: Final = Table(
    "venue_changes",
    key=("change_id",),
    columns={
        "change_id": "bigint",
        "at": "bigint",
        "command_seq": "bigint",
        "source": "text",
        "by": "text",
        "note": "text",
        "scope": "text",
        "name": "text",
        "old": "text",
        "new": "text",
    },
    write="append",
    load=False,
)

VENUE_TABLES: Final[tuple[Table, ...]] = (
    MARKET_LIMITS,
    MARKET_STATES,
    VENUE_SETTINGS,
    VENUE_LIMITS,
    ORDER_TIERS,
    ACCOUNT_TERMS,
    ALERT_RULES,
    ORDER_TIMES,
    DAILY_RESULTS,
    ORDER_ATTEMPTS,
    VENUE_CHANGES,
)
