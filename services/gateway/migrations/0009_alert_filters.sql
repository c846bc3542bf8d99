-- migrate:up
-- What the feed is looked through by: the operator's rule, and the markets that an alert is of or was computed from.
ALTER TABLE alert_feed
    ADD COLUMN rule text NOT NULL DEFAULT '',
    ADD COLUMN markets text NOT NULL DEFAULT '';
COMMENT ON COLUMN alert_feed.markets IS 'names in order, a space between';
UPDATE alert_feed SET
    rule = coalesce(payload::jsonb ->> 'rule', ''),
    markets = coalesce((
        SELECT string_agg(DISTINCT name COLLATE "C", ' ' ORDER BY name COLLATE "C")
        FROM (
            SELECT jsonb_path_query(payload::jsonb, '$.inputs[*].market') #>> '{}' AS name
            UNION SELECT payload::jsonb ->> 'market'
        ) AS named WHERE name IS NOT NULL
    ), '');
CREATE INDEX alert_feed_level ON alert_feed (level, seq);
CREATE INDEX alert_feed_rule ON alert_feed (rule, seq) WHERE rule <> '';
CREATE INDEX alert_feed_markets ON alert_feed USING gin (string_to_array(markets, ' '));

-- migrate:down
DROP INDEX alert_feed_markets;
DROP INDEX alert_feed_rule;
DROP INDEX alert_feed_level;
ALTER TABLE alert_feed DROP COLUMN markets, DROP COLUMN rule;
