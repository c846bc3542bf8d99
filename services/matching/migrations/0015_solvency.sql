-- migrate:up
-- Markets without a row close in one go, and leave what the fund cannot pay for where it is.
CREATE TABLE liquidation_rules (
    market                 text PRIMARY KEY,
    min_notional_quanta    bigint NOT NULL CHECK (min_notional_quanta >= 0),
    large_notional_quanta  bigint NOT NULL CHECK (large_notional_quanta >= 0),
    step_ppb               bigint NOT NULL CHECK (step_ppb > 0),
    cooldown_micros        bigint NOT NULL CHECK (cooldown_micros >= 0),
    stress_ppb             bigint NOT NULL CHECK (stress_ppb >= 0),
    position_cap_quanta    bigint,
    disposal_ppb           bigint NOT NULL CHECK (disposal_ppb >= 0),
    grace_micros           bigint NOT NULL CHECK (grace_micros >= 0),
    keeper_share_ppb       bigint NOT NULL CHECK (keeper_share_ppb BETWEEN 0 AND 1000000000)
);

-- Large positions between two steps, and when the next one may come.
CREATE TABLE liquidation_cooldowns (
    account  text NOT NULL,
    market   text NOT NULL,
    until    bigint NOT NULL,
    PRIMARY KEY (account, market)
);

ALTER TABLE liquidations
    ADD COLUMN deleveraged_lots bigint NOT NULL DEFAULT 0,
    ADD COLUMN waits text,
    ADD COLUMN keeper text;

-- When a fresh index came after a stale one.
ALTER TABLE marks ADD COLUMN fresh_since bigint NOT NULL DEFAULT 0;

-- migrate:down
ALTER TABLE marks DROP COLUMN fresh_since;
ALTER TABLE liquidations DROP COLUMN keeper, DROP COLUMN waits, DROP COLUMN deleveraged_lots;
DROP TABLE liquidation_cooldowns;
DROP TABLE liquidation_rules;
