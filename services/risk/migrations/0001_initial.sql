-- migrate:up

CREATE TABLE markets (
    market               text    PRIMARY KEY,
    tick_size            text    NOT NULL,
    lot_size             text    NOT NULL,
    quanta_per_lot_tick  bigint  NOT NULL CHECK (quanta_per_lot_tick > 0),
    mark_ticks           bigint  NOT NULL CHECK (mark_ticks >= 0),
    index_stale          boolean NOT NULL,
    funding_index_quanta bigint  NOT NULL
);
COMMENT ON COLUMN markets.mark_ticks IS '0 = no price yet';
COMMENT ON COLUMN markets.funding_index_quanta IS 'cumulative funding of one lot, quanta';

CREATE TABLE market_brackets (
    market                   text    NOT NULL,
    bracket                  integer NOT NULL CHECK (bracket BETWEEN 0 AND 15),
    upper_notional_quanta    bigint,
    initial_margin_ppb       bigint  NOT NULL,
    maintenance_fraction_ppb bigint  NOT NULL,
    PRIMARY KEY (market, bracket)
);
COMMENT ON TABLE market_brackets IS 'slices of position notional (domain rule R8), lowest first; no upper bound = NULL';

CREATE TABLE accounts (
    account         text     PRIMARY KEY,
    cash_quanta     bigint   NOT NULL,
    level           smallint NOT NULL CHECK (level BETWEEN 0 AND 4),
    account_seq     bigint   NOT NULL CHECK (account_seq >= 0),
    liquidating     boolean  NOT NULL,
    request_market  text,
    request_seq     bigint,
    request_at      bigint,
    CHECK ((request_market IS NULL) = (request_seq IS NULL) AND (request_market IS NULL) = (request_at IS NULL)),
    CHECK (NOT liquidating OR request_market IS NOT NULL)
);
COMMENT ON COLUMN accounts.level IS '0 none, 1 watch, 2 warning, 3 critical, 4 liquidatable';
COMMENT ON COLUMN accounts.account_seq IS 'number of alerts raised for this account';
COMMENT ON COLUMN accounts.liquidating IS 'the last request to liquidate has not been answered yet';
CREATE INDEX accounts_by_level ON accounts (level DESC, account);

CREATE TABLE positions (
    account              text   NOT NULL,
    market               text   NOT NULL,
    lots                 bigint NOT NULL CHECK (lots <> 0),
    quote_quanta         bigint NOT NULL,
    funding_index_quanta bigint NOT NULL,
    PRIMARY KEY (account, market)
);
COMMENT ON COLUMN positions.funding_index_quanta IS 'the market''s index up to which funding has reached cash';

CREATE TABLE alerts (
    alert_seq                 bigint   PRIMARY KEY,
    account                   text     NOT NULL,
    account_seq               bigint   NOT NULL,
    level                     smallint NOT NULL CHECK (level BETWEEN 0 AND 4),
    previous_level            smallint NOT NULL CHECK (previous_level BETWEEN 0 AND 4),
    equity_quanta             bigint   NOT NULL,
    maintenance_margin_quanta bigint   NOT NULL,
    cash_quanta               bigint   NOT NULL,
    unsettled_funding_quanta  bigint   NOT NULL,
    cause_id                  text     NOT NULL,
    cause_seq                 bigint   NOT NULL,
    raised_at                 bigint   NOT NULL,
    UNIQUE (account, account_seq),
    CHECK (level <> previous_level)
);
COMMENT ON COLUMN alerts.alert_seq IS 'gapless; equals the alert''s seq on the RISK stream';
COMMENT ON COLUMN alerts.raised_at IS 'sequenced time of the cause, microseconds since the Unix epoch, UTC';

CREATE TABLE alert_inputs (
    alert_seq                 bigint NOT NULL,
    market                    text   NOT NULL,
    lots                      bigint NOT NULL,
    mark_ticks                bigint NOT NULL,
    value_quanta              bigint NOT NULL,
    quote_quanta              bigint NOT NULL,
    maintenance_margin_quanta bigint NOT NULL,
    PRIMARY KEY (alert_seq, market)
);
COMMENT ON TABLE alert_inputs IS 'the positions an alert was computed from';

-- migrate:down

DROP TABLE alert_inputs;
DROP TABLE alerts;
DROP TABLE positions;
DROP TABLE accounts;
DROP TABLE market_brackets;
DROP TABLE markets;
