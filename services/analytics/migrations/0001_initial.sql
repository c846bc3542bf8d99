-- migrate:up
-- The open UTC minute, microseconds.
CREATE TABLE clock (
    one     boolean PRIMARY KEY CHECK (one),
    minute  bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE markets (
    market                  text PRIMARY KEY,
    tick_size               text NOT NULL,
    lot_size                text NOT NULL,
    quanta_per_lot_tick     bigint NOT NULL CHECK (quanta_per_lot_tick >= 1),
    last_ticks              bigint,
    mark_ticks              bigint,
    index_ticks             bigint,
    index_stale             boolean NOT NULL,
    open_interest_lots      bigint NOT NULL,
    funding_rate_ppb        bigint,
    funding_interval_start  bigint
) WITH (fillfactor = 50);

-- One-minute candles; series 'trade' from market trades, 'mark' from mark prices (entries = updates, no volume).
CREATE TABLE candles (
    market        text NOT NULL,
    series        text NOT NULL CHECK (series IN ('trade', 'mark')),
    open_time     bigint NOT NULL CHECK (open_time % 60000000 = 0),
    open_ticks    bigint NOT NULL,
    high_ticks    bigint NOT NULL,
    low_ticks     bigint NOT NULL,
    close_ticks   bigint NOT NULL,
    volume_lots   bigint NOT NULL,
    quote_quanta  bigint NOT NULL,
    entries       bigint NOT NULL CHECK (entries >= 1),
    closed        boolean NOT NULL,
    PRIMARY KEY (market, series, open_time),
    CHECK (low_ticks <= least(open_ticks, close_ticks) AND high_ticks >= greatest(open_ticks, close_ticks))
) WITH (fillfactor = 90);

-- The candles of the open minute alone: what a restart goes on from.
CREATE TABLE open_candles (
    market        text NOT NULL,
    series        text NOT NULL,
    open_time     bigint NOT NULL,
    open_ticks    bigint NOT NULL,
    high_ticks    bigint NOT NULL,
    low_ticks     bigint NOT NULL,
    close_ticks   bigint NOT NULL,
    volume_lots   bigint NOT NULL,
    quote_quanta  bigint NOT NULL,
    entries       bigint NOT NULL,
    PRIMARY KEY (market, series)
) WITH (fillfactor = 50);

CREATE TABLE trades (
    seq           bigint PRIMARY KEY,
    market        text NOT NULL,
    minute        bigint NOT NULL,
    at            bigint NOT NULL,
    price_ticks   bigint NOT NULL,
    size_lots     bigint NOT NULL,
    quote_quanta  bigint NOT NULL,
    taker_side    text NOT NULL,
    origin        text NOT NULL
);
CREATE INDEX trades_by_minute ON trades (market, minute, seq);

CREATE TABLE liquidations (
    seq                               bigint PRIMARY KEY,
    market                            text NOT NULL,
    at                                bigint NOT NULL,
    account                           text NOT NULL,
    closed_lots                       bigint NOT NULL,
    taken_over_lots                   bigint NOT NULL,
    remaining_lots                    bigint NOT NULL,
    mark_ticks                        bigint NOT NULL,
    bankruptcy_price_ticks            bigint NOT NULL,
    fee_quanta                        bigint NOT NULL,
    insurance_paid_quanta             bigint NOT NULL,
    equity_before_quanta              bigint NOT NULL,
    maintenance_margin_before_quanta  bigint NOT NULL
);
CREATE INDEX liquidations_by_time ON liquidations (market, at, seq);

-- migrate:down
DROP TABLE liquidations;
DROP TABLE trades;
DROP TABLE open_candles;
DROP TABLE candles;
DROP TABLE markets;
DROP TABLE clock;
