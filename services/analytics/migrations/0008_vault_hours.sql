-- migrate:up
-- What all shares of a vault were worth at the end of each hour, at its marks, and how many there were. Not known of
-- what was before this was kept.
ALTER TABLE vaults ADD COLUMN created_at bigint NOT NULL DEFAULT 0;

CREATE TABLE vault_hours (
    vault           text NOT NULL,
    at              bigint NOT NULL CHECK (at % 3600000000 = 0),
    assets          bigint NOT NULL,
    shares          bigint NOT NULL,
    virtual_shares  bigint NOT NULL,
    PRIMARY KEY (vault, at)
);

-- migrate:down
DROP TABLE vault_hours;
ALTER TABLE vaults DROP COLUMN created_at;
