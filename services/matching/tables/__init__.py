"""The tables of matching, as the store needs to know them."""

from typing import Final

from cleartide.fold import Table

from services.matching.tables.access import ACCOUNTS, DELEGATES, LEVERAGES
from services.matching.tables.auctions import JIT_AUCTIONS, JIT_QUOTES
from services.matching.tables.conditional import CONDITIONAL_TABLES
from services.matching.tables.custody import CUSTODY_TABLES
from services.matching.tables.fees import FEE_TABLES
from services.matching.tables.orders import CLIENT_ORDER_IDS, ORDER_HISTORY, ORDERS
from services.matching.tables.reported import REPORTED_TRADES
from services.matching.tables.sealed import SEALED_TABLES
from services.matching.tables.solvency import SOLVENCY_TABLES
from services.matching.tables.treasury import ASSETS
from services.matching.tables.vaults import VAULT_TABLES
from services.matching.tables.venue import VENUE_TABLES

MARKETS: Final = Table(
    "markets",
    key=("market",),
    columns={
        "market": "text",
        "base": "text",
        "quote": "text",
        "tick_size": "text",
        "lot_size": "text",
        "taker_fee_ppb": "bigint",
        "maker_fee_ppb": "bigint",
        "liquidation_fee_ppb": "bigint",
        "mark_band_ppb": "bigint",
        "market_order_band_ppb": "bigint",
        "impact_notional_quanta": "bigint",
        "interest_8h_ppb": "bigint",
        "funding_clamp_ppb": "bigint",
        "funding_cap_hourly_ppb": "bigint",
        "oi_scale_lower_quanta": "bigint",
        "oi_scale_upper_quanta": "bigint",
        "funding_interval_seconds": "integer",
    },
)
BRACKETS: Final = Table(
    "market_brackets",
    key=("market", "bracket"),
    columns={
        "market": "text",
        "bracket": "integer",
        "upper_notional_quanta": "bigint",
        "initial_margin_ppb": "bigint",
        "maintenance_fraction_ppb": "bigint",
    },
)
MARKS: Final = Table(
    "marks",
    key=("market",),
    columns={
        "market": "text",
        "mark_ticks": "bigint",
        "index_ticks": "bigint",
        "last_ticks": "bigint",
        "index_stale": "boolean",
        "updated_at": "bigint",
        "ema_micro_ticks": "bigint",
        "ema_at": "bigint",
        "premium_minute": "bigint",
        "index_average_micro_ticks": "bigint",
        "fresh_since": "bigint",
        "open_interest_lots": "bigint",
    },
)
FUNDING: Final = Table(
    "funding_indexes",
    key=("market",),
    columns={
        "market": "text",
        "funding_index_quanta": "bigint",
        "carry": "bigint",
        "rate_ppb": "bigint",
        "interval_start": "bigint",
        "interval_micros": "bigint",
    },
)
POSITIONS: Final = Table(
    "positions",
    key=("account", "market"),
    columns={"account": "text", "market": "text", "lots": "bigint", "funding_index_quanta": "bigint"},
)
BOOKS: Final = Table("books", key=("market",), columns={"market": "text", "book_seq": "bigint"})
LEDGER_BALANCES: Final = Table(
    "ledger_balances", key=("account",), columns={"account": "text", "balance_quanta": "bigint", "asset": "text"}
)
LEDGER_ENTRIES: Final = Table(
    "ledger_entries",
    key=("transaction_id", "leg"),
    columns={
        "transaction_id": "bigint",
        "leg": "integer",
        "account": "text",
        "amount_quanta": "bigint",
        "kind": "text",
        "command_seq": "bigint",
        "at": "bigint",
        "asset": "text",
    },
    write="append",
    load=False,
)
TRADES: Final = Table(
    "trades",
    key=("trade_id",),
    columns={
        "trade_id": "bigint",
        "market": "text",
        "at": "bigint",
        "price_ticks": "bigint",
        "size_lots": "bigint",
        "quote_quanta": "bigint",
        "buyer": "text",
        "seller": "text",
        "buy_order_id": "bigint",
        "sell_order_id": "bigint",
        "taker_side": "text",
        "origin": "text",
        "outside_trade_id": "text",
        "buyer_fee_quanta": "bigint",
        "seller_fee_quanta": "bigint",
        "corrects": "bigint",
    },
    write="append",
    load=False,
)
LIQUIDATIONS: Final = Table(
    "liquidations",
    key=("liquidation_id",),
    columns={
        "liquidation_id": "bigint",
        "at": "bigint",
        "account": "text",
        "market": "text",
        "closed_lots": "bigint",
        "taken_over_lots": "bigint",
        "remaining_lots": "bigint",
        "mark_ticks": "bigint",
        "bankruptcy_price_ticks": "bigint",
        "fee_quanta": "bigint",
        "insurance_paid_quanta": "bigint",
        "equity_before_quanta": "bigint",
        "maintenance_margin_before_quanta": "bigint",
        "deleveraged_lots": "bigint",
        "waits": "text",
        "keeper": "text",
    },
    write="append",
    load=False,
)
FUNDING_HISTORY: Final = Table(
    "funding_settlements",
    key=("market", "interval_start"),
    columns={
        "market": "text",
        "interval_start": "bigint",
        "rate_ppb": "bigint",
        "mark_ticks": "bigint",
        "index_step_quanta": "bigint",
        "funding_index_quanta": "bigint",
        "at": "bigint",
    },
    write="append",
    load=False,
)
COMMAND_SOURCES: Final = Table("command_sources", key=("source",), columns={"source": "text", "last_seq": "bigint"})
APPLIED_IDS: Final = Table(
    "applied_ids",
    key=("kind", "source", "id"),
    columns={"kind": "text", "source": "text", "id": "text"},
    write="append",
)
COUNTERS: Final = Table("counters", key=("name",), columns={"name": "text", "last": "bigint"})

TABLES: Final[tuple[Table, ...]] = (
    MARKETS,
    BRACKETS,
    MARKS,
    FUNDING,
    ACCOUNTS,
    DELEGATES,
    LEVERAGES,
    ASSETS,
    *CUSTODY_TABLES,
    *FEE_TABLES,
    POSITIONS,
    ORDERS,
    ORDER_HISTORY,
    *CONDITIONAL_TABLES,
    BOOKS,
    CLIENT_ORDER_IDS,
    LEDGER_BALANCES,
    LEDGER_ENTRIES,
    TRADES,
    LIQUIDATIONS,
    FUNDING_HISTORY,
    COMMAND_SOURCES,
    APPLIED_IDS,
    COUNTERS,
    REPORTED_TRADES,
    JIT_AUCTIONS,
    JIT_QUOTES,
    *SEALED_TABLES,
    *VAULT_TABLES,
    *VENUE_TABLES,
    *SOLVENCY_TABLES,
)
