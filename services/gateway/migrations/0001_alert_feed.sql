-- migrate:up
CREATE TABLE alert_feed (
    seq          bigint PRIMARY KEY CHECK (seq > 0),
    account      text   NOT NULL,
    level        text   NOT NULL,
    account_seq  bigint NOT NULL,
    occurred_at  bigint NOT NULL,
    payload      text   NOT NULL
);
CREATE INDEX alert_feed_account ON alert_feed (account, seq);

CREATE TABLE alert_account_state (
    account             text   PRIMARY KEY,
    seq                 bigint NOT NULL,
    level               text   NOT NULL,
    account_seq         bigint NOT NULL,
    occurred_at         bigint NOT NULL,
    health_factor       text,
    equity              text   NOT NULL,
    maintenance_margin  text   NOT NULL
);

-- migrate:down
DROP TABLE alert_account_state;
DROP TABLE alert_feed;
