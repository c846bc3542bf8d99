-- migrate:up
-- What a farm pays is everybody's: whoever has staked there is told what waits for him.
SELECT open_to_tenants(ARRAY['farms']);

-- migrate:down
REVOKE SELECT ON farms FROM cleartide_matching_tenant;
