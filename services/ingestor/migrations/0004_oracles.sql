-- migrate:up
-- The newest price of every oracle: price and confidence times 10^exponent, with its slot; times in microseconds UTC.
CREATE TABLE oracle_newest (
    venue text NOT NULL,
    symbol text NOT NULL,
    price bigint NOT NULL CHECK (price > 0),
    confidence bigint NOT NULL CHECK (confidence >= 0),
    exponent smallint NOT NULL,
    slot bigint NOT NULL,
    venue_time bigint NOT NULL,
    received_at bigint NOT NULL,
    PRIMARY KEY (venue, symbol)
);

-- migrate:down
DROP TABLE oracle_newest;
