-- migrate:up
-- Outside trades taken back (no price) or corrected, by the number of their first execution. The last one of a trade holds.
CREATE TABLE restatements (
    seq             bigint PRIMARY KEY,
    market          text NOT NULL,
    first_trade_id  bigint NOT NULL,
    minute          bigint NOT NULL,
    price_ticks     bigint,
    size_lots       bigint,
    quote_quanta    bigint,
    taker_side      text,
    CHECK (num_nulls(price_ticks, size_lots, quote_quanta, taker_side) IN (0, 4))
);
CREATE INDEX restatements_by_trade ON restatements (first_trade_id, seq);
CREATE INDEX restatements_by_minute ON restatements (market, minute);

-- Trades from before this had no number here; none of them can be restated.
ALTER TABLE trades ADD COLUMN trade_id bigint;

-- Of the trades in a candle: how many were restated while it was open.
ALTER TABLE candles ADD COLUMN restated bigint NOT NULL DEFAULT 0;
ALTER TABLE open_candles ADD COLUMN restated bigint NOT NULL DEFAULT 0;

-- The trades as they hold now, each at the place where it was made.
CREATE VIEW trades_now AS
SELECT t.seq, t.market, t.minute, t.at, t.origin, r.seq IS NOT NULL AS restated,
       coalesce(r.price_ticks, t.price_ticks) AS price_ticks,
       coalesce(r.size_lots, t.size_lots) AS size_lots,
       coalesce(r.quote_quanta, t.quote_quanta) AS quote_quanta,
       coalesce(r.taker_side, t.taker_side) AS taker_side
FROM trades t LEFT JOIN LATERAL (
    SELECT * FROM restatements WHERE first_trade_id = t.trade_id ORDER BY seq DESC LIMIT 1
) r ON true
WHERE r.seq IS NULL OR r.price_ticks IS NOT NULL;

-- The candles as they hold now: those that were told, but where a trade was restated the minute is counted again.
CREATE VIEW candles_now AS
SELECT market, series, open_time, open_ticks, high_ticks, low_ticks, close_ticks, volume_lots, quote_quanta, entries, closed
FROM candles c
WHERE series <> 'trade' OR NOT EXISTS (
    SELECT 1 FROM restatements r WHERE r.market = c.market AND r.minute = c.open_time
)
UNION ALL
SELECT c.market, c.series, c.open_time, counted.*, c.closed
FROM candles c
CROSS JOIN LATERAL (
    SELECT (array_agg(price_ticks ORDER BY seq))[1] AS open_ticks, max(price_ticks) AS high_ticks,
           min(price_ticks) AS low_ticks, (array_agg(price_ticks ORDER BY seq DESC))[1] AS close_ticks,
           sum(size_lots)::bigint AS volume_lots, sum(quote_quanta)::bigint AS quote_quanta, count(*) AS entries
    FROM trades_now t WHERE t.market = c.market AND t.minute = c.open_time
) counted
WHERE c.series = 'trade' AND counted.entries > 0 AND EXISTS (
    SELECT 1 FROM restatements r WHERE r.market = c.market AND r.minute = c.open_time
);

-- migrate:down
DROP VIEW candles_now;
DROP VIEW trades_now;
ALTER TABLE open_candles DROP COLUMN restated;
ALTER TABLE candles DROP COLUMN restated;
ALTER TABLE trades DROP COLUMN trade_id;
DROP TABLE restatements;
