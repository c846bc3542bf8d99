-- migrate:up
-- Who holds the place, for those who stand by. It only advises: the fence is the epoch of consumer_position.
-- session, session_start: the backend of the holder's sign of life; 0 when it cannot be seen through a pooling proxy.
-- patience_ms: how long it may be silent; 0 when nobody need wait for it.
CREATE TABLE lease (
    one            boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch          bigint NOT NULL DEFAULT 0,
    code           text NOT NULL DEFAULT '',
    session        integer NOT NULL DEFAULT 0,
    session_start  timestamptz,
    patience_ms    integer NOT NULL DEFAULT 0,
    beats          bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO lease DEFAULT VALUES;

-- migrate:down
DROP TABLE lease;
