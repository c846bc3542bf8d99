-- migrate:up
CREATE TABLE assets (
    asset                   text PRIMARY KEY,
    decimals                smallint NOT NULL CHECK (decimals BETWEEN 0 AND 12),
    index_market            text,
    fixed_price             text,
    initial_weight_ppb      bigint NOT NULL,
    maintenance_weight_ppb  bigint NOT NULL,
    cap                     text NOT NULL,
    conversion_fee_ppb      bigint NOT NULL,
    CHECK ((index_market IS NULL) <> (fixed_price IS NULL)),
    CHECK (initial_weight_ppb <= maintenance_weight_ppb AND maintenance_weight_ppb <= 1000000000)
);

-- What is held for somebody, or against a loss, is never overdrawn; cash may be, while positions or collateral stand for it.
ALTER TABLE ledger_balances DROP CONSTRAINT insurance_is_never_overdrawn,
    ADD CONSTRAINT never_overdrawn
        CHECK (balance_quanta >= 0 OR split_part(account, ':', 1) NOT IN ('insurance', 'collateral', 'pool'));

-- migrate:down
ALTER TABLE ledger_balances DROP CONSTRAINT never_overdrawn,
    ADD CONSTRAINT insurance_is_never_overdrawn CHECK (account NOT LIKE 'insurance:%' OR balance_quanta >= 0);
DROP TABLE assets;
