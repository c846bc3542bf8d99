-- migrate:up
-- On their way in: a row leaves when the deposit is credited or has failed, its steps stay in transfers.
CREATE TABLE deposits (
    asset                 text NOT NULL,
    tx_id                 text NOT NULL,
    output                integer NOT NULL,
    deposit_id            bigint NOT NULL UNIQUE,
    account               text NOT NULL,
    amount_units          bigint NOT NULL CHECK (amount_units > 0),
    confirmations         integer NOT NULL,
    confirmations_needed  integer NOT NULL,
    status                text NOT NULL CHECK (status IN ('pending', 'expired')),
    seen_at               bigint NOT NULL,
    PRIMARY KEY (asset, tx_id, output),
    CHECK (confirmations < confirmations_needed)
);
CREATE INDEX deposits_by_account ON deposits (account, deposit_id);

-- On their way out: the amount is locked, in ledger account locked:<asset>:<account>.
CREATE TABLE withdrawals (
    withdrawal_id  bigint PRIMARY KEY,
    account        text NOT NULL,
    asset          text NOT NULL,
    amount_units   bigint NOT NULL CHECK (amount_units > 0),
    destination    text NOT NULL,
    status         text NOT NULL CHECK (status IN ('pending', 'processing')),
    asked_at       bigint NOT NULL
);
CREATE INDEX withdrawals_by_account ON withdrawals (account, withdrawal_id);

CREATE TABLE transfers (
    transfer_id   bigint PRIMARY KEY,
    at            bigint NOT NULL,
    account       text NOT NULL,
    asset         text NOT NULL,
    kind          text NOT NULL,
    status        text NOT NULL,
    amount_units  bigint NOT NULL CHECK (amount_units <> 0),
    moved_units   bigint NOT NULL CHECK (moved_units IN (0, amount_units)),
    counterparty  text NOT NULL,
    reference     text NOT NULL
);
CREATE INDEX transfers_by_account ON transfers (account, transfer_id);

ALTER TABLE applied_ids DROP CONSTRAINT applied_ids_kind_check,
    ADD CONSTRAINT applied_ids_kind_check CHECK (kind IN ('command', 'trade', 'deposit'));
ALTER TABLE ledger_balances DROP CONSTRAINT never_overdrawn,
    ADD CONSTRAINT never_overdrawn
        CHECK (balance_quanta >= 0 OR split_part(account, ':', 1) NOT IN ('insurance', 'collateral', 'locked', 'pool'));

-- migrate:down
ALTER TABLE ledger_balances DROP CONSTRAINT never_overdrawn,
    ADD CONSTRAINT never_overdrawn
        CHECK (balance_quanta >= 0 OR split_part(account, ':', 1) NOT IN ('insurance', 'collateral', 'pool'));
ALTER TABLE applied_ids DROP CONSTRAINT applied_ids_kind_check,
    ADD CONSTRAINT applied_ids_kind_check CHECK (kind IN ('command', 'trade'));
DROP TABLE transfers;
DROP TABLE withdrawals;
DROP TABLE deposits;
