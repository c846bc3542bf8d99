-- migrate:up
-- Time series, one partition a day; the default partition takes what has no day yet. `ts` is the venue's own time.
CREATE TABLE venue_tickers (
    ts timestamptz NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    venue_seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    quality text NOT NULL,
    bid_ticks bigint NOT NULL CHECK (bid_ticks > 0),
    bid_lots bigint NOT NULL CHECK (bid_lots >= 0),
    ask_ticks bigint NOT NULL CHECK (ask_ticks > 0),
    ask_lots bigint NOT NULL CHECK (ask_lots >= 0),
    PRIMARY KEY (venue, symbol, venue_seq, ts)
) PARTITION BY RANGE (ts);
CREATE TABLE venue_tickers_default PARTITION OF venue_tickers DEFAULT;
CREATE INDEX venue_tickers_ts ON venue_tickers USING brin (ts);
CREATE INDEX venue_tickers_symbol_ts ON venue_tickers (symbol, ts);

CREATE TABLE venue_trades (
    ts timestamptz NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    venue_seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    quality text NOT NULL,
    trade_id text NOT NULL,
    price_ticks bigint NOT NULL CHECK (price_ticks > 0),
    size_lots bigint NOT NULL CHECK (size_lots > 0),
    taker_side text NOT NULL CHECK (taker_side IN ('buy', 'sell')),
    PRIMARY KEY (venue, symbol, trade_id, ts)
) PARTITION BY RANGE (ts);
CREATE TABLE venue_trades_default PARTITION OF venue_trades DEFAULT;
CREATE INDEX venue_trades_ts ON venue_trades USING brin (ts);
CREATE INDEX venue_trades_symbol_ts ON venue_trades (symbol, ts);

-- Levels are arrays of [ticks, lots], best first, at most 20 a side.
CREATE TABLE venue_books (
    ts timestamptz NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    venue_seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    quality text NOT NULL,
    bids jsonb NOT NULL,
    asks jsonb NOT NULL,
    PRIMARY KEY (venue, symbol, venue_seq, ts)
) PARTITION BY RANGE (ts);
CREATE TABLE venue_books_default PARTITION OF venue_books DEFAULT;
CREATE INDEX venue_books_ts ON venue_books USING brin (ts);
CREATE INDEX venue_books_symbol_ts ON venue_books (symbol, ts);

CREATE TABLE venue_funding (
    ts timestamptz NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    venue_seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    quality text NOT NULL,
    mark_ticks bigint NOT NULL CHECK (mark_ticks > 0),
    index_ticks bigint NOT NULL CHECK (index_ticks > 0),
    rate_ppb bigint NOT NULL,
    interval_micros bigint NOT NULL CHECK (interval_micros > 0),
    next_funding_at timestamptz NOT NULL,
    PRIMARY KEY (venue, symbol, venue_seq, ts)
) PARTITION BY RANGE (ts);
CREATE TABLE venue_funding_default PARTITION OF venue_funding DEFAULT;
CREATE INDEX venue_funding_ts ON venue_funding USING brin (ts);
CREATE INDEX venue_funding_symbol_ts ON venue_funding (symbol, ts);

CREATE TABLE venue_gaps (
    ts timestamptz NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    venue_seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    quality text NOT NULL,
    id text NOT NULL,
    expected_seq bigint NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (id, ts)
) PARTITION BY RANGE (ts);
CREATE TABLE venue_gaps_default PARTITION OF venue_gaps DEFAULT;
CREATE INDEX venue_gaps_ts ON venue_gaps USING brin (ts);
CREATE INDEX venue_gaps_symbol_ts ON venue_gaps (symbol, ts);

-- migrate:down
DROP TABLE venue_gaps;
DROP TABLE venue_funding;
DROP TABLE venue_books;
DROP TABLE venue_trades;
DROP TABLE venue_tickers;
