-- migrate:up
-- Who came by whose code, from the sign-in that made him until the venue has answered. Instants are microseconds since
-- the Unix epoch, UTC. `next_at` null: waits until an account opens there. Not folded: a rebuild carries it over.
CREATE TABLE referrals (
    user_id     text    PRIMARY KEY REFERENCES users (id),
    referrer    text    NOT NULL REFERENCES users (id),
    refusals    integer NOT NULL DEFAULT 0,
    next_at     bigint,
    settled_at  bigint,
    reason      text    NOT NULL DEFAULT ''
);
CREATE INDEX referrals_due ON referrals (next_at) WHERE settled_at IS NULL;
CREATE INDEX referrals_referrer ON referrals (referrer) WHERE settled_at IS NULL;

ALTER TABLE referrals ENABLE ROW LEVEL SECURITY;
ALTER TABLE referrals FORCE ROW LEVEL SECURITY;
CREATE POLICY service ON referrals FOR ALL TO cleartide_gateway
    USING (current_setting('cleartide.actor', true) = 'service')
    WITH CHECK (current_setting('cleartide.actor', true) = 'service');

-- Those who came before are told now.
SELECT set_config('cleartide.actor', 'service', true);
INSERT INTO referrals (user_id, referrer, next_at) SELECT id, referred_by, 0 FROM users WHERE referred_by IS NOT NULL;

-- migrate:down
DROP TABLE referrals;
