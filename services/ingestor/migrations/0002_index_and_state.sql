-- migrate:up
-- Each index price as it was said, with what every source gave; `ts` is sequenced time, price null = stale.
CREATE TABLE index_prices (
    ts timestamptz NOT NULL,
    market text NOT NULL,
    price text,
    used integer NOT NULL CHECK (used >= 0),
    PRIMARY KEY (market, ts)
) PARTITION BY RANGE (ts);
CREATE TABLE index_prices_default PARTITION OF index_prices DEFAULT;
CREATE INDEX index_prices_ts ON index_prices USING brin (ts);

CREATE TABLE index_sources (
    ts timestamptz NOT NULL,
    market text NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    price text NOT NULL,
    weight integer NOT NULL,
    age_micros bigint NOT NULL,
    rejected text NOT NULL,
    PRIMARY KEY (market, venue, symbol, ts)
) PARTITION BY RANGE (ts);
CREATE TABLE index_sources_default PARTITION OF index_sources DEFAULT;
CREATE INDEX index_sources_ts ON index_sources USING brin (ts);
CREATE INDEX index_sources_market_ts ON index_sources (market, ts);

-- What the fold remembers. Times are microseconds UTC, 0 = not yet; prices and sizes in the instrument's ticks and lots.
CREATE TABLE venue_newest (
    venue text NOT NULL,
    symbol text NOT NULL,
    bid_ticks bigint NOT NULL,
    bid_lots bigint NOT NULL,
    ask_ticks bigint NOT NULL,
    ask_lots bigint NOT NULL,
    quote_seq bigint NOT NULL,
    quote_venue_time bigint NOT NULL,
    quote_received_at bigint NOT NULL,
    last_ticks bigint NOT NULL,
    last_lots bigint NOT NULL,
    trade_seq bigint NOT NULL,
    trade_venue_time bigint NOT NULL,
    PRIMARY KEY (venue, symbol)
);

CREATE TABLE venue_statuses (
    venue text NOT NULL,
    symbol text NOT NULL,
    status text NOT NULL,
    detail text NOT NULL,
    since bigint NOT NULL,
    heard_at bigint NOT NULL,
    gaps bigint NOT NULL,
    last_gap_at bigint NOT NULL,
    PRIMARY KEY (venue, symbol)
);

CREATE TABLE index_clock (
    market text PRIMARY KEY,
    said_at bigint NOT NULL,
    price text
);

-- migrate:down
DROP TABLE index_clock;
DROP TABLE venue_statuses;
DROP TABLE venue_newest;
DROP TABLE index_sources;
DROP TABLE index_prices;
