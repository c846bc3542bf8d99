-- migrate:up

ALTER TABLE markets ADD COLUMN taker_fee_ppb bigint NOT NULL DEFAULT 0;

CREATE TABLE mark_hours (
    market     text   NOT NULL,
    hour       bigint NOT NULL,
    mark_ticks bigint NOT NULL CHECK (mark_ticks > 0),
    PRIMARY KEY (market, hour)
);
COMMENT ON TABLE mark_hours IS 'the first mark price of each hour, for value at risk and stress; the last 744 per market';
COMMENT ON COLUMN mark_hours.hour IS 'hours since the Unix epoch';

CREATE TABLE insurance_points (
    market         text   NOT NULL,
    seq            bigint NOT NULL,
    at             bigint NOT NULL,
    balance_quanta bigint NOT NULL,
    PRIMARY KEY (market, seq)
);
COMMENT ON TABLE insurance_points IS 'what was in a market''s insurance fund after an event';

-- migrate:down

DROP TABLE insurance_points;
DROP TABLE mark_hours;
ALTER TABLE markets DROP COLUMN taker_fee_ppb;
