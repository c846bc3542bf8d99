-- migrate:up
-- Brakes pulled and let go: of no owner, so a tenant may read them, as it does the vaults' states.
CREATE TABLE vault_brakes (
    chain        text NOT NULL,
    signature    text NOT NULL,
    event_index  bigint NOT NULL,
    vault        text NOT NULL,
    slot         bigint NOT NULL,
    block_time   bigint NOT NULL,
    action       text NOT NULL,
    PRIMARY KEY (chain, signature, event_index)
);
CREATE INDEX vault_brakes_order ON vault_brakes (vault, block_time, slot, event_index, signature);
INSERT INTO vault_brakes
SELECT chain, signature, event_index, vault, slot, block_time, body::jsonb ->> 'action'
FROM chain_notes WHERE kind = 'EmergencyActionTaken';

-- What has not been retracted.
CREATE VIEW standing_events WITH (security_invoker = true) AS
SELECT * FROM chain_events e WHERE NOT EXISTS (
  SELECT FROM chain_retractions r WHERE (r.chain, r.signature, r.event_index) = (e.chain, e.signature, e.event_index));
CREATE VIEW standing_states WITH (security_invoker = true) AS
SELECT * FROM vault_states s WHERE NOT EXISTS (
  SELECT FROM chain_retractions r WHERE (r.chain, r.signature, r.event_index) = (s.chain, s.signature, s.event_index));
CREATE VIEW standing_brakes WITH (security_invoker = true) AS
SELECT * FROM vault_brakes b WHERE NOT EXISTS (
  SELECT FROM chain_retractions r WHERE (r.chain, r.signature, r.event_index) = (b.chain, b.signature, b.event_index));
SELECT open_to_tenants(ARRAY['vault_brakes', 'standing_events', 'standing_states', 'standing_brakes']);

-- Whether a vault is active, paused or closed at an instant: the last word of its states and its brakes. Null before any.
CREATE FUNCTION vault_status(asked text, at bigint) RETURNS text LANGUAGE sql STABLE AS $$
SELECT status FROM (
  (SELECT s.status, s.block_time, s.slot, s.event_index, s.signature FROM standing_states s
   WHERE s.vault = asked AND s.block_time <= at
   ORDER BY s.block_time DESC, s.slot DESC, s.event_index DESC, s.signature DESC LIMIT 1)
  UNION ALL
  (SELECT CASE b.action WHEN 'pause' THEN 'paused' ELSE 'active' END, b.block_time, b.slot, b.event_index, b.signature
   FROM standing_brakes b
   WHERE b.vault = asked AND b.block_time <= at AND b.action IN ('pause', 'resume')
   ORDER BY b.block_time DESC, b.slot DESC, b.event_index DESC, b.signature DESC LIMIT 1)
) said ORDER BY block_time DESC, slot DESC, event_index DESC, signature DESC LIMIT 1
$$;

-- migrate:down
DROP FUNCTION vault_status;
DROP VIEW standing_brakes;
DROP VIEW standing_states;
DROP VIEW standing_events;
DROP TABLE vault_brakes;
