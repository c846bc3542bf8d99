-- migrate:up
-- Markets without a row have no bands, no breaker and no caps.
CREATE TABLE market_limits (
    market             text PRIMARY KEY,
    min_order_size     text,
    max_order_size     text,
    max_leverage       integer,
    open_interest_cap  text,
    position_cap       text,
    band_ppb           bigint NOT NULL,
    twap_band_ppb      bigint NOT NULL,
    breaker_ppb        bigint NOT NULL,
    pause_micros       bigint NOT NULL
);

-- The five-minute average of the index, in millionths of a tick.
ALTER TABLE marks ADD COLUMN index_average_micro_ticks bigint NOT NULL DEFAULT 0;
UPDATE marks SET index_average_micro_ticks = index_ticks * 1000000;

CREATE TABLE market_states (
    market        text PRIMARY KEY,
    state         text NOT NULL CHECK (
        state IN ('trading', 'post_only', 'auction', 'reduce_only', 'halted', 'delisting', 'delisted')
    ),
    since         bigint NOT NULL,
    ends_at       bigint,
    spec_version  bigint NOT NULL CHECK (spec_version > 0)
);
INSERT INTO market_states SELECT market, 'trading', 0, NULL, 1 FROM markets;

CREATE TABLE venue_settings (
    name   text PRIMARY KEY CHECK (name IN ('mode', 'kill_switch', 'maintenance')),
    value  text NOT NULL
);

CREATE TABLE venue_limits (
    mode                   text PRIMARY KEY CHECK (mode IN ('demo', 'live')),
    max_position_quanta    bigint,
    max_leverage           integer,
    max_daily_loss_quanta  bigint
);

CREATE TABLE order_tiers (
    tier        text PRIMARY KEY,
    per_minute  integer,
    per_hour    integer,
    per_day     integer
);

CREATE TABLE account_terms (
    account   text PRIMARY KEY,
    tier      text NOT NULL,
    standing  text NOT NULL CHECK (standing IN ('active', 'reduce_only', 'suspended'))
);

-- Orders of the last day, of accounts whose tier has caps.
CREATE TABLE order_times (
    account  text NOT NULL,
    number   bigint NOT NULL,
    at       bigint NOT NULL,
    PRIMARY KEY (account, number)
);

-- Profit, funding and fees of an account's present UTC day, counted from the Unix epoch.
CREATE TABLE daily_results (
    account        text PRIMARY KEY,
    day            integer NOT NULL,
    result_quanta  bigint NOT NULL
) WITH (fillfactor = 70);

-- How many orders ended how; the stage is the check that refused them, or 'accepted'.
CREATE TABLE order_attempts (
    market    text NOT NULL,
    stage     text NOT NULL,
    reason    text NOT NULL,
    attempts  bigint NOT NULL CHECK (attempts > 0),
    PRIMARY KEY (market, stage, reason)
) WITH (fillfactor = 50);

-- Every change of a market or of the venue: who made it, when, what it was and what it is now.
CREATE TABLE venue_changes (
    change_id    bigint PRIMARY KEY,
    at           bigint NOT NULL,
    command_seq  bigint NOT NULL,
    source       text NOT NULL,
    by           text NOT NULL,
    note         text NOT NULL,
    scope        text NOT NULL,
    name         text NOT NULL,
    old          text NOT NULL,
    new          text NOT NULL
);
CREATE INDEX venue_changes_by_scope ON venue_changes (scope, change_id);

-- migrate:down
DROP TABLE venue_changes;
DROP TABLE order_attempts;
DROP TABLE daily_results;
DROP TABLE order_times;
DROP TABLE account_terms;
DROP TABLE order_tiers;
DROP TABLE venue_limits;
DROP TABLE venue_settings;
DROP TABLE market_states;
ALTER TABLE marks DROP COLUMN index_average_micro_ticks;
DROP TABLE market_limits;
