-- migrate:up
-- Shares of the venue's vaults are equity, and what they gain beside what was paid in and out is yield: the identity is
-- equity_end - equity_start = flows + pnl + funding - fees + yield.
CREATE TABLE vaults (
    vault            text PRIMARY KEY,
    strategy         text NOT NULL UNIQUE,
    virtual_shares   bigint NOT NULL,
    reserve          bigint NOT NULL,
    fees_owed        bigint NOT NULL,
    shares           bigint NOT NULL,
    boundary_assets  bigint NOT NULL,
    boundary_shares  bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE vault_shares (
    account  text NOT NULL,
    vault    text NOT NULL,
    shares   bigint NOT NULL CHECK (shares > 0),
    PRIMARY KEY (account, vault)
) WITH (fillfactor = 70);

-- What all shares of each vault are worth at the marks in force.
CREATE VIEW vault_worth AS
SELECT v.vault, v.shares, v.virtual_shares, greatest(0, v.reserve - v.fees_owed + greatest(0,
    coalesce((SELECT a.cash FROM accounts a WHERE a.account = v.strategy), 0)
    + coalesce((
        SELECT sum(h.quote_quanta + h.lots::numeric * u.mark * u.quanta_per_lot_tick
                   - h.lots::numeric * (u.funding_index - h.settled_index))
        FROM holdings h JOIN units u USING (market) WHERE h.account = v.strategy
    ), 0))) AS assets
FROM vaults v;

ALTER TABLE accounts ADD COLUMN vaults_start bigint NOT NULL DEFAULT 0,
    ADD COLUMN vault_flow bigint NOT NULL DEFAULT 0,
    ADD COLUMN day_earned bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN accounts.vault_flow IS 'cash from vaults and farms less cash into vaults, and fees they kept of it';

ALTER TABLE account_hours ADD COLUMN earned bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT account_hours_check,
    ADD CONSTRAINT account_hours_check CHECK (equity_end - equity_start = flows + pnl + funding - fees + earned);
ALTER TABLE account_days ADD COLUMN earned bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT account_hours_check,
    ADD CONSTRAINT account_days_check CHECK (equity_end - equity_start = flows + pnl + funding - fees + earned);
COMMENT ON COLUMN account_hours.earned IS 'the yield';
COMMENT ON COLUMN account_days.earned IS 'the yield';

SELECT wall_by_account(ARRAY['vault_shares'], 'account');
SELECT open_to_tenants(ARRAY['vault_worth']);

-- migrate:down
SELECT unwall(ARRAY['vault_shares']);
ALTER TABLE account_days DROP COLUMN earned,
    ADD CONSTRAINT account_hours_check CHECK (equity_end - equity_start = flows + pnl + funding - fees);
ALTER TABLE account_hours DROP COLUMN earned,
    ADD CONSTRAINT account_hours_check CHECK (equity_end - equity_start = flows + pnl + funding - fees);
ALTER TABLE accounts DROP COLUMN day_earned, DROP COLUMN vault_flow, DROP COLUMN vaults_start;
DROP VIEW vault_worth;
DROP TABLE vault_shares;
DROP TABLE vaults;
