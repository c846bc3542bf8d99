"""The tables of earnings: what is open, and the closed days and months, which are only ever added to."""

from typing import Final

from cleartide.fold import Table

CLOCK: Final = Table("earnings_clock", key=("one",), columns={"one": "boolean", "day": "bigint", "swept": "bigint"})
MARKETS: Final = Table(
    "earnings_markets",
    key=("market",),
    columns={
        "market": "text",
        "quanta_per_lot_tick": "bigint",
        "mark_ticks": "bigint",
        "funding_index_quanta": "bigint",
        "close_mark_ticks": "bigint",
        "close_funding_index_quanta": "bigint",
    },
)
ACCOUNTS: Final = Table(
    "earnings_accounts",
    key=("account",),
    columns={
        "account": "text",
        "number": "bigint",
        "cash_quanta": "bigint",
        "day": "bigint",
        "active": "boolean",
        "equity_start_quanta": "bigint",
        "value_start_quanta": "bigint",
        "unsettled_start_quanta": "bigint",
        "deposits_quanta": "bigint",
        "withdrawals_quanta": "bigint",
        "weighted_flow_quanta": "bigint",
        "fill_flow_quanta": "bigint",
        "settled_funding_quanta": "bigint",
        "fees_quanta": "bigint",
        "rebates_quanta": "bigint",
        "vaults_start_quanta": "bigint",
        "vault_flow_quanta": "bigint",
        "vault_fees_quanta": "bigint",
        "cumulative_earned_quanta": "bigint",
        "cumulative_net_quanta": "bigint",
    },
)
VAULTS: Final = Table(
    "earnings_vaults",
    key=("vault",),
    columns={
        "vault": "text",
        "strategy": "text",
        "virtual_shares": "bigint",
        "reserve_quanta": "bigint",
        "fees_owed_quanta": "bigint",
        "shares": "bigint",
        "close_assets_quanta": "bigint",
        "close_shares": "bigint",
        "acted": "text",
    },
)
SHARES: Final = Table(
    "earnings_shares", key=("account", "vault"), columns={"account": "text", "vault": "text", "shares": "bigint"}
)
POSITIONS: Final = Table(
    "earnings_positions",
    key=("account", "market"),
    columns={
        "account": "text",
        "market": "text",
        "lots": "bigint",
        "quote_quanta": "bigint",
        "settled_index_quanta": "bigint",
    },
)
_DAY: Final = {
    "account": "text",
    "day": "bigint",
    "equity_start_quanta": "bigint",
    "equity_end_quanta": "bigint",
    "flows_quanta": "bigint",
    "pnl_quanta": "bigint",
    "funding_quanta": "bigint",
    "fees_quanta": "bigint",
    "rebates_quanta": "bigint",
    "yield_quanta": "bigint",
    "deposits_quanta": "bigint",
    "withdrawals_quanta": "bigint",
    "cumulative_earned_quanta": "bigint",
    "cumulative_net_quanta": "bigint",
}
DAYS: Final = Table(
    "earnings_days",
    key=("account", "day"),
    columns={"ts": "timestamptz", "number": "bigint", **_DAY, "return_1e12": "bigint"},
    write="append",
    load=False,
)
OPEN_DAYS: Final = Table("earnings_open_days", key=("account",), columns={**_DAY, "as_of": "bigint"}, load=False)
_MONTH: Final = {
    "account": "text",
    "month": "bigint",
    "equity_start_quanta": "bigint",
    "equity_end_quanta": "bigint",
    "deposits_quanta": "bigint",
    "withdrawals_quanta": "bigint",
    "pnl_quanta": "bigint",
    "funding_quanta": "bigint",
    "fees_quanta": "bigint",
    "rebates_quanta": "bigint",
    "yield_quanta": "bigint",
    "active_days": "bigint",
    "return_days": "bigint",
    "return_sum": "bigint",
    "growth": "text",
}
MONTHS: Final = Table("earnings_months", key=("account", "month"), columns=_MONTH, write="append", load=False)
OPEN_MONTHS: Final = Table("earnings_open_months", key=("account",), columns=_MONTH)
TOTALS: Final = Table(
    "earnings_totals",
    key=("day",),
    columns={
        "day": "bigint",
        "accounts": "bigint",
        "equity_start_quanta": "bigint",
        "equity_end_quanta": "bigint",
        "flows_quanta": "bigint",
        "pnl_quanta": "bigint",
        "funding_quanta": "bigint",
        "fees_quanta": "bigint",
        "rebates_quanta": "bigint",
        "yield_quanta": "bigint",
    },
)
