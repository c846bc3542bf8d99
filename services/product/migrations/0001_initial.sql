-- migrate:up
-- What clients told, by month. `person` is a pseudonym; whose it is, no table of this schema knows.
CREATE TABLE product_events (
    ts        timestamptz NOT NULL,
    person    text        NOT NULL,
    event_id  text        NOT NULL,
    session   text        NOT NULL,
    kind      text        NOT NULL
        CHECK (kind IN ('action', 'page', 'start', 'end', 'feature', 'step', 'error', 'metric')),
    name      text        NOT NULL CHECK (name <> ''),
    page      text        NOT NULL,
    value     bigint,
    detail    jsonb       NOT NULL,
    PRIMARY KEY (person, event_id, ts)
) PARTITION BY RANGE (ts);
CREATE TABLE product_events_default PARTITION OF product_events DEFAULT;
CREATE INDEX product_events_ts ON product_events USING brin (ts);
CREATE INDEX product_events_errors ON product_events (ts) WHERE kind = 'error';

-- Roll-ups by UTC day. An empty name is the sum over names, an empty kind the sum over all. `valued`: how many of the
-- events carry a value.
CREATE TABLE usage_days (
    person     text    NOT NULL,
    day        date    NOT NULL,
    kind       text    NOT NULL,
    name       text    NOT NULL,
    events     bigint  NOT NULL,
    valued     bigint  NOT NULL,
    value_sum  numeric NOT NULL,
    PRIMARY KEY (person, day, kind, name)
) PARTITION BY RANGE (day);
CREATE TABLE usage_days_default PARTITION OF usage_days DEFAULT;
CREATE INDEX usage_days_name ON usage_days (kind, name, day, person);

CREATE TABLE platform_days (
    day        date    NOT NULL,
    kind       text    NOT NULL,
    name       text    NOT NULL,
    persons    bigint  NOT NULL,
    events     bigint  NOT NULL,
    valued     bigint  NOT NULL,
    value_sum  numeric NOT NULL,
    PRIMARY KEY (day, kind, name)
) WITH (fillfactor = 70);

-- A visit that goes on over midnight is one on either day.
CREATE TABLE sessions (
    person       text        NOT NULL,
    day          date        NOT NULL,
    session      text        NOT NULL,
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz NOT NULL,
    events       bigint      NOT NULL,
    pages        bigint      NOT NULL,
    conversions  bigint      NOT NULL,
    entry_at     timestamptz,
    entry_page   text        NOT NULL,
    exit_at      timestamptz,
    exit_page    text        NOT NULL,
    PRIMARY KEY (person, day, session)
) PARTITION BY RANGE (day);
CREATE TABLE sessions_default PARTITION OF sessions DEFAULT;
CREATE INDEX sessions_day ON sessions (day);

-- How measurements are spread: bucket b > 0 holds values of at least 1.1^(b-1) and less than 1.1^b, bucket 0 holds 0.
CREATE TABLE metric_days (
    day     date    NOT NULL,
    metric  text    NOT NULL,
    bucket  integer NOT NULL,
    events  bigint  NOT NULL,
    PRIMARY KEY (day, metric, bucket)
) WITH (fillfactor = 70);

CREATE FUNCTION bucket_of(value bigint) RETURNS integer LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN value <= 0 THEN 0 ELSE floor(ln(value::float8) / ln(1.1::float8))::integer + 1 END;

CREATE TABLE silent_persons (person text PRIMARY KEY);
CREATE TABLE erasures (person text PRIMARY KEY, at bigint NOT NULL);

