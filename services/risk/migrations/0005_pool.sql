-- migrate:up
-- Which share of the accounts the schema holds: no row, all of them.
CREATE TABLE pool (
    number  integer PRIMARY KEY CHECK (number BETWEEN 1 AND pools),
    pools   integer NOT NULL CHECK (pools > 1)
);

-- migrate:down
DROP TABLE pool;
