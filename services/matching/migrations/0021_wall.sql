-- migrate:up
SELECT wall_by_account(ARRAY['accounts', 'positions', 'leverages', 'orders', 'order_history', 'transfers', 'deposits',
    'withdrawals', 'commitments'], 'account');
-- A name of the ledger ends in the account: cash:u1, position:BTC-PERP:u1.
SELECT wall_by_account(ARRAY['ledger_balances', 'ledger_entries'], 'split_part(account, '':'', -1)');
-- Rates are a family's: also who reads for one account of it is told them.
SELECT wall(ARRAY['traded_volumes', 'referrals'],
    'split_part(account, ''--'', 1) = split_part(current_setting(''cleartide.actor'', true), ''--'', 1)');
CREATE POLICY referrer ON referrals FOR SELECT USING (referrer = current_setting('cleartide.actor', true));
SELECT open_to_tenants(ARRAY['consumer_position', 'markets', 'market_brackets', 'marks', 'funding_indexes',
    'market_limits', 'market_batching', 'market_states', 'books', 'assets', 'fee_tiers', 'referral_terms', 'rounds']);

-- migrate:down
DROP POLICY referrer ON referrals;
SELECT unwall(ARRAY['accounts', 'positions', 'leverages', 'orders', 'order_history', 'transfers', 'deposits',
    'withdrawals', 'commitments', 'ledger_balances', 'ledger_entries', 'traded_volumes', 'referrals']);
