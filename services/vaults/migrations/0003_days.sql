-- migrate:up
-- Days by UTC day, append-only, in the order of the lines' numbers, so that a BRIN index of a few pages finds one line's
-- rows. A day that is told again has a further row in its own partition.
DROP VIEW current_days;
ALTER TABLE vault_days RENAME TO vault_days_before;

CREATE TABLE vault_days (
    ts            timestamptz NOT NULL,
    number        bigint NOT NULL,
    owner         text NOT NULL,
    protocol      text NOT NULL,
    asset         text NOT NULL,
    day           bigint NOT NULL CHECK (day % 86400000000 = 0),
    revision      bigint NOT NULL,
    equity_start  bigint NOT NULL,
    equity_end    bigint NOT NULL,
    deposits      bigint NOT NULL,
    withdrawals   bigint NOT NULL,
    fees          bigint NOT NULL,
    earned        bigint NOT NULL,
    return_1e12   bigint,
    CHECK (equity_end - equity_start = deposits - withdrawals + earned - fees)
) PARTITION BY RANGE (ts);
CREATE TABLE vault_days_default PARTITION OF vault_days DEFAULT;
CREATE INDEX vault_days_number ON vault_days USING brin (number) WITH (pages_per_range = 16, autosummarize = on);

-- What of the told days no longer holds: which days were told again, and by what.
CREATE TABLE vault_restated (
    day       bigint NOT NULL,
    revision  bigint NOT NULL,
    PRIMARY KEY (day, revision)
);

INSERT INTO vault_restated SELECT DISTINCT day, revision FROM vault_days_before WHERE revision > 0;
INSERT INTO vault_days
SELECT to_timestamp(d.day / 1000000), l.number, d.* FROM vault_days_before d JOIN vault_lines l USING (owner, protocol, asset)
ORDER BY d.day, d.revision, l.number;
DROP TABLE vault_days_before;

-- What holds now of every day: its last telling.
CREATE VIEW current_days WITH (security_invoker = true) AS
SELECT DISTINCT ON (number, ts) * FROM vault_days ORDER BY number, ts, revision DESC;

SELECT wall_by_account(ARRAY['vault_days'], 'owner');
SELECT open_to_tenants(ARRAY['current_days']);

-- migrate:down
DROP VIEW current_days;
DROP TABLE vault_restated;
ALTER TABLE vault_days RENAME TO vault_days_after;
CREATE TABLE vault_days (
    owner         text NOT NULL,
    protocol      text NOT NULL,
    asset         text NOT NULL,
    day           bigint NOT NULL CHECK (day % 86400000000 = 0),
    revision      bigint NOT NULL,
    equity_start  bigint NOT NULL,
    equity_end    bigint NOT NULL,
    deposits      bigint NOT NULL,
    withdrawals   bigint NOT NULL,
    fees          bigint NOT NULL,
    earned        bigint NOT NULL,
    return_1e12   bigint,
    PRIMARY KEY (owner, protocol, asset, day, revision),
    CHECK (equity_end - equity_start = deposits - withdrawals + earned - fees)
);
INSERT INTO vault_days
SELECT owner, protocol, asset, day, revision, equity_start, equity_end, deposits, withdrawals, fees,
       earned, return_1e12
FROM vault_days_after;
DROP TABLE vault_days_after;
CREATE VIEW current_days WITH (security_invoker = true) AS
SELECT DISTINCT ON (owner, protocol, asset, day) * FROM vault_days
ORDER BY owner, protocol, asset, day, revision DESC;
SELECT wall_by_account(ARRAY['vault_days'], 'owner');
SELECT open_to_tenants(ARRAY['current_days']);
