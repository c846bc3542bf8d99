-- migrate:up
CREATE TABLE alert_rules (
    name  text PRIMARY KEY,
    rule  text NOT NULL
);
COMMENT ON TABLE alert_rules IS 'the operator''s alert rules as JSON';

CREATE TABLE rule_alerts (
    rule       text    NOT NULL,
    account    text    NOT NULL,
    market     text    NOT NULL,
    holds      boolean NOT NULL,
    raised_at  bigint  NOT NULL,
    PRIMARY KEY (rule, account, market)
);
COMMENT ON TABLE rule_alerts IS 'whose alert by a rule holds, or may not begin again yet; market is empty for a whole account';

CREATE TABLE rule_turns (
    market   text PRIMARY KEY,
    account  text NOT NULL
);
COMMENT ON TABLE rule_turns IS 'holder whom a price of the market was last the occasion to look at';

CREATE TABLE alert_figures (
    alert_seq  bigint NOT NULL,
    name       text   NOT NULL,
    value      text   NOT NULL,
    unit       text   NOT NULL,
    PRIMARY KEY (alert_seq, name)
);
COMMENT ON TABLE alert_figures IS 'the figures that the condition of a rule names, as of the alert';

ALTER TABLE alerts
    ADD COLUMN rule text NOT NULL DEFAULT '',
    ADD COLUMN condition text NOT NULL DEFAULT '';
ALTER TABLE markets ADD COLUMN funding_rate_ppb bigint;
COMMENT ON COLUMN markets.funding_rate_ppb IS 'hourly rate of the last funding; NULL before the first';

SELECT wall_by_account(ARRAY['rule_alerts'], 'account');
SELECT wall(ARRAY['alert_figures'], 'EXISTS (SELECT FROM alerts a WHERE a.alert_seq = alert_figures.alert_seq)');

-- migrate:down
SELECT unwall(ARRAY['rule_alerts', 'alert_figures']);
ALTER TABLE markets DROP COLUMN funding_rate_ppb;
ALTER TABLE alerts DROP COLUMN condition, DROP COLUMN rule;
DROP TABLE alert_figures;
DROP TABLE rule_turns;
DROP TABLE rule_alerts;
DROP TABLE alert_rules;
