-- migrate:up
ALTER TABLE accounts ADD COLUMN parent text, ADD COLUMN isolated_market text,
    ADD CONSTRAINT only_subaccounts_are_isolated CHECK (isolated_market IS NULL OR parent IS NOT NULL);
COMMENT ON COLUMN accounts.parent IS 'the head of the family, null for a head itself';
COMMENT ON COLUMN accounts.isolated_market IS 'the one market that an isolated account trades, null for a cross one';
CREATE INDEX accounts_by_parent ON accounts (parent, account);

CREATE TABLE delegates (
    account       text NOT NULL,
    delegate      text NOT NULL,
    may_cancel    boolean NOT NULL,
    may_deposit   boolean NOT NULL,
    may_trade     boolean NOT NULL,
    may_transfer  boolean NOT NULL,
    may_withdraw  boolean NOT NULL,
    PRIMARY KEY (account, delegate),
    CHECK (may_cancel OR may_deposit OR may_trade OR may_transfer OR may_withdraw)
);

-- migrate:down
DROP TABLE delegates;
DROP INDEX accounts_by_parent;
ALTER TABLE accounts DROP COLUMN isolated_market, DROP COLUMN parent;
