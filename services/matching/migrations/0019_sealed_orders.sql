-- migrate:up
-- Markets in which orders that may take are sealed: how long a round collects and hears reveals, and what is locked.
CREATE TABLE market_batching (
    market         text PRIMARY KEY,
    commit_micros  bigint NOT NULL CHECK (commit_micros > 0),
    reveal_micros  bigint NOT NULL CHECK (reveal_micros > 0),
    bond_quanta    bigint NOT NULL CHECK (bond_quanta >= 0)
);

CREATE TABLE rounds (
    round_id   bigint PRIMARY KEY,
    market     text NOT NULL,
    closes_at  bigint NOT NULL,
    ends_at    bigint NOT NULL CHECK (ends_at > closes_at)
) WITH (fillfactor = 50);

-- The bond is in ledger account locked:<asset>:<account>. salt and revealed (the order's terms as JSON) are empty while
-- the commitment is sealed.
CREATE TABLE commitments (
    commitment_id  bigint PRIMARY KEY,
    round_id       bigint NOT NULL,
    account        text NOT NULL,
    digest         text NOT NULL,
    bond_quanta    bigint NOT NULL CHECK (bond_quanta >= 0),
    actor          text,
    salt           text NOT NULL,
    revealed       text NOT NULL,
    CHECK ((salt = '') = (revealed = ''))
) WITH (fillfactor = 50);

-- migrate:down
DROP TABLE commitments;
DROP TABLE rounds;
DROP TABLE market_batching;
