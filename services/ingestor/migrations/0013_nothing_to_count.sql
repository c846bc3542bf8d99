-- migrate:up
-- A statement that the fence has emptied runs its triggers too. After a rebuild has set the schema aside they would look
-- for counts that are no longer there, and the killed process would hear of a missing table instead of the fence.
DO $$ DECLARE name text; came text; BEGIN
    FOR name, came IN VALUES ('count_venue_rows', 'added'), ('count_rows', 'added'), ('count_deleted_rows', 'removed') LOOP
        EXECUTE regexp_replace(pg_get_functiondef(name::regproc), '\nBEGIN\n', format(
            E'\nBEGIN\n    IF NOT EXISTS (SELECT FROM %s) THEN RETURN NULL; END IF;\n', came));
    END LOOP;
END $$;

-- migrate:down
DO $$ DECLARE name text; came text; BEGIN
    FOR name, came IN VALUES ('count_venue_rows', 'added'), ('count_rows', 'added'), ('count_deleted_rows', 'removed') LOOP
        EXECUTE replace(pg_get_functiondef(name::regproc), format(
            E'    IF NOT EXISTS (SELECT FROM %s) THEN RETURN NULL; END IF;\n', came), '');
    END LOOP;
END $$;
