-- migrate:up
-- Rows of every series by day and venue, counted in the transaction that writes them: what there is, is known exactly
-- without reading it. Series without a venue count under ''.
CREATE TABLE series_rows (
    series text NOT NULL,
    day date NOT NULL,
    venue text NOT NULL,
    rows bigint NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (series, day, venue)
) WITH (fillfactor = 50);

CREATE FUNCTION count_venue_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO series_rows AS s (series, day, venue, rows, first_at, last_at)
    SELECT TG_TABLE_NAME, (ts AT TIME ZONE 'UTC')::date AS day, venue, count(*), min(ts), max(ts)
    FROM added GROUP BY 2, 3 ORDER BY 2, 3
    ON CONFLICT (series, day, venue) DO UPDATE SET
        rows = s.rows + EXCLUDED.rows,
        first_at = least(s.first_at, EXCLUDED.first_at),
        last_at = greatest(s.last_at, EXCLUDED.last_at);
    RETURN NULL;
END $$;

CREATE FUNCTION count_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO series_rows AS s (series, day, venue, rows, first_at, last_at)
    SELECT TG_TABLE_NAME, (ts AT TIME ZONE 'UTC')::date AS day, '', count(*), min(ts), max(ts)
    FROM added GROUP BY 2 ORDER BY 2
    ON CONFLICT (series, day, venue) DO UPDATE SET
        rows = s.rows + EXCLUDED.rows,
        first_at = least(s.first_at, EXCLUDED.first_at),
        last_at = greatest(s.last_at, EXCLUDED.last_at);
    RETURN NULL;
END $$;

-- Deleting is rare and by age: of a day of which a part stays, first and last are looked up again.
CREATE FUNCTION count_deleted_rows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    part record;
BEGIN
    FOR part IN EXECUTE
        'SELECT (ts AT TIME ZONE ''UTC'')::date AS day, '
        || CASE TG_ARGV[0] WHEN '' THEN '''''' ELSE quote_ident(TG_ARGV[0]) END
        || ' AS venue, count(*) AS gone FROM removed GROUP BY 1, 2 ORDER BY 1, 2'
    LOOP
        UPDATE series_rows SET rows = rows - part.gone
        WHERE series = TG_TABLE_NAME AND day = part.day AND venue = part.venue;
        EXECUTE format(
            'UPDATE series_rows s SET first_at = f.a, last_at = f.b FROM '
            '(SELECT min(ts) AS a, max(ts) AS b FROM %I WHERE ts >= $2::timestamp AT TIME ZONE ''UTC'' '
            'AND ts < ($2 + 1)::timestamp AT TIME ZONE ''UTC'' %s) f '
            'WHERE s.series = $1 AND s.day = $2 AND s.venue = $3 AND s.rows > 0',
            TG_TABLE_NAME, CASE TG_ARGV[0] WHEN '' THEN '' ELSE format('AND %I = $3', TG_ARGV[0]) END)
        USING TG_TABLE_NAME, part.day, part.venue;
    END LOOP;
    DELETE FROM series_rows WHERE series = TG_TABLE_NAME AND rows <= 0;
    RETURN NULL;
END $$;

CREATE FUNCTION count_series(series text, by_venue boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    venue text := CASE WHEN by_venue THEN 'venue' ELSE '''''' END;
BEGIN
    EXECUTE format(
        'CREATE TRIGGER %I AFTER INSERT ON %I REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION %s()',
        series || '_counted', series, CASE WHEN by_venue THEN 'count_venue_rows' ELSE 'count_rows' END);
    EXECUTE format(
        'CREATE TRIGGER %I AFTER DELETE ON %I REFERENCING OLD TABLE AS removed FOR EACH STATEMENT '
        'EXECUTE FUNCTION count_deleted_rows(%L)',
        series || '_uncounted', series, CASE WHEN by_venue THEN 'venue' ELSE '' END);
    EXECUTE format(
        'INSERT INTO series_rows SELECT %L, (ts AT TIME ZONE ''UTC'')::date, %s, count(*), min(ts), max(ts) '
        'FROM %I GROUP BY 2, 3', series, venue, series);
END $$;

SELECT count_series(name, name <> 'index_prices') FROM unnest(ARRAY[
    'venue_tickers', 'venue_trades', 'venue_books', 'venue_funding', 'venue_interest', 'venue_liquidations',
    'venue_candles', 'venue_stats', 'venue_gaps', 'index_prices', 'index_sources']) AS name;

-- migrate:down
DO $$ DECLARE name text; BEGIN
    FOREACH name IN ARRAY ARRAY[
        'venue_tickers', 'venue_trades', 'venue_books', 'venue_funding', 'venue_interest', 'venue_liquidations',
        'venue_candles', 'venue_stats', 'venue_gaps', 'index_prices', 'index_sources']
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %I', name || '_counted', name);
        EXECUTE format('DROP TRIGGER %I ON %I', name || '_uncounted', name);
    END LOOP;
END $$;
DROP FUNCTION count_series(text, boolean);
DROP FUNCTION count_deleted_rows();
DROP FUNCTION count_rows();
DROP FUNCTION count_venue_rows();
DROP TABLE series_rows;
