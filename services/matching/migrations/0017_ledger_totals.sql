-- migrate:up
-- The sum of all balances of an asset, kept with every write of them. It may be anything while a commit is being made,
-- and is zero when it is done: a commit that would leave it otherwise is refused as a whole.
CREATE TABLE ledger_totals (
    asset  text PRIMARY KEY,
    units  numeric NOT NULL
) WITH (fillfactor = 50);
INSERT INTO ledger_totals SELECT asset, sum(balance_quanta) FROM ledger_balances GROUP BY asset;

CREATE FUNCTION ledger_totals_follow() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER ledger_totals_inserted AFTER INSERT ON ledger_balances
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_totals_follow();
CREATE TRIGGER ledger_totals_updated AFTER UPDATE ON ledger_balances
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_totals_follow();
CREATE TRIGGER ledger_totals_deleted AFTER DELETE ON ledger_balances
    REFERENCING OLD TABLE AS stale FOR EACH STATEMENT EXECUTE FUNCTION ledger_totals_follow();

CREATE FUNCTION ledger_sums_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    left_over numeric;
BEGIN
    SELECT units INTO left_over FROM ledger_totals WHERE asset = NEW.asset;
    IF left_over <> 0 THEN
        RAISE EXCEPTION 'balances of % sum to %', NEW.asset, left_over USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_sums_to_zero AFTER INSERT OR UPDATE ON ledger_totals
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_sums_to_zero();

-- migrate:down
DROP TRIGGER ledger_totals_inserted ON ledger_balances;
DROP TRIGGER ledger_totals_updated ON ledger_balances;
DROP TRIGGER ledger_totals_deleted ON ledger_balances;
DROP TABLE ledger_totals;
DROP FUNCTION ledger_totals_follow();
DROP FUNCTION ledger_sums_to_zero();
