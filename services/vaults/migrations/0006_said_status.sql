-- migrate:up
-- A state that says no status leaves what is known: it used to count as "active", and so let go of a brake that somebody
-- had pulled. States from before stay as they were counted: which of them said it only the journal knows.
ALTER TABLE vault_states ALTER COLUMN status DROP NOT NULL;
CREATE INDEX vault_states_said ON vault_states (vault, block_time, slot, event_index, signature) WHERE status IS NOT NULL;

-- Whether a vault is active, paused or closed at an instant: the last word of its states and its brakes. Null before any.
CREATE OR REPLACE FUNCTION vault_status(asked text, at bigint) RETURNS text LANGUAGE sql STABLE AS $$
SELECT coalesce((
  SELECT status FROM (
    (SELECT s.status, s.block_time, s.slot, s.event_index, s.signature FROM standing_states s
     WHERE s.vault = asked AND s.block_time <= at AND s.status IS NOT NULL
     ORDER BY s.block_time DESC, s.slot DESC, s.event_index DESC, s.signature DESC LIMIT 1)
    UNION ALL
    (SELECT CASE b.action WHEN 'pause' THEN 'paused' ELSE 'active' END, b.block_time, b.slot, b.event_index, b.signature
     FROM standing_brakes b
     WHERE b.vault = asked AND b.block_time <= at AND b.action IN ('pause', 'resume')
     ORDER BY b.block_time DESC, b.slot DESC, b.event_index DESC, b.signature DESC LIMIT 1)
  ) said ORDER BY block_time DESC, slot DESC, event_index DESC, signature DESC LIMIT 1
), (SELECT 'active' FROM standing_states s WHERE s.vault = asked AND s.block_time <= at LIMIT 1))
$$;

-- migrate:down
CREATE OR REPLACE FUNCTION vault_status(asked text, at bigint) RETURNS text LANGUAGE sql STABLE AS $$
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
DROP INDEX vault_states_said;
UPDATE vault_states SET status = 'active' WHERE status IS NULL;
ALTER TABLE vault_states ALTER COLUMN status SET NOT NULL;
