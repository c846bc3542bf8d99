-- migrate:up
-- A market's rules, as they were listed; they never change.
CREATE TABLE markets (
    market                  text PRIMARY KEY,
    base                    text NOT NULL,
    quote                   text NOT NULL,
    tick_size               text NOT NULL,
    lot_size                text NOT NULL,
    taker_fee_ppb           bigint NOT NULL,
    maker_fee_ppb           bigint NOT NULL,
    liquidation_fee_ppb     bigint NOT NULL,
    mark_band_ppb           bigint NOT NULL,
    market_order_band_ppb   bigint NOT NULL,
    impact_notional_quanta  bigint NOT NULL,
    interest_8h_ppb         bigint NOT NULL,
    funding_clamp_ppb       bigint NOT NULL,
    funding_cap_hourly_ppb  bigint NOT NULL
);

CREATE TABLE market_brackets (
    market                    text NOT NULL,
    bracket                   integer NOT NULL,
    upper_notional_quanta     bigint,
    initial_margin_ppb        bigint NOT NULL,
    maintenance_fraction_ppb  bigint NOT NULL,
    PRIMARY KEY (market, bracket)
);

-- Ticks of 0 mean: none yet. The average of (mid - index) is in millionths of a tick.
CREATE TABLE marks (
    market              text PRIMARY KEY,
    mark_ticks          bigint NOT NULL,
    index_ticks         bigint NOT NULL,
    last_ticks          bigint NOT NULL,
    index_stale         boolean NOT NULL,
    updated_at          bigint NOT NULL,
    ema_micro_ticks     bigint,
    ema_at              bigint NOT NULL,
    premium_minute      bigint NOT NULL,
    open_interest_lots  bigint NOT NULL CHECK (open_interest_lots >= 0)
) WITH (fillfactor = 50);

-- The cumulative index in whole quanta per lot; the carry is in 1e-9 quanta.
CREATE TABLE funding_indexes (
    market                text PRIMARY KEY,
    funding_index_quanta  bigint NOT NULL,
    carry                 bigint NOT NULL CHECK (carry >= 0 AND carry < 1000000000),
    rate_ppb              bigint NOT NULL,
    interval_start        bigint NOT NULL,
    interval_micros       bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE accounts (
    account    text PRIMARY KEY,
    opened_at  bigint NOT NULL
);

-- Q of a position is the ledger balance position:<market>:<account>.
CREATE TABLE positions (
    account               text NOT NULL,
    market                text NOT NULL,
    lots                  bigint NOT NULL CHECK (lots <> 0),
    funding_index_quanta  bigint NOT NULL,
    PRIMARY KEY (account, market)
) WITH (fillfactor = 70);

-- Resting orders only. The number is the time priority.
CREATE TABLE orders (
    order_id             bigint PRIMARY KEY,
    account              text NOT NULL,
    market               text NOT NULL,
    client_order_id      text NOT NULL,
    side                 smallint NOT NULL CHECK (side IN (-1, 1)),
    price_ticks          bigint NOT NULL CHECK (price_ticks > 0),
    size_lots            bigint NOT NULL,
    remaining_lots       bigint NOT NULL CHECK (remaining_lots > 0 AND remaining_lots <= size_lots),
    reduce_only          boolean NOT NULL,
    loss_per_lot_quanta  bigint NOT NULL CHECK (loss_per_lot_quanta >= 0)
) WITH (fillfactor = 70);
CREATE INDEX orders_by_account ON orders (account, order_id);
CREATE INDEX orders_by_price ON orders (market, side, price_ticks);

CREATE TABLE client_order_ids (
    account          text NOT NULL,
    client_order_id  text NOT NULL,
    order_id         bigint NOT NULL,
    PRIMARY KEY (account, client_order_id)
);

CREATE TABLE command_sources (
    source    text PRIMARY KEY,
    last_seq  bigint NOT NULL CHECK (last_seq > 0)
) WITH (fillfactor = 50);

CREATE TABLE applied_ids (
    kind    text NOT NULL CHECK (kind IN ('command', 'trade')),
    source  text NOT NULL,
    id      text NOT NULL,
    PRIMARY KEY (kind, source, id)
);

CREATE TABLE counters (
    name  text PRIMARY KEY,
    last  bigint NOT NULL
) WITH (fillfactor = 50);

-- migrate:down
DROP TABLE counters;
DROP TABLE applied_ids;
DROP TABLE command_sources;
DROP TABLE client_order_ids;
DROP TABLE orders;
DROP TABLE positions;
DROP TABLE accounts;
DROP TABLE funding_indexes;
DROP TABLE marks;
DROP TABLE market_brackets;
DROP TABLE markets;
