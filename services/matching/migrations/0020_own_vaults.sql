-- migrate:up
-- Vaults of the venue. The reserve is ledger account vault:<vault>; what works is the strategy's equity.
CREATE TABLE own_vaults (
    vault                text PRIMARY KEY,
    number               integer NOT NULL UNIQUE,
    manager              text NOT NULL,
    strategy             text NOT NULL UNIQUE,
    created_at           bigint NOT NULL,
    deposit_fee_bps      integer NOT NULL,
    withdraw_fee_bps     integer NOT NULL,
    management_fee_bps   integer NOT NULL,
    performance_fee_bps  integer NOT NULL,
    lock_seconds         integer NOT NULL,
    capacity             text,
    reserve_bps          integer NOT NULL,
    virtual_shares       integer NOT NULL,
    state                text NOT NULL CHECK (state IN ('active', 'paused', 'closed')),
    halted               boolean NOT NULL,
    assets_quanta        bigint NOT NULL CHECK (assets_quanta >= 0),
    shares               bigint NOT NULL CHECK (shares >= 0),
    fees_owed_quanta     bigint NOT NULL CHECK (fees_owed_quanta >= 0),
    high_water           text NOT NULL,
    charged_at           bigint NOT NULL,
    carry                bigint NOT NULL CHECK (carry >= 0),
    allocated_quanta     bigint NOT NULL CHECK (allocated_quanta >= 0),
    harvested_quanta     bigint NOT NULL CHECK (harvested_quanta >= 0),
    retry_at             bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON COLUMN own_vaults.high_water IS 'highest price a performance fee was taken at, 1e-12 quanta per share';
COMMENT ON COLUMN own_vaults.carry IS 'management fee below one quantum, in quanta / (10,000 * a year in microseconds)';

CREATE TABLE own_vault_holders (
    vault         text NOT NULL,
    account       text NOT NULL,
    shares        bigint NOT NULL CHECK (shares >= 0),
    locked_until  bigint NOT NULL,
    PRIMARY KEY (vault, account)
) WITH (fillfactor = 70);
CREATE INDEX own_vault_holders_by_account ON own_vault_holders (account, vault);

CREATE TABLE own_vault_exits (
    exit_id  bigint PRIMARY KEY,
    vault    text NOT NULL,
    account  text NOT NULL,
    shares   bigint NOT NULL CHECK (shares > 0)
);

CREATE TABLE own_vault_moves (
    move_id        bigint PRIMARY KEY,
    at             bigint NOT NULL,
    vault          text NOT NULL,
    account        text NOT NULL,
    kind           text NOT NULL,
    shares         bigint NOT NULL,
    amount_quanta  bigint NOT NULL,
    fee_quanta     bigint NOT NULL,
    assets_quanta  bigint NOT NULL,
    total_shares   bigint NOT NULL
);
CREATE INDEX own_vault_moves_by_vault ON own_vault_moves (vault, move_id);
CREATE INDEX own_vault_moves_by_account ON own_vault_moves (account, move_id) WHERE account <> '';

-- Worth now: the reserve and the strategy at the marks in force, without what is owed.
CREATE VIEW own_vault_worth AS
WITH held AS (
    SELECT v.vault, sum(b.balance_quanta - p.lots::numeric * (f.funding_index_quanta - p.funding_index_quanta)
           + CASE WHEN k.mark_ticks > 0
             THEN p.lots * k.mark_ticks * (m.tick_size::numeric * m.lot_size::numeric * 1000000)
             ELSE -b.balance_quanta END) AS units
    FROM own_vaults v JOIN positions p ON p.account = v.strategy JOIN markets m USING (market)
    JOIN marks k USING (market) JOIN funding_indexes f USING (market)
    JOIN ledger_balances b ON b.account = 'position:' || p.market || ':' || p.account GROUP BY v.vault
)
SELECT v.*, coalesce(r.balance_quanta, 0) AS reserve_quanta,
       greatest(0, coalesce(r.balance_quanta, 0) + greatest(0, coalesce(c.balance_quanta, 0) + coalesce(h.units, 0))
       - v.fees_owed_quanta)::bigint AS worth_quanta,
       (SELECT count(*) FROM own_vault_holders o WHERE o.vault = v.vault AND o.shares > 0) AS holders,
       (SELECT coalesce(sum(e.shares), 0)::bigint FROM own_vault_exits e WHERE e.vault = v.vault) AS waiting_shares
FROM own_vaults v LEFT JOIN ledger_balances r ON r.account = 'vault:' || v.vault
LEFT JOIN ledger_balances c ON c.account = 'cash:' || v.strategy LEFT JOIN held h USING (vault);

ALTER TABLE ledger_balances DROP CONSTRAINT never_overdrawn,
    ADD CONSTRAINT never_overdrawn CHECK (
        balance_quanta >= 0
        OR split_part(account, ':', 1) NOT IN ('insurance', 'collateral', 'locked', 'pool', 'referral', 'vault')
    );

-- migrate:down
ALTER TABLE ledger_balances DROP CONSTRAINT never_overdrawn,
    ADD CONSTRAINT never_overdrawn CHECK (
        balance_quanta >= 0
        OR split_part(account, ':', 1) NOT IN ('insurance', 'collateral', 'locked', 'pool', 'referral')
    );
DROP VIEW own_vault_worth;
DROP TABLE own_vault_moves;
DROP TABLE own_vault_exits;
DROP TABLE own_vault_holders;
DROP TABLE own_vaults;
