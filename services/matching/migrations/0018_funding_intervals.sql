-- migrate:up
-- Null: the interval that the funding service is set to.
ALTER TABLE markets ADD COLUMN funding_interval_seconds integer
    CHECK (funding_interval_seconds BETWEEN 60 AND 86400 AND 86400 % funding_interval_seconds = 0);

-- migrate:down
ALTER TABLE markets DROP COLUMN funding_interval_seconds;
