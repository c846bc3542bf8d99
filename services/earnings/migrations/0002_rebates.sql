-- migrate:up
-- What of the fees came back, as maker rebates and referral shares. fees_quanta is net of it, as before; days that were
-- closed before this migration do not say it.
ALTER TABLE earnings_accounts ADD COLUMN rebates_quanta bigint NOT NULL DEFAULT 0;
ALTER TABLE earnings_days ADD COLUMN rebates_quanta bigint NOT NULL DEFAULT 0;
ALTER TABLE earnings_totals ADD COLUMN rebates_quanta bigint NOT NULL DEFAULT 0;

-- migrate:down
ALTER TABLE earnings_totals DROP COLUMN rebates_quanta;
ALTER TABLE earnings_days DROP COLUMN rebates_quanta;
ALTER TABLE earnings_accounts DROP COLUMN rebates_quanta;
