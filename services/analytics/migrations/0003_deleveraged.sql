-- migrate:up
-- What went to the other side, and why a rest stays.
ALTER TABLE liquidations
    ADD COLUMN deleveraged_lots bigint NOT NULL DEFAULT 0,
    ADD COLUMN waits text;

-- migrate:down
ALTER TABLE liquidations DROP COLUMN waits, DROP COLUMN deleveraged_lots;
