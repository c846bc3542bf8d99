-- migrate:up
SELECT wall_by_account(ARRAY['funding_positions'], 'account');
SELECT open_to_tenants(ARRAY['consumer_position', 'funding_settlements', 'funding_rates']);

-- migrate:down
SELECT unwall(ARRAY['funding_positions']);
