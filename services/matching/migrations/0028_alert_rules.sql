-- migrate:up
CREATE TABLE alert_rules (
    name  text PRIMARY KEY,
    rule  text NOT NULL
);
COMMENT ON TABLE alert_rules IS 'the operator''s alert rules as JSON; risk watches by them';

-- migrate:down
DROP TABLE alert_rules;
