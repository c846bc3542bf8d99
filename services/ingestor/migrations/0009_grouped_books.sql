-- migrate:up
-- Books in steps of `multiple` ticks, one row for each span of some seconds, at which ts is its start. Levels are arrays
-- of [ticks, lots], best first, at most 20 a side.
CREATE TABLE venue_grouped_books (
    ts timestamptz NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    venue_seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    quality text NOT NULL,
    multiple integer NOT NULL CHECK (multiple > 1),
    bids jsonb NOT NULL,
    asks jsonb NOT NULL,
    PRIMARY KEY (venue, symbol, multiple, ts)
) PARTITION BY RANGE (ts);
CREATE TABLE venue_grouped_books_default PARTITION OF venue_grouped_books DEFAULT;
CREATE INDEX venue_grouped_books_ts ON venue_grouped_books USING brin (ts);
CREATE INDEX venue_grouped_books_symbol_ts ON venue_grouped_books (symbol, ts);
SELECT count_series('venue_grouped_books', true);

-- migrate:down
DELETE FROM series_rows WHERE series = 'venue_grouped_books';
DROP TABLE venue_grouped_books;