-- Counted in the transaction that writes, and once: a row that was there before is not among the added ones.
CREATE FUNCTION count_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH told AS (
        SELECT a.person, a.day, coalesce(a.kind, '') AS kind, coalesce(a.name, '') AS name,
               count(*) AS events, count(a.value) AS valued, coalesce(sum(a.value), 0) AS value_sum
        FROM (SELECT *, (ts AT TIME ZONE 'UTC')::date AS day FROM added) a
        GROUP BY GROUPING SETS ((a.person, a.day, a.kind, a.name), (a.person, a.day, a.kind), (a.person, a.day))
    ), kept AS (
        INSERT INTO usage_days AS u (person, day, kind, name, events, valued, value_sum)
        SELECT person, day, kind, name, events, valued, value_sum FROM told
        ON CONFLICT (person, day, kind, name) DO UPDATE SET events = u.events + EXCLUDED.events,
            valued = u.valued + EXCLUDED.valued, value_sum = u.value_sum + EXCLUDED.value_sum
        RETURNING WITH (OLD AS was, NEW AS is_now) is_now.person, is_now.day, is_now.kind, is_now.name,
            (was.person IS NULL)::integer AS fresh
    )
    INSERT INTO platform_days AS p (day, kind, name, persons, events, valued, value_sum)
    SELECT day, kind, name, sum(fresh), sum(events), sum(valued), sum(value_sum)
    FROM told JOIN kept USING (person, day, kind, name) GROUP BY day, kind, name
    ON CONFLICT (day, kind, name) DO UPDATE SET persons = p.persons + EXCLUDED.persons,
        events = p.events + EXCLUDED.events, valued = p.valued + EXCLUDED.valued,
        value_sum = p.value_sum + EXCLUDED.value_sum;

    INSERT INTO sessions AS s
    SELECT person, (ts AT TIME ZONE 'UTC')::date AS day, session, min(ts), max(ts), count(*),
           count(*) FILTER (WHERE kind = 'page'), count(*) FILTER (WHERE kind = 'step' AND value = 1),
           min(ts) FILTER (WHERE kind = 'page'),
           coalesce((array_agg(name ORDER BY ts, event_id) FILTER (WHERE kind = 'page'))[1], ''),
           max(ts) FILTER (WHERE kind = 'page'),
           coalesce((array_agg(name ORDER BY ts DESC, event_id) FILTER (WHERE kind = 'page'))[1], '')
    FROM added GROUP BY 1, 2, 3
    ON CONFLICT (person, day, session) DO UPDATE SET
        started_at = least(s.started_at, EXCLUDED.started_at), ended_at = greatest(s.ended_at, EXCLUDED.ended_at),
        events = s.events + EXCLUDED.events, pages = s.pages + EXCLUDED.pages,
        conversions = s.conversions + EXCLUDED.conversions,
        entry_page = CASE WHEN s.entry_at IS NULL OR EXCLUDED.entry_at < s.entry_at
                          THEN EXCLUDED.entry_page ELSE s.entry_page END,
        entry_at = least(s.entry_at, EXCLUDED.entry_at),
        exit_page = CASE WHEN s.exit_at IS NULL OR EXCLUDED.exit_at > s.exit_at
                         THEN EXCLUDED.exit_page ELSE s.exit_page END,
        exit_at = greatest(s.exit_at, EXCLUDED.exit_at);

    INSERT INTO metric_days AS m
    SELECT (ts AT TIME ZONE 'UTC')::date, name, bucket_of(value), count(*)
    FROM added WHERE kind = 'metric' GROUP BY 1, 2, 3
    ON CONFLICT (day, metric, bucket) DO UPDATE SET events = m.events + EXCLUDED.events;
    RETURN NULL;
END $$;
CREATE TRIGGER product_events_counted AFTER INSERT ON product_events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_use();

-- Everything of a person goes, and out of the sums what it had put there.
CREATE FUNCTION erase_persons() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE platform_days p SET persons = p.persons - u.persons, events = p.events - u.events,
        valued = p.valued - u.valued, value_sum = p.value_sum - u.value_sum
    FROM (SELECT day, kind, name, count(*) AS persons, sum(events) AS events, sum(valued) AS valued,
                 sum(value_sum) AS value_sum
          FROM usage_days WHERE person IN (SELECT person FROM erased) GROUP BY day, kind, name) u
    WHERE (p.day, p.kind, p.name) = (u.day, u.kind, u.name);
    DELETE FROM platform_days p WHERE p.persons = 0 AND p.events = 0;
    UPDATE metric_days m SET events = m.events - e.events
    FROM (SELECT (ts AT TIME ZONE 'UTC')::date AS day, name, bucket_of(value) AS bucket, count(*) AS events
          FROM product_events WHERE kind = 'metric' AND person IN (SELECT person FROM erased) GROUP BY 1, 2, 3) e
    WHERE (m.day, m.metric, m.bucket) = (e.day, e.name, e.bucket);
    DELETE FROM metric_days WHERE events = 0;
    DELETE FROM sessions WHERE person IN (SELECT person FROM erased);
    DELETE FROM usage_days WHERE person IN (SELECT person FROM erased);
    DELETE FROM product_events WHERE person IN (SELECT person FROM erased);
    RETURN NULL;
END $$;
CREATE TRIGGER erasures_done AFTER INSERT ON erasures
    REFERENCING NEW TABLE AS erased FOR EACH STATEMENT EXECUTE FUNCTION erase_persons();

-- migrate:down
DROP TABLE erasures;
DROP TABLE silent_persons;
DROP TABLE product_events;
DROP FUNCTION erase_persons();
DROP FUNCTION count_use();
DROP TABLE metric_days;
DROP FUNCTION bucket_of(bigint);
DROP TABLE sessions;
DROP TABLE platform_days;
DROP TABLE usage_days;
