"""The tables of analytics as the store needs to know them."""

from typing import Final, Literal

from cleartide.fold import Table


def _bigints(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "bigint")


_CANDLE_COLUMNS: Final = {
    "market": "text",
    "series": "text",
    **_bigints("open_time", "open_ticks", "high_ticks", "low_ticks", "close_ticks"),
    **_bigints("volume_lots", "quote_quanta", "entries", "restated"),
}
_SPAN_COLUMNS: Final = {
    "ts": "timestamptz",
    **_bigints("number", "start"),
    "account": "text",
    **_bigints("equity_start", "equity_end", "flows", "pnl", "funding", "fees", "realized", "volume", "trades"),
    "earned": "bigint",
}
_MARKET_DAY_COLUMNS: Final = {
    "market": "text",
    **_bigints("day", "open_interest_lots", "open_interest_high_lots", "funding_ppb", "fundings", "fees_quanta"),
    **_bigints("referral_quanta", "liquidations", "liquidated_lots", "liquidation_fees_quanta"),
}


def _history(name: str, key: tuple[str, ...], columns: dict[str, str]) -> Table:
    """Rows that are only ever added."""
    write: Literal["append"] = "append"
    return Table(name, key, columns, write=write, load=False)


CLOCK: Final = Table("clock", ("one",), {"one": "boolean", **_bigints("minute", "hour", "swept")})
MARKETS: Final = Table(
    "markets",
    ("market",),
    {
        "market": "text",
        "tick_size": "text",
        "lot_size": "text",
        **_bigints("quanta_per_lot_tick", "last_ticks", "mark_ticks", "index_ticks"),
        "index_stale": "boolean",
        **_bigints("open_interest_lots", "funding_rate_ppb", "funding_interval_start"),
    },
)
OPEN_CANDLES: Final = Table("open_candles", ("market", "series"), _CANDLE_COLUMNS)
CANDLES: Final = Table(
    "candles", ("market", "series", "open_time"), {**_CANDLE_COLUMNS, "closed": "boolean"}, load=False
)
TRADES: Final = _history(
    "trades",
    ("seq",),
    {
        "seq": "bigint",
        "market": "text",
        **_bigints("minute", "at", "price_ticks", "size_lots", "quote_quanta"),
        "taker_side": "text",
        "origin": "text",
        "trade_id": "bigint",
    },
)
RESTATEMENTS: Final = _history(
    "restatements",
    ("seq",),
    {
        "seq": "bigint",
        "market": "text",
        **_bigints("first_trade_id", "minute", "price_ticks", "size_lots", "quote_quanta"),
        "taker_side": "text",
    },
)
LIQUIDATIONS: Final = _history(
    "liquidations",
    ("seq",),
    {
        "seq": "bigint",
        "market": "text",
        "at": "bigint",
        "account": "text",
        **_bigints("closed_lots", "taken_over_lots", "remaining_lots", "mark_ticks", "bankruptcy_price_ticks"),
        **_bigints("fee_quanta", "insurance_paid_quanta", "equity_before_quanta"),
        **_bigints("maintenance_margin_before_quanta", "deleveraged_lots"),
        "waits": "text",
    },
)
UNITS: Final = Table(
    "units",
    ("market",),
    {
        "market": "text",
        **_bigints("quanta_per_lot_tick", "mark", "funding_index", "boundary_mark", "boundary_index"),
    },
)
MARKET_DAYS: Final = Table("market_days", ("market", "day"), _MARKET_DAY_COLUMNS, load=False)
OPEN_MARKET_DAYS: Final = Table("open_market_days", ("market",), _MARKET_DAY_COLUMNS)
ACCOUNTS: Final = Table(
    "accounts",
    ("number",),
    {
        "number": "bigint",
        "account": "text",
        **_bigints("cash", "hour"),
        "active": "boolean",
        **_bigints("equity_start", "value_start", "unsettled_start", "flows", "fill_flow", "settled", "fees"),
        **_bigints("realized", "volume", "trades", "day", "day_equity_start", "day_equity_end", "day_flows"),
        **_bigints("day_pnl", "day_funding", "day_fees", "day_realized", "day_volume", "day_trades"),
        **_bigints("vaults_start", "vault_flow", "day_earned"),
    },
)
HOLDINGS: Final = Table(
    "holdings",
    ("account", "market"),
    {"account": "text", "market": "text", **_bigints("lots", "quote_quanta", "settled_index")},
)
VAULTS: Final = Table(
    "vaults",
    ("vault",),
    {
        "vault": "text",
        "strategy": "text",
        **_bigints("created_at", "virtual_shares", "reserve", "fees_owed", "shares"),
        **_bigints("boundary_assets", "boundary_shares"),
    },
)
VAULT_HOURS: Final = _history(
    "vault_hours", ("vault", "at"), {"vault": "text", **_bigints("at", "assets", "shares", "virtual_shares")}
)
VAULT_SHARES: Final = Table(
    "vault_shares", ("account", "vault"), {"account": "text", "vault": "text", "shares": "bigint"}
)
ACCOUNT_HOURS: Final = _history("account_hours", ("number", "ts"), _SPAN_COLUMNS)
ACCOUNT_DAYS: Final = _history("account_days", ("number", "ts"), _SPAN_COLUMNS)
ADJUSTMENTS: Final = _history(
    "adjustments",
    ("seq", "part"),
    {"seq": "bigint", "part": "smallint", **_bigints("number", "hour", "volume", "trades")},
)
