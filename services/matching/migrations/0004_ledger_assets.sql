-- migrate:up
-- Amounts of the settlement asset are quote quanta (1e-6), those of any other asset its own smallest units.
ALTER TABLE ledger_balances ADD COLUMN asset text NOT NULL DEFAULT 'USDC';
ALTER TABLE ledger_entries ADD COLUMN asset text NOT NULL DEFAULT 'USDC';

-- Double entry holds for each asset by itself: value never turns from one into another inside the ledger.
CREATE OR REPLACE FUNCTION ledger_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    SELECT transaction_id, asset INTO wrong FROM fresh
    GROUP BY transaction_id, asset HAVING sum(amount_quanta) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero in %', wrong.transaction_id, wrong.asset
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

-- migrate:down
CREATE OR REPLACE FUNCTION ledger_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong bigint;
BEGIN
    SELECT transaction_id INTO wrong FROM fresh GROUP BY transaction_id HAVING sum(amount_quanta) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero', wrong USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
ALTER TABLE ledger_entries DROP COLUMN asset;
ALTER TABLE ledger_balances DROP COLUMN asset;
