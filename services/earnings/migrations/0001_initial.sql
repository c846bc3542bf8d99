-- migrate:up
-- The open UTC day (microseconds at midnight) and how many accounts, by number, have closed the day before it.
CREATE TABLE earnings_clock (
    one    boolean PRIMARY KEY CHECK (one),
    day    bigint NOT NULL,
    swept  bigint NOT NULL
) WITH (fillfactor = 50);

-- Marks and funding indices in force, and those at which the last day closed.
CREATE TABLE earnings_markets (
    market                      text PRIMARY KEY,
    quanta_per_lot_tick         bigint NOT NULL CHECK (quanta_per_lot_tick >= 1),
    mark_ticks                  bigint NOT NULL,
    funding_index_quanta        bigint NOT NULL,
    close_mark_ticks            bigint NOT NULL,
    close_funding_index_quanta  bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE earnings_accounts (
    account                 text PRIMARY KEY,
    number                  bigint NOT NULL,
    cash_quanta             bigint NOT NULL,
    day                     bigint NOT NULL,
    active                  boolean NOT NULL,
    equity_start_quanta     bigint NOT NULL,
    value_start_quanta      bigint NOT NULL,
    unsettled_start_quanta  bigint NOT NULL,
    flows_quanta            bigint NOT NULL,
    fill_flow_quanta        bigint NOT NULL,
    settled_funding_quanta  bigint NOT NULL,
    fees_quanta             bigint NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE earnings_positions (
    account               text NOT NULL,
    market                text NOT NULL,
    lots                  bigint NOT NULL,
    quote_quanta          bigint NOT NULL,
    settled_index_quanta  bigint NOT NULL,
    PRIMARY KEY (account, market)
) WITH (fillfactor = 70);

-- The identity of domain rule R34 is held here a second time, by the database.
CREATE TABLE earnings_days (
    account              text NOT NULL,
    day                  bigint NOT NULL CHECK (day % 86400000000 = 0),
    equity_start_quanta  bigint NOT NULL,
    equity_end_quanta    bigint NOT NULL,
    flows_quanta         bigint NOT NULL,
    pnl_quanta           bigint NOT NULL,
    funding_quanta       bigint NOT NULL,
    fees_quanta          bigint NOT NULL,
    closed               boolean NOT NULL,
    as_of                bigint NOT NULL,
    PRIMARY KEY (account, day),
    CHECK (equity_end_quanta - equity_start_quanta = flows_quanta + pnl_quanta + funding_quanta - fees_quanta)
) WITH (fillfactor = 80);

CREATE TABLE earnings_totals (
    day                  bigint PRIMARY KEY,
    accounts             bigint NOT NULL,
    equity_start_quanta  bigint NOT NULL,
    equity_end_quanta    bigint NOT NULL,
    flows_quanta         bigint NOT NULL,
    pnl_quanta           bigint NOT NULL,
    funding_quanta       bigint NOT NULL,
    fees_quanta          bigint NOT NULL,
    CHECK (equity_end_quanta - equity_start_quanta = flows_quanta + pnl_quanta + funding_quanta - fees_quanta)
) WITH (fillfactor = 50);

-- migrate:down
DROP TABLE earnings_totals;
DROP TABLE earnings_days;
DROP TABLE earnings_positions;
DROP TABLE earnings_accounts;
DROP TABLE earnings_markets;
DROP TABLE earnings_clock;
