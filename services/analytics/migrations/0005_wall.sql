-- migrate:up
SELECT wall_by_account(ARRAY['accounts', 'holdings', 'account_hours', 'account_days'], 'account');
SELECT wall(ARRAY['adjustments'], 'EXISTS (SELECT FROM accounts a WHERE a.number = adjustments.number)');
SELECT open_to_tenants(ARRAY['clock', 'markets', 'units']);

-- migrate:down
SELECT unwall(ARRAY['accounts', 'holdings', 'account_hours', 'account_days', 'adjustments']);
