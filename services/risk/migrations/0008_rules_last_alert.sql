-- migrate:up
CREATE INDEX alerts_rule ON alerts (rule, alert_seq) WHERE rule <> '';

-- migrate:down
DROP INDEX alerts_rule;
