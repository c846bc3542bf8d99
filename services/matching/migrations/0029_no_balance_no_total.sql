-- migrate:up
-- A statement that the fence has emptied runs its triggers too. After a rebuild has set the schema aside they would look
-- for totals that are no longer there, and the killed process would hear of a missing table instead of the fence. Of the
-- two triggers that an upsert runs, the one of what it did not do ends here as well.
CREATE OR REPLACE FUNCTION ledger_totals_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        IF NOT EXISTS (SELECT FROM stale) THEN RETURN NULL; END IF;
        INSERT INTO ledger_totals AS t SELECT asset, -sum(balance_quanta) FROM stale GROUP BY asset ORDER BY asset
        ON CONFLICT (asset) DO UPDATE SET units = t.units + EXCLUDED.units;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        IF NOT EXISTS (SELECT FROM fresh) THEN RETURN NULL; END IF;
        INSERT INTO ledger_totals AS t SELECT asset, sum(balance_quanta) FROM fresh GROUP BY asset ORDER BY asset
        ON CONFLICT (asset) DO UPDATE SET units = t.units + EXCLUDED.units;
    END IF;
    RETURN NULL;
END $$;

-- migrate:down
CREATE OR REPLACE FUNCTION ledger_totals_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO ledger_totals AS t SELECT asset, -sum(balance_quanta) FROM stale GROUP BY asset ORDER BY asset
        ON CONFLICT (asset) DO UPDATE SET units = t.units + EXCLUDED.units;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO ledger_totals AS t SELECT asset, sum(balance_quanta) FROM fresh GROUP BY asset ORDER BY asset
        ON CONFLICT (asset) DO UPDATE SET units = t.units + EXCLUDED.units;
    END IF;
    RETURN NULL;
END $$;
