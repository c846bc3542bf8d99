-- migrate:up
-- Farms of vaults. Rewards that are not paid are ledger account farm:<vault>.
CREATE TABLE farms (
    vault            text PRIMARY KEY,
    fee_bps          integer NOT NULL,
    to_come_quanta   bigint NOT NULL CHECK (to_come_quanta >= 0),
    at               bigint NOT NULL,
    ends_at          bigint NOT NULL,
    earned           text NOT NULL,
    staked           bigint NOT NULL CHECK (staked >= 0)
) WITH (fillfactor = 50);
COMMENT ON COLUMN farms.earned IS 'reward of one share so far, in 2^-64 quanta';

CREATE TABLE farm_stakes (
    vault           text NOT NULL,
    account         text NOT NULL,
    shares          bigint NOT NULL CHECK (shares >= 0),
    credited        text NOT NULL,
    pending_quanta  bigint NOT NULL CHECK (pending_quanta >= 0),
    PRIMARY KEY (vault, account)
) WITH (fillfactor = 70);
CREATE INDEX farm_stakes_by_account ON farm_stakes (account, vault);

ALTER TABLE ledger_balances DROP CONSTRAINT never_overdrawn,
    ADD CONSTRAINT never_overdrawn CHECK (
        balance_quanta >= 0
        OR split_part(account, ':', 1)
            NOT IN ('insurance', 'collateral', 'farm', 'locked', 'pool', 'referral', 'vault')
    );

SELECT wall_by_account(ARRAY['farm_stakes'], 'account');

-- migrate:down
SELECT unwall(ARRAY['farm_stakes']);
ALTER TABLE ledger_balances DROP CONSTRAINT never_overdrawn,
    ADD CONSTRAINT never_overdrawn CHECK (
        balance_quanta >= 0
        OR split_part(account, ':', 1) NOT IN ('insurance', 'collateral', 'locked', 'pool', 'referral', 'vault')
    );
DROP TABLE farm_stakes;
DROP TABLE farms;
