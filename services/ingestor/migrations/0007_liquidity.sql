-- migrate:up
-- What every instrument is: the newest word of the venue. Fees in ppb, negative where the venue pays.
CREATE TABLE venue_instruments (
    venue text NOT NULL,
    symbol text NOT NULL,
    base text NOT NULL,
    quote text NOT NULL,
    contract_type text NOT NULL CHECK (contract_type IN ('linear', 'inverse')),
    tick_size text NOT NULL,
    lot_size text NOT NULL,
    size_step text NOT NULL,
    funding_interval_micros bigint NOT NULL CHECK (funding_interval_micros > 0),
    maker_ppb bigint NOT NULL,
    taker_ppb bigint NOT NULL,
    said_at bigint NOT NULL,
    PRIMARY KEY (venue, symbol)
);

-- One row for each span of some seconds, at which ts is its start: depths in quote quanta, distances in 1e-12 of the middle.
CREATE TABLE venue_liquidity (
    ts timestamptz NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    venue_seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    quality text NOT NULL,
    bid_ticks bigint NOT NULL CHECK (bid_ticks > 0),
    ask_ticks bigint NOT NULL CHECK (ask_ticks > bid_ticks),
    bid_depths jsonb NOT NULL,
    ask_depths jsonb NOT NULL,
    bid_reach bigint NOT NULL,
    ask_reach bigint NOT NULL,
    buy_slippages jsonb NOT NULL,
    sell_slippages jsonb NOT NULL,
    buy_impacts jsonb NOT NULL,
    sell_impacts jsonb NOT NULL,
    PRIMARY KEY (venue, symbol, ts)
) PARTITION BY RANGE (ts);
CREATE TABLE venue_liquidity_default PARTITION OF venue_liquidity DEFAULT;
CREATE INDEX venue_liquidity_ts ON venue_liquidity USING brin (ts);
CREATE INDEX venue_liquidity_symbol_ts ON venue_liquidity (symbol, ts);
SELECT count_series('venue_liquidity', true);

-- migrate:down
DELETE FROM series_rows WHERE series = 'venue_liquidity';
DROP TABLE venue_liquidity;
DROP TABLE venue_instruments;
