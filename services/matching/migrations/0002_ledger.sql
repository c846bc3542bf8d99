-- migrate:up
CREATE TABLE ledger_balances (
    account         text PRIMARY KEY,
    balance_quanta  bigint NOT NULL,
    CONSTRAINT insurance_is_never_overdrawn CHECK (account NOT LIKE 'insurance:%' OR balance_quanta >= 0)
) WITH (fillfactor = 70);

CREATE TABLE ledger_entries (
    transaction_id  bigint NOT NULL,
    leg             integer NOT NULL,
    account         text NOT NULL,
    amount_quanta   bigint NOT NULL CHECK (amount_quanta <> 0),
    kind            text NOT NULL,
    command_seq     bigint NOT NULL,
    at              bigint NOT NULL,
    PRIMARY KEY (transaction_id, leg)
);
CREATE INDEX ledger_entries_by_account ON ledger_entries (account, transaction_id);

-- The second guard of double entry, after the fold's own: the legs of a transaction are written by one statement and
-- sum to zero. Checked once per statement over what it inserted, not once per row.
CREATE FUNCTION ledger_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong bigint;
BEGIN
    SELECT transaction_id INTO wrong FROM fresh GROUP BY transaction_id HAVING sum(amount_quanta) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero', wrong USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_is_balanced AFTER INSERT ON ledger_entries
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_balanced();

CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();

-- migrate:down
DROP TABLE ledger_entries;
DROP TABLE ledger_balances;
DROP FUNCTION ledger_is_append_only();
DROP FUNCTION ledger_is_balanced();
