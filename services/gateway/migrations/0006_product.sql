-- migrate:up
-- Under which pseudonym a person's use of the product is recorded, and whether it may be. Not folded. Instants are
-- microseconds since the Unix epoch, UTC.
CREATE TABLE product_persons (
    user_id     text    PRIMARY KEY REFERENCES users (id),
    person      text    NOT NULL UNIQUE CHECK (person ~ '^[0-9a-f]{32}$'),
    recording   boolean NOT NULL DEFAULT true,
    changed_at  bigint  NOT NULL
);

ALTER TABLE product_persons ENABLE ROW LEVEL SECURITY;
ALTER TABLE product_persons FORCE ROW LEVEL SECURITY;
CREATE POLICY service ON product_persons FOR ALL TO cleartide_gateway
    USING (current_setting('cleartide.actor', true) = 'service')
    WITH CHECK (current_setting('cleartide.actor', true) = 'service');

-- migrate:down
DROP TABLE product_persons;
