-- migrate:up
-- Outside trades that may still be taken back or corrected, in their present form; rows go when their time is over.
CREATE TABLE reported_trades (
    source             text NOT NULL,
    outside_trade_id   text NOT NULL,
    market             text NOT NULL,
    first_trade_id     bigint NOT NULL,
    trade_id           bigint NOT NULL CHECK (trade_id >= first_trade_id),
    at                 bigint NOT NULL,
    price_ticks        bigint NOT NULL CHECK (price_ticks > 0),
    size_lots          bigint NOT NULL CHECK (size_lots > 0),
    buyer              text NOT NULL,
    seller             text NOT NULL CHECK (seller <> buyer),
    last_before_ticks  bigint NOT NULL,
    busted             boolean NOT NULL,
    PRIMARY KEY (source, outside_trade_id)
);

-- The trade that a reversal takes back or a correction replaces. A position is the sum of the trades, these included.
ALTER TABLE trades ADD COLUMN corrects bigint;

-- migrate:down
ALTER TABLE trades DROP COLUMN corrects;
DROP TABLE reported_trades;
