-- migrate:up
SELECT wall_by_account(ARRAY['chain_events', 'chain_notes', 'vault_lines', 'vault_holdings', 'vault_days',
    'vault_months'], 'owner');
SELECT open_to_tenants(ARRAY['vault_states', 'chain_retractions', 'current_days']);
-- A view asks as whoever asks it, not as its owner.
ALTER VIEW current_days SET (security_invoker = true);

-- migrate:down
ALTER VIEW current_days SET (security_invoker = false);
SELECT unwall(ARRAY['chain_events', 'chain_notes', 'vault_lines', 'vault_holdings', 'vault_days', 'vault_months']);
