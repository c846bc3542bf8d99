-- migrate:up
-- The place in the stream that each row comes from: the stream keeps a week, so a rebuild carries over what came before
-- its beginning and folds the rest. What was there before this migration counts as of before.
ALTER TABLE product_events ADD COLUMN place bigint NOT NULL DEFAULT 0;
ALTER TABLE erasures ADD COLUMN place bigint NOT NULL DEFAULT 0;

-- What persons chose, and when; the last choice holds.
CREATE TABLE choices (
    person   text    NOT NULL,
    place    bigint  NOT NULL,
    allowed  boolean NOT NULL,
    PRIMARY KEY (person, place)
);
INSERT INTO choices SELECT person, 0, false FROM silent_persons;
DROP TABLE silent_persons;

-- Of two pages at one instant the event id says which came first, so that a visit does not depend on batches.
ALTER TABLE sessions ADD COLUMN entry_id text NOT NULL DEFAULT '', ADD COLUMN exit_id text NOT NULL DEFAULT '';

CREATE OR REPLACE FUNCTION count_use() RETURNS trigger LANGUAGE plpgsql AS $$
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

    WITH pages AS (
        SELECT person, session, (ts AT TIME ZONE 'UTC')::date AS day, ts, event_id COLLATE "C" AS id, name
        FROM added WHERE kind = 'page'
    ), entries AS (
        SELECT DISTINCT ON (person, day, session) * FROM pages ORDER BY person, day, session, ts, id
    ), exits AS (
        SELECT DISTINCT ON (person, day, session) * FROM pages ORDER BY person, day, session, ts DESC, id DESC
    ), visits AS (
        SELECT person, (ts AT TIME ZONE 'UTC')::date AS day, session, min(ts) AS started, max(ts) AS ended,
               count(*) AS events, count(*) FILTER (WHERE kind = 'page') AS pages,
               count(*) FILTER (WHERE kind = 'step' AND value = 1) AS conversions
        FROM added GROUP BY 1, 2, 3
    )
    INSERT INTO sessions AS s (person, day, session, started_at, ended_at, events, pages, conversions,
                               entry_at, entry_id, entry_page, exit_at, exit_id, exit_page)
    SELECT v.person, v.day, v.session, v.started, v.ended, v.events, v.pages, v.conversions,
           f.ts, coalesce(f.id, ''), coalesce(f.name, ''), l.ts, coalesce(l.id, ''), coalesce(l.name, '')
    FROM visits v
    LEFT JOIN entries f ON (f.person, f.day, f.session) = (v.person, v.day, v.session)
    LEFT JOIN exits l ON (l.person, l.day, l.session) = (v.person, v.day, v.session)
    ON CONFLICT (person, day, session) DO UPDATE SET
        started_at = least(s.started_at, EXCLUDED.started_at), ended_at = greatest(s.ended_at, EXCLUDED.ended_at),
        events = s.events + EXCLUDED.events, pages = s.pages + EXCLUDED.pages,
        conversions = s.conversions + EXCLUDED.conversions,
        (entry_at, entry_id, entry_page) = (
            SELECT e.at, e.id, e.page FROM (VALUES (s.entry_at, s.entry_id, s.entry_page),
                (EXCLUDED.entry_at, EXCLUDED.entry_id, EXCLUDED.entry_page)) AS e (at, id, page)
            ORDER BY e.at NULLS LAST, e.id COLLATE "C" LIMIT 1),
        (exit_at, exit_id, exit_page) = (
            SELECT e.at, e.id, e.page FROM (VALUES (s.exit_at, s.exit_id, s.exit_page),
                (EXCLUDED.exit_at, EXCLUDED.exit_id, EXCLUDED.exit_page)) AS e (at, id, page)
            ORDER BY e.at DESC NULLS LAST, e.id COLLATE "C" DESC LIMIT 1);

    INSERT INTO metric_days AS m
    SELECT (ts AT TIME ZONE 'UTC')::date, name, bucket_of(value), count(*)
    FROM added WHERE kind = 'metric' GROUP BY 1, 2, 3
    ON CONFLICT (day, metric, bucket) DO UPDATE SET events = m.events + EXCLUDED.events;
    RETURN NULL;
END $$;

-- The locks of the deletes come first: whoever reads a table and then deletes from it meets, between the two, whoever makes
-- a partition of it, and each waits for the other.
CREATE OR REPLACE FUNCTION erase_persons() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE product_events, usage_days, sessions IN ROW EXCLUSIVE MODE;
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

UPDATE sessions s SET entry_id = f.event_id, entry_page = f.name
FROM (SELECT DISTINCT ON (person, (ts AT TIME ZONE 'UTC')::date, session)
             person, (ts AT TIME ZONE 'UTC')::date AS day, session, event_id, name
      FROM product_events WHERE kind = 'page'
      ORDER BY person, (ts AT TIME ZONE 'UTC')::date, session, ts, event_id COLLATE "C") f
WHERE (s.person, s.day, s.session) = (f.person, f.day, f.session);
UPDATE sessions s SET exit_id = l.event_id, exit_page = l.name
FROM (SELECT DISTINCT ON (person, (ts AT TIME ZONE 'UTC')::date, session)
             person, (ts AT TIME ZONE 'UTC')::date AS day, session, event_id, name
      FROM product_events WHERE kind = 'page'
      ORDER BY person, (ts AT TIME ZONE 'UTC')::date, session, ts DESC, event_id COLLATE "C" DESC) l
WHERE (s.person, s.day, s.session) = (l.person, l.day, l.session);

-- migrate:down
CREATE TABLE silent_persons (person text PRIMARY KEY);
INSERT INTO silent_persons
SELECT person FROM (SELECT DISTINCT ON (person) person, allowed FROM choices ORDER BY person, place DESC) c
WHERE NOT allowed;
DROP TABLE choices;
ALTER TABLE erasures DROP COLUMN place;
ALTER TABLE product_events DROP COLUMN place;
