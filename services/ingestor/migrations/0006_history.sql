-- migrate:up
-- Settled funding rates, one row per settlement.
CREATE TABLE venue_funding_rates (
    ts timestamptz NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    venue_seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    quality text NOT NULL,
    rate_ppb bigint NOT NULL,
    PRIMARY KEY (venue, symbol, ts)
) PARTITION BY RANGE (ts);
CREATE TABLE venue_funding_rates_default PARTITION OF venue_funding_rates DEFAULT;
CREATE INDEX venue_funding_rates_ts ON venue_funding_rates USING brin (ts);
CREATE INDEX venue_funding_rates_symbol_ts ON venue_funding_rates (symbol, ts);
SELECT count_series('venue_funding_rates', true);

-- What the numbers of an instrument mean: quote per tick, base (inverse: quote) per lot.
CREATE TABLE instruments (
    venue text NOT NULL,
    symbol text NOT NULL,
    base text NOT NULL,
    quote text NOT NULL,
    kind text NOT NULL,
    tick_size text NOT NULL,
    lot_size text NOT NULL,
    funding_interval_micros bigint NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (venue, symbol)
);

-- Stretches of time that have been fetched for good, by what is fetched on its own (venue/symbol/interval).
CREATE TABLE series_coverage (
    series text NOT NULL,
    scope text NOT NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    PRIMARY KEY (series, scope, from_at),
    CHECK (from_at < to_at)
);

-- Where a venue's data begins, as far as it tells; null: it has none.
CREATE TABLE series_earliest (
    series text NOT NULL,
    scope text NOT NULL,
    earliest_at timestamptz,
    requests integer NOT NULL,
    found_at timestamptz NOT NULL,
    PRIMARY KEY (series, scope)
);

-- migrate:down
DROP TABLE series_earliest;
DROP TABLE series_coverage;
DROP TABLE instruments;
DROP TABLE venue_funding_rates;
DELETE FROM series_rows WHERE series = 'venue_funding_rates';
