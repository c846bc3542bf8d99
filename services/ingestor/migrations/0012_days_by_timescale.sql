-- migrate:up
-- Where TimescaleDB is in the database when a series is made, the series is a hypertable of one-day chunks: true. One that
-- has a day or a row of its own by now stays as it is, as it does where TimescaleDB is too old for counting by triggers
-- (until 2.26.4 it could end the server): false. To be called once the series has its key, its indexes and its triggers.
CREATE FUNCTION days_by_timescale(series text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    old regclass := format('%I', series)::regclass;
    definitions text[];
    definition text;
    is_used boolean;
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_extension WHERE extname = 'timescaledb'
        AND string_to_array(substring(extversion FROM '^[0-9.]*[0-9]'), '.')::int[] >= ARRAY[2, 26, 4])
    THEN
        RETURN false;
    END IF;
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', old);
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', old) INTO is_used;
    IF is_used OR (SELECT count(*) FROM pg_inherits WHERE inhparent = old) > 1 THEN
        RETURN false;
    END IF;
    SELECT array_agg(text) INTO definitions FROM (
        SELECT format('ALTER TABLE %I ADD CONSTRAINT %I %s', series, conname, pg_get_constraintdef(oid)) AS text
        FROM pg_constraint WHERE conrelid = old AND contype = 'p'
        UNION ALL
        SELECT replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') FROM pg_index
        WHERE indrelid = old AND NOT indisprimary
        UNION ALL
        SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = old AND NOT tgisinternal) AS parts;
    EXECUTE format('ALTER TABLE %I RENAME TO %I', series, series || '_unused');
    EXECUTE format(
        'CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS) WITH (tsdb.hypertable, '
        'tsdb.partition_column = ''ts'', tsdb.chunk_interval = ''1 day'', tsdb.create_default_indexes = false, '
        'tsdb.columnstore = false)', series, series || '_unused');
    EXECUTE format('DROP TABLE %I', series || '_unused');
    FOREACH definition IN ARRAY definitions LOOP
        EXECUTE definition;
    END LOOP;
    RETURN true;
END $$;

SELECT days_by_timescale(name) FROM unnest(ARRAY[
    'venue_tickers', 'venue_trades', 'venue_books', 'venue_funding', 'venue_funding_rates', 'venue_interest',
    'venue_liquidations', 'venue_candles', 'venue_stats', 'venue_gaps', 'venue_liquidity', 'venue_grouped_books',
    'index_prices', 'index_sources']) AS name;

-- migrate:down
DROP FUNCTION days_by_timescale(text);
