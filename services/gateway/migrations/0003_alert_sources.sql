-- migrate:up
-- How far each pool of risk has told, by its own numbers.
CREATE TABLE alert_sources (
    source    text   PRIMARY KEY,
    told_seq  bigint NOT NULL
);
INSERT INTO alert_sources SELECT 'risk', max(seq) FROM alert_feed HAVING max(seq) > 0;

-- migrate:down
DROP TABLE alert_sources;
