-- migrate:up

ALTER TABLE accounts
    ADD COLUMN busy_minute bigint NOT NULL DEFAULT 0,
    ADD COLUMN fills integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN accounts.fills IS 'fills in busy_minute, minutes since the Unix epoch';

ALTER TABLE markets ADD COLUMN stale_since bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN markets.stale_since IS 'when the index stopped being fresh; 0 while it is';

ALTER TABLE alerts
    ADD COLUMN kind text NOT NULL DEFAULT 'health',
    ADD COLUMN market text NOT NULL DEFAULT '',
    ADD COLUMN value_micros bigint,
    ADD COLUMN threshold_micros bigint;
COMMENT ON COLUMN alerts.value_micros IS 'the figure that passed the threshold, in millionths; NULL for health';

CREATE TABLE limits (
    account                  text PRIMARY KEY,
    max_position_quanta      bigint,
    max_leverage             integer,
    max_daily_loss_quanta    bigint,
    max_drawdown_quanta      bigint,
    max_value_at_risk_quanta bigint,
    day                      bigint NOT NULL,
    day_equity_quanta        bigint NOT NULL,
    peak_equity_quanta       bigint NOT NULL
);
COMMENT ON TABLE limits IS 'what accounts want to be alerted at, and the equity that losses are counted from';

CREATE TABLE alert_flags (
    account text NOT NULL,
    kind    text NOT NULL,
    market  text NOT NULL,
    PRIMARY KEY (account, kind, market)
);
COMMENT ON TABLE alert_flags IS 'alerts beside health that hold now; market is empty for the whole account';

CREATE TABLE alert_answers (
    account     text   NOT NULL,
    account_seq bigint NOT NULL,
    answer      text   NOT NULL CHECK (answer IN ('acknowledge', 'resolve')),
    note        text   NOT NULL,
    actor       text   NOT NULL,
    answered_at bigint NOT NULL,
    PRIMARY KEY (account, account_seq, answer)
);

-- migrate:down

DROP TABLE alert_answers;
DROP TABLE alert_flags;
DROP TABLE limits;
ALTER TABLE alerts DROP COLUMN threshold_micros, DROP COLUMN value_micros, DROP COLUMN market, DROP COLUMN kind;
ALTER TABLE markets DROP COLUMN stale_since;
ALTER TABLE accounts DROP COLUMN fills, DROP COLUMN busy_minute;
