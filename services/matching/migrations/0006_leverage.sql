-- migrate:up
ALTER TABLE markets ADD COLUMN oi_scale_lower_quanta bigint NOT NULL DEFAULT 0,
    ADD COLUMN oi_scale_upper_quanta bigint NOT NULL DEFAULT 0;

CREATE TABLE leverages (
    account   text NOT NULL,
    market    text NOT NULL,
    leverage  integer NOT NULL CHECK (leverage > 0),
    PRIMARY KEY (account, market)
);

-- migrate:down
DROP TABLE leverages;
ALTER TABLE markets DROP COLUMN oi_scale_upper_quanta, DROP COLUMN oi_scale_lower_quanta;
