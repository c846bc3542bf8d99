-- migrate:up
-- The second wall around folded rows (ADR 32). Who reads for one person changes to the tenant's role and is shown what
-- `mine` lets through. The fold owns the tables and passes; forced upon it, the wall would forbid it to COPY.
CREATE FUNCTION wall(walled text[], mine text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    tenant text := current_user || '_tenant';
    name text;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), tenant);
    FOREACH name IN ARRAY walled LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO %I USING (%s)', name, tenant, mine);
        EXECUTE format('GRANT SELECT ON %I TO %I', name, tenant);
    END LOOP;
END $$;

-- By the account in a column or expression: the person's whole family, or the one account that the transaction names.
CREATE FUNCTION wall_by_account(walled text[], account text) RETURNS void LANGUAGE sql AS $$
    SELECT wall(walled, format('%1$s = current_setting(''cleartide.actor'', true) '
        'OR split_part(%1$s, ''--'', 1) = current_setting(''cleartide.actor'', true)', account));
$$;

-- What concerns nobody alone and a tenant's questions need: prices, rules, how far the tables are.
CREATE FUNCTION open_to_tenants(opened text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY opened LOOP
        EXECUTE format('GRANT SELECT ON %I TO %I', name, current_user || '_tenant');
    END LOOP;
END $$;

CREATE FUNCTION unwall(walled text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    tenant text := current_user || '_tenant';
    name text;
BEGIN
    FOREACH name IN ARRAY walled LOOP
        EXECUTE format('DROP POLICY tenant ON %I', name);
        EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', name);
    END LOOP;
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', current_schema(), tenant);
    EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM %I', current_schema(), tenant);
END $$;

-- migrate:down
DROP FUNCTION unwall;
DROP FUNCTION open_to_tenants;
DROP FUNCTION wall_by_account;
DROP FUNCTION wall;
