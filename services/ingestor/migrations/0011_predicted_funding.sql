-- migrate:up
-- The rate that a venue predicts for the interval after the running one; null where it says none.
ALTER TABLE venue_funding ADD COLUMN predicted_rate_ppb bigint;

-- migrate:down
ALTER TABLE venue_funding DROP COLUMN predicted_rate_ppb;
