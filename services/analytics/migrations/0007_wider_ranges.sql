-- migrate:up
-- At three million rows a day half of an account's look-up went into reading the index: ranges of 16 pages halve it.
DROP INDEX account_days_number;
CREATE INDEX account_days_number ON account_days USING brin (number) WITH (pages_per_range = 16, autosummarize = on);

-- migrate:down
DROP INDEX account_days_number;
CREATE INDEX account_days_number ON account_days USING brin (number) WITH (pages_per_range = 8, autosummarize = on);
