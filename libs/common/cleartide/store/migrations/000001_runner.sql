-- migrate:up
CREATE TABLE consumer_position (
    one             boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch           bigint NOT NULL DEFAULT 0,
    position        bigint NOT NULL DEFAULT 0,
    stream_seq      bigint NOT NULL DEFAULT 0,
    stream_created  text   NOT NULL DEFAULT '',
    at              bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO consumer_position DEFAULT VALUES;

CREATE TABLE outbox (
    channel      text   NOT NULL,
    first_seq    bigint NOT NULL,
    last_seq     bigint NOT NULL CHECK (last_seq >= first_seq),
    subject      text   NOT NULL,
    payload      bytea  NOT NULL,
    traceparent  text   NOT NULL,
    PRIMARY KEY (channel, first_seq)
);
ALTER TABLE outbox ALTER COLUMN payload SET STORAGE EXTERNAL;

CREATE TABLE outbox_position (
    channel        text   PRIMARY KEY,
    last_seq       bigint NOT NULL,
    published_seq  bigint NOT NULL DEFAULT 0 CHECK (published_seq <= last_seq)
) WITH (fillfactor = 50);

-- migrate:down
DROP TABLE outbox_position;
DROP TABLE outbox;
DROP TABLE consumer_position;
