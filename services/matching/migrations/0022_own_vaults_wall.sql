-- migrate:up
-- What somebody holds of vaults, and did there, is his; what a vault is worth is everybody's.
SELECT wall_by_account(ARRAY['own_vault_holders', 'own_vault_exits', 'own_vault_moves'], 'account');
SELECT open_to_tenants(ARRAY['own_vault_worth']);

-- migrate:down
SELECT unwall(ARRAY['own_vault_holders', 'own_vault_exits', 'own_vault_moves']);
