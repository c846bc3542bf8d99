-- migrate:up
-- What events brought in, of all owners: reports read those that brought something, in order and by time.
CREATE INDEX chain_events_fee_place ON chain_events (place) WHERE fee > 0;
CREATE INDEX chain_events_fee_time ON chain_events (block_time) WHERE fee > 0;

-- migrate:down
DROP INDEX chain_events_fee_time;
DROP INDEX chain_events_fee_place;
