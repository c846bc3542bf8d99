-- migrate:up
-- What an instrument is, stands in one table: what the feed says (said_at > 0) and, where no feed follows it, what a
-- command has read in the venue's listing (said_at = 0).
INSERT INTO venue_instruments
SELECT venue, symbol, base, quote, kind, tick_size, lot_size, lot_size, funding_interval_micros, 0, 0, 0
FROM instruments ON CONFLICT DO NOTHING;
DROP TABLE instruments;

-- Fees of one's own account, as somebody has given them by hand: of one symbol, or with '' of the whole venue.
CREATE TABLE venue_fees (
    venue text NOT NULL,
    symbol text NOT NULL,
    maker_ppb bigint NOT NULL CHECK (abs(maker_ppb) < 1000000000),
    taker_ppb bigint NOT NULL CHECK (abs(taker_ppb) < 1000000000),
    set_at timestamptz NOT NULL,
    PRIMARY KEY (venue, symbol)
);

-- migrate:down
DROP TABLE venue_fees;
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
INSERT INTO instruments
SELECT venue, symbol, base, quote, contract_type, tick_size, lot_size, funding_interval_micros,
    timestamptz '1970-01-01 00:00:00+00' + said_at * interval '1 microsecond'
FROM venue_instruments;
DELETE FROM venue_instruments WHERE said_at = 0;
