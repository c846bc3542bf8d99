-- migrate:up
-- More of what venues say. Open interest is one-sided; a candle is recorded when it is final.
CREATE TABLE venue_interest (
    ts timestamptz NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    venue_seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    quality text NOT NULL,
    open_interest_lots bigint NOT NULL CHECK (open_interest_lots >= 0),
    PRIMARY KEY (venue, symbol, venue_seq, ts)
) PARTITION BY RANGE (ts);
CREATE TABLE venue_interest_default PARTITION OF venue_interest DEFAULT;
CREATE INDEX venue_interest_ts ON venue_interest USING brin (ts);
CREATE INDEX venue_interest_symbol_ts ON venue_interest (symbol, ts);

CREATE TABLE venue_liquidations (
    ts timestamptz NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    venue_seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    quality text NOT NULL,
    liquidation_id text NOT NULL,
    price_ticks bigint NOT NULL CHECK (price_ticks > 0),
    size_lots bigint NOT NULL CHECK (size_lots > 0),
    side text NOT NULL CHECK (side IN ('buy', 'sell')),
    PRIMARY KEY (venue, symbol, liquidation_id, ts)
) PARTITION BY RANGE (ts);
CREATE TABLE venue_liquidations_default PARTITION OF venue_liquidations DEFAULT;
CREATE INDEX venue_liquidations_ts ON venue_liquidations USING brin (ts);
CREATE INDEX venue_liquidations_symbol_ts ON venue_liquidations (symbol, ts);

CREATE TABLE venue_candles (
    ts timestamptz NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    venue_seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    quality text NOT NULL,
    span text NOT NULL,
    open_at timestamptz NOT NULL,
    open_ticks bigint NOT NULL CHECK (open_ticks > 0),
    high_ticks bigint NOT NULL CHECK (high_ticks > 0),
    low_ticks bigint NOT NULL CHECK (low_ticks > 0),
    close_ticks bigint NOT NULL CHECK (close_ticks > 0),
    volume_lots bigint NOT NULL CHECK (volume_lots >= 0),
    PRIMARY KEY (venue, symbol, span, open_at, ts)
) PARTITION BY RANGE (ts);
CREATE TABLE venue_candles_default PARTITION OF venue_candles DEFAULT;
CREATE INDEX venue_candles_ts ON venue_candles USING brin (ts);
CREATE INDEX venue_candles_symbol_ts ON venue_candles (symbol, ts);

CREATE TABLE venue_stats (
    ts timestamptz NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    venue_seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    quality text NOT NULL,
    last_ticks bigint NOT NULL CHECK (last_ticks > 0),
    high_ticks bigint NOT NULL CHECK (high_ticks > 0),
    low_ticks bigint NOT NULL CHECK (low_ticks > 0),
    volume_lots bigint NOT NULL CHECK (volume_lots >= 0),
    PRIMARY KEY (venue, symbol, venue_seq, ts)
) PARTITION BY RANGE (ts);
CREATE TABLE venue_stats_default PARTITION OF venue_stats DEFAULT;
CREATE INDEX venue_stats_ts ON venue_stats USING brin (ts);
CREATE INDEX venue_stats_symbol_ts ON venue_stats (symbol, ts);

-- migrate:down
DROP TABLE venue_stats;
DROP TABLE venue_candles;
DROP TABLE venue_liquidations;
DROP TABLE venue_interest;
