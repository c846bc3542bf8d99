-- migrate:up
ALTER TABLE funding_markets
    DROP CONSTRAINT funding_markets_check1,
    ADD COLUMN last_interval_micros bigint,
    ADD COLUMN last_funding_type text,
    ADD COLUMN next_interval_micros bigint,
    ADD COLUMN manual_ppb bigint,
    ADD COLUMN emergency_ppb bigint,
    ADD COLUMN settled_start bigint NOT NULL DEFAULT -1;
UPDATE funding_markets m SET
    last_interval_micros = CASE WHEN last_interval_start IS NULL THEN NULL ELSE interval_micros END,
    last_funding_type = CASE WHEN last_interval_start IS NULL THEN NULL ELSE 'automatic' END,
    settled_start = coalesce((SELECT max(interval_start) FROM funding_settlements s WHERE s.market = m.market), -1);
ALTER TABLE funding_markets ADD CHECK (last_interval_start + last_interval_micros <= open_start);
COMMENT ON COLUMN funding_markets.interval_micros IS 'of the open interval';

ALTER TABLE funding_rates ADD COLUMN funding_type text NOT NULL DEFAULT 'automatic'
    CHECK (funding_type IN ('automatic', 'manual', 'emergency'));

-- What an account holds from the settlement after an interval on; payments are derived from it on read.
CREATE TABLE funding_positions (
    account        text   NOT NULL,
    market         text   NOT NULL,
    from_interval  bigint NOT NULL,
    lots           bigint NOT NULL,
    PRIMARY KEY (account, market, from_interval)
);

-- migrate:down
DROP TABLE funding_positions;
ALTER TABLE funding_rates DROP COLUMN funding_type;
ALTER TABLE funding_markets
    DROP COLUMN settled_start,
    DROP COLUMN emergency_ppb,
    DROP COLUMN manual_ppb,
    DROP COLUMN next_interval_micros,
    DROP COLUMN last_funding_type,
    DROP COLUMN last_interval_micros;
