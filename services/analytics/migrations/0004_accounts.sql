-- migrate:up
-- The open UTC hour, and how many accounts, by number, have closed the one before it.
ALTER TABLE clock
    ADD COLUMN hour bigint NOT NULL DEFAULT 0,
    ADD COLUMN swept bigint NOT NULL DEFAULT 0;

-- What values a position: mark and funding index in force, and those at which the last hour closed.
CREATE TABLE units (
    market               text PRIMARY KEY,
    quanta_per_lot_tick  bigint NOT NULL CHECK (quanta_per_lot_tick >= 1),
    mark                 bigint NOT NULL,
    funding_index        bigint NOT NULL,
    boundary_mark        bigint NOT NULL,
    boundary_index       bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO units SELECT market, quanta_per_lot_tick, coalesce(mark_ticks, 0), 0, coalesce(mark_ticks, 0), 0 FROM markets;

-- A market's UTC day beside its candles.
CREATE TABLE market_days (
    market                   text NOT NULL,
    day                      bigint NOT NULL CHECK (day % 86400000000 = 0),
    open_interest_lots       bigint NOT NULL,
    open_interest_high_lots  bigint NOT NULL,
    funding_ppb              bigint NOT NULL,
    fundings                 bigint NOT NULL,
    fees_quanta              bigint NOT NULL,
    referral_quanta          bigint NOT NULL,
    liquidations             bigint NOT NULL,
    liquidated_lots          bigint NOT NULL,
    liquidation_fees_quanta  bigint NOT NULL,
    PRIMARY KEY (market, day)
) WITH (fillfactor = 70);
-- The open day of each market alone: what a restart goes on from.
CREATE TABLE open_market_days (LIKE market_days INCLUDING CONSTRAINTS, PRIMARY KEY (market)) WITH (fillfactor = 50);

-- Every account with its open hour and the sums of its open day's closed hours.
CREATE TABLE accounts (
    number            bigint PRIMARY KEY,
    account           text NOT NULL UNIQUE,
    cash              bigint NOT NULL,
    hour              bigint NOT NULL,
    active            boolean NOT NULL,
    equity_start      bigint NOT NULL,
    value_start       bigint NOT NULL,
    unsettled_start   bigint NOT NULL,
    flows             bigint NOT NULL,
    fill_flow         bigint NOT NULL,
    settled           bigint NOT NULL,
    fees              bigint NOT NULL,
    realized          bigint NOT NULL,
    volume            bigint NOT NULL,
    trades            bigint NOT NULL,
    day               bigint NOT NULL,
    day_equity_start  bigint NOT NULL,
    day_equity_end    bigint NOT NULL,
    day_flows         bigint NOT NULL,
    day_pnl           bigint NOT NULL,
    day_funding       bigint NOT NULL,
    day_fees          bigint NOT NULL,
    day_realized      bigint NOT NULL,
    day_volume        bigint NOT NULL,
    day_trades        bigint NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE holdings (
    account        text NOT NULL,
    market         text NOT NULL,
    lots           bigint NOT NULL,
    quote_quanta   bigint NOT NULL,
    settled_index  bigint NOT NULL,
    PRIMARY KEY (account, market)
) WITH (fillfactor = 70);

-- Closed hours and days, in the order of the accounts' numbers: a BRIN index of a few pages finds one account's rows.
-- The identity of domain rule R34 is held here by the database.
CREATE TABLE account_hours (
    ts            timestamptz NOT NULL,
    number        bigint NOT NULL,
    start         bigint NOT NULL CHECK (start % 3600000000 = 0),
    account       text NOT NULL,
    equity_start  bigint NOT NULL,
    equity_end    bigint NOT NULL,
    flows         bigint NOT NULL,
    pnl           bigint NOT NULL,
    funding       bigint NOT NULL,
    fees          bigint NOT NULL,
    realized      bigint NOT NULL,
    volume        bigint NOT NULL,
    trades        bigint NOT NULL,
    CHECK (equity_end - equity_start = flows + pnl + funding - fees)
) PARTITION BY RANGE (ts);
CREATE TABLE account_hours_default PARTITION OF account_hours DEFAULT;
CREATE INDEX account_hours_number ON account_hours USING brin (number) WITH (pages_per_range = 8, autosummarize = on);

CREATE TABLE account_days (LIKE account_hours INCLUDING CONSTRAINTS, CHECK (start % 86400000000 = 0))
    PARTITION BY RANGE (ts);
CREATE TABLE account_days_default PARTITION OF account_days DEFAULT;
CREATE INDEX account_days_number ON account_days USING brin (number) WITH (pages_per_range = 8, autosummarize = on);

-- Hours whose trades were taken back or corrected: what that adds to volumes. Told hours and days stay as they were.
CREATE TABLE adjustments (
    seq     bigint NOT NULL,
    part    smallint NOT NULL,
    number  bigint NOT NULL,
    hour    bigint NOT NULL,
    volume  bigint NOT NULL,
    trades  bigint NOT NULL,
    PRIMARY KEY (seq, part)
);
CREATE INDEX adjustments_by_hour ON adjustments (hour);
CREATE INDEX adjustments_by_number ON adjustments (number, hour);

-- migrate:down
DROP TABLE adjustments;
DROP TABLE account_days;
DROP TABLE account_hours;
DROP TABLE holdings;
DROP TABLE accounts;
DROP TABLE open_market_days;
DROP TABLE market_days;
DROP TABLE units;
ALTER TABLE clock DROP COLUMN swept, DROP COLUMN hour;
