-- migrate:up
-- Shares of the venue's vaults are equity, and what they gain beside what was paid in and out is yield: the identity is
-- equity_end - equity_start = flows + pnl + funding - fees + yield.
CREATE TABLE earnings_vaults (
    vault                text PRIMARY KEY,
    strategy             text NOT NULL UNIQUE,
    virtual_shares       bigint NOT NULL,
    reserve_quanta       bigint NOT NULL,
    fees_owed_quanta     bigint NOT NULL,
    shares               bigint NOT NULL,
    close_assets_quanta  bigint NOT NULL,
    close_shares         bigint NOT NULL,
    acted                text NOT NULL
) WITH (fillfactor = 50);

COMMENT ON COLUMN earnings_vaults.acted IS 'accounts that came or went in a step whose end is not told yet';

CREATE TABLE earnings_shares (
    account  text NOT NULL,
    vault    text NOT NULL,
    shares   bigint NOT NULL CHECK (shares > 0),
    PRIMARY KEY (account, vault)
) WITH (fillfactor = 70);

-- What all shares of each vault are worth at the marks in force.
CREATE VIEW earnings_vault_worth AS
SELECT v.vault, v.shares, v.virtual_shares, greatest(0, v.reserve_quanta - v.fees_owed_quanta + greatest(0,
    coalesce((SELECT cash_quanta FROM earnings_accounts a WHERE a.account = v.strategy), 0)
    + coalesce((
        SELECT sum(p.quote_quanta + p.lots::numeric * m.mark_ticks * m.quanta_per_lot_tick
                   - p.lots::numeric * (m.funding_index_quanta - p.settled_index_quanta))
        FROM earnings_positions p JOIN earnings_markets m USING (market) WHERE p.account = v.strategy
    ), 0))) AS assets
FROM earnings_vaults v;

ALTER TABLE earnings_accounts ADD COLUMN vaults_start_quanta bigint NOT NULL DEFAULT 0,
    ADD COLUMN vault_flow_quanta bigint NOT NULL DEFAULT 0,
    ADD COLUMN vault_fees_quanta bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN earnings_accounts.vault_flow_quanta IS 'cash from vaults less cash into them, of the open day';

ALTER TABLE earnings_days ADD COLUMN yield_quanta bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT earnings_days_check,
    ADD CONSTRAINT earnings_days_check CHECK (
        equity_end_quanta - equity_start_quanta
        = flows_quanta + pnl_quanta + funding_quanta - fees_quanta + yield_quanta
    );
ALTER TABLE earnings_totals ADD COLUMN yield_quanta bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT earnings_totals_check,
    ADD CONSTRAINT earnings_totals_check CHECK (
        equity_end_quanta - equity_start_quanta
        = flows_quanta + pnl_quanta + funding_quanta - fees_quanta + yield_quanta
    );

SELECT wall_by_account(ARRAY['earnings_shares'], 'account');
SELECT open_to_tenants(ARRAY['earnings_vault_worth']);

-- migrate:down
SELECT unwall(ARRAY['earnings_shares']);
ALTER TABLE earnings_totals DROP COLUMN yield_quanta,
    ADD CONSTRAINT earnings_totals_check
        CHECK (equity_end_quanta - equity_start_quanta = flows_quanta + pnl_quanta + funding_quanta - fees_quanta);
ALTER TABLE earnings_days DROP COLUMN yield_quanta,
    ADD CONSTRAINT earnings_days_check
        CHECK (equity_end_quanta - equity_start_quanta = flows_quanta + pnl_quanta + funding_quanta - fees_quanta);
ALTER TABLE earnings_accounts DROP COLUMN vaults_start_quanta, DROP COLUMN vault_flow_quanta,
    DROP COLUMN vault_fees_quanta;
DROP VIEW earnings_vault_worth;
DROP TABLE earnings_shares;
DROP TABLE earnings_vaults;
