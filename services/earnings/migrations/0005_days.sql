-- migrate:up
-- Closed days are history: append-only, partitioned by UTC day, in the order of the accounts' numbers, so that a BRIN index
-- of a few pages finds one account's rows. What is still open is one row per account.
ALTER TABLE earnings_days RENAME TO earnings_days_before;

CREATE TABLE earnings_days (
    ts                   timestamptz NOT NULL,
    number               bigint NOT NULL,
    account              text NOT NULL,
    day                  bigint NOT NULL CHECK (day % 86400000000 = 0),
    equity_start_quanta  bigint NOT NULL,
    equity_end_quanta    bigint NOT NULL,
    flows_quanta         bigint NOT NULL,
    pnl_quanta           bigint NOT NULL,
    funding_quanta       bigint NOT NULL,
    fees_quanta          bigint NOT NULL,
    rebates_quanta       bigint NOT NULL,
    yield_quanta         bigint NOT NULL,
    CHECK (
        equity_end_quanta - equity_start_quanta
        = flows_quanta + pnl_quanta + funding_quanta - fees_quanta + yield_quanta
    )
) PARTITION BY RANGE (ts);
CREATE TABLE earnings_days_default PARTITION OF earnings_days DEFAULT;
CREATE INDEX earnings_days_number ON earnings_days USING brin (number) WITH (pages_per_range = 16, autosummarize = on);

CREATE TABLE earnings_open_days (
    account              text PRIMARY KEY,
    day                  bigint NOT NULL CHECK (day % 86400000000 = 0),
    equity_start_quanta  bigint NOT NULL,
    equity_end_quanta    bigint NOT NULL,
    flows_quanta         bigint NOT NULL,
    pnl_quanta           bigint NOT NULL,
    funding_quanta       bigint NOT NULL,
    fees_quanta          bigint NOT NULL,
    rebates_quanta       bigint NOT NULL,
    yield_quanta         bigint NOT NULL,
    as_of                bigint NOT NULL,
    CHECK (
        equity_end_quanta - equity_start_quanta
        = flows_quanta + pnl_quanta + funding_quanta - fees_quanta + yield_quanta
    )
) WITH (fillfactor = 50);

INSERT INTO earnings_days
SELECT to_timestamp(d.day / 1000000), a.number, d.account, d.day, d.equity_start_quanta, d.equity_end_quanta,
       d.flows_quanta, d.pnl_quanta, d.funding_quanta, d.fees_quanta, d.rebates_quanta, d.yield_quanta
FROM earnings_days_before d JOIN earnings_accounts a USING (account) WHERE d.closed ORDER BY d.day, a.number;
INSERT INTO earnings_open_days
SELECT account, day, equity_start_quanta, equity_end_quanta, flows_quanta, pnl_quanta, funding_quanta, fees_quanta,
       rebates_quanta, yield_quanta, as_of
FROM earnings_days_before WHERE NOT closed;
DROP TABLE earnings_days_before;
SELECT wall_by_account(ARRAY['earnings_days', 'earnings_open_days'], 'account');

-- migrate:down
ALTER TABLE earnings_days RENAME TO earnings_days_after;
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
    rebates_quanta       bigint NOT NULL DEFAULT 0,
    yield_quanta         bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account, day),
    CONSTRAINT earnings_days_check CHECK (
        equity_end_quanta - equity_start_quanta
        = flows_quanta + pnl_quanta + funding_quanta - fees_quanta + yield_quanta
    )
) WITH (fillfactor = 80);
INSERT INTO earnings_days
SELECT account, day, equity_start_quanta, equity_end_quanta, flows_quanta, pnl_quanta, funding_quanta, fees_quanta,
       true, day + 86400000000, rebates_quanta, yield_quanta
FROM earnings_days_after
UNION ALL
SELECT account, day, equity_start_quanta, equity_end_quanta, flows_quanta, pnl_quanta, funding_quanta, fees_quanta,
       false, as_of, rebates_quanta, yield_quanta
FROM earnings_open_days;
DROP TABLE earnings_open_days;
DROP TABLE earnings_days_after;
SELECT wall_by_account(ARRAY['earnings_days'], 'account');
