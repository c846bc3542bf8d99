-- migrate:up
SELECT wall_by_account(ARRAY['earnings_accounts', 'earnings_positions', 'earnings_days'], 'account');
SELECT open_to_tenants(ARRAY['earnings_markets']);

-- migrate:down
SELECT unwall(ARRAY['earnings_accounts', 'earnings_positions', 'earnings_days']);
