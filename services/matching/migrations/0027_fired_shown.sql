-- migrate:up
-- An answer about orders tells those that have fired from those that still wait.
SELECT open_to_tenants(ARRAY['fired_orders']);

-- migrate:down
REVOKE SELECT ON fired_orders FROM cleartide_matching_tenant;
