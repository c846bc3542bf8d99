-- migrate:up
SELECT wall_by_account(ARRAY['accounts', 'positions', 'alerts', 'collateral', 'leverages', 'limits',
    'alert_flags', 'alert_answers'], 'account');
SELECT wall(ARRAY['alert_inputs'], 'EXISTS (SELECT FROM alerts a WHERE a.alert_seq = alert_inputs.alert_seq)');
SELECT wall(ARRAY['alert_collateral'], 'EXISTS (SELECT FROM alerts a WHERE a.alert_seq = alert_collateral.alert_seq)');
SELECT open_to_tenants(ARRAY['consumer_position', 'markets', 'market_brackets', 'assets', 'mark_hours',
    'insurance_points']);

-- migrate:down
SELECT unwall(ARRAY['accounts', 'positions', 'alerts', 'collateral', 'leverages', 'limits', 'alert_flags',
    'alert_answers', 'alert_inputs', 'alert_collateral']);
