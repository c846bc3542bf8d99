-- migrate:up
-- Rates by volume. The empty market name stands for every market without tiers of its own.
CREATE TABLE fee_tiers (
    market         text NOT NULL,
    tier           integer NOT NULL,
    volume_quanta  bigint NOT NULL CHECK (volume_quanta >= 0),
    taker_fee_ppb  bigint NOT NULL CHECK (taker_fee_ppb >= 0),
    maker_fee_ppb  bigint NOT NULL,
    PRIMARY KEY (market, tier)
);
COMMENT ON COLUMN fee_tiers.maker_fee_ppb IS 'below zero a rebate';

CREATE TABLE referral_terms (
    one                   boolean PRIMARY KEY CHECK (one),
    referee_discount_ppb  bigint NOT NULL,
    referrer_share_ppb    bigint NOT NULL
);

-- What a referrer has earned and not claimed is ledger account referral:<account>.
CREATE TABLE referrals (
    account   text PRIMARY KEY,
    referrer  text NOT NULL,
    CHECK (account <> referrer)
);
CREATE INDEX referrals_by_referrer ON referrals (referrer, account);

-- Of families, by their head; days since the Unix epoch, UTC. Days that can count no more are removed.
CREATE TABLE traded_volumes (
    account       text NOT NULL,
    day           integer NOT NULL,
    quote_quanta  bigint NOT NULL CHECK (quote_quanta > 0),
    PRIMARY KEY (account, day)
) WITH (fillfactor = 70);

CREATE TABLE fee_revenue (
    day                integer NOT NULL,
    market             text NOT NULL,
    taker_fees_quanta  bigint NOT NULL CHECK (taker_fees_quanta >= 0),
    maker_fees_quanta  bigint NOT NULL CHECK (maker_fees_quanta >= 0),
    rebates_quanta     bigint NOT NULL CHECK (rebates_quanta >= 0),
    referrals_quanta   bigint NOT NULL CHECK (referrals_quanta >= 0),
    PRIMARY KEY (day, market),
    CHECK (rebates_quanta + referrals_quanta <= taker_fees_quanta + maker_fees_quanta)
) WITH (fillfactor = 50);

ALTER TABLE ledger_balances DROP CONSTRAINT never_overdrawn,
    ADD CONSTRAINT never_overdrawn CHECK (
        balance_quanta >= 0
        OR split_part(account, ':', 1) NOT IN ('insurance', 'collateral', 'locked', 'pool', 'referral')
    );

-- migrate:down
ALTER TABLE ledger_balances DROP CONSTRAINT never_overdrawn,
    ADD CONSTRAINT never_overdrawn
        CHECK (balance_quanta >= 0 OR split_part(account, ':', 1) NOT IN ('insurance', 'collateral', 'locked', 'pool'));
DROP TABLE fee_revenue;
DROP TABLE traded_volumes;
DROP TABLE referrals;
DROP TABLE referral_terms;
DROP TABLE fee_tiers;
