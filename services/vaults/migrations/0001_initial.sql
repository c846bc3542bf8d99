-- migrate:up
-- Every inbound message as it came: what the service can be rebuilt from without the bus.
CREATE TABLE journal (
    stream_seq  bigint PRIMARY KEY,
    at          bigint NOT NULL,
    subject     text NOT NULL,
    payload     bytea NOT NULL
);

-- Every event of every chain once, with what it moved. Raw: no row here is ever changed.
CREATE TABLE chain_events (
    chain        text NOT NULL,
    signature    text NOT NULL,
    event_index  bigint NOT NULL,
    place        bigint NOT NULL,
    kind         text NOT NULL,
    vault        text NOT NULL,
    owner        text NOT NULL,
    protocol     text NOT NULL,
    asset        text NOT NULL,
    slot         bigint NOT NULL,
    block_time   bigint NOT NULL,
    deposit      bigint NOT NULL,
    withdrawal   bigint NOT NULL,
    fee          bigint NOT NULL,
    shares       bigint NOT NULL,
    staked       bigint NOT NULL,
    PRIMARY KEY (chain, signature, event_index)
);
CREATE INDEX chain_events_place ON chain_events USING brin (place);
CREATE INDEX chain_events_owner ON chain_events (owner, place);
CREATE INDEX chain_events_vault ON chain_events (vault, kind);

-- What vaults reported of themselves. Rates in ppb; price in quote quanta of one whole asset.
CREATE TABLE vault_states (
    chain                 text NOT NULL,
    signature             text NOT NULL,
    event_index           bigint NOT NULL,
    vault                 text NOT NULL,
    protocol              text NOT NULL,
    asset                 text NOT NULL,
    slot                  bigint NOT NULL,
    block_time            bigint NOT NULL,
    total_assets          bigint NOT NULL,
    total_shares          bigint NOT NULL,
    virtual_assets        bigint NOT NULL,
    virtual_shares        bigint NOT NULL,
    lending_apy_ppb       bigint NOT NULL,
    incentives_apy_ppb    bigint NOT NULL,
    price_quanta          bigint,
    decimals              bigint NOT NULL,
    status                text NOT NULL,
    PRIMARY KEY (chain, signature, event_index)
);
CREATE INDEX vault_states_order ON vault_states (vault, block_time, slot, event_index, signature);

-- What else happened, as it was told, for reading: configuration, swaps, rebalances, harvests, queued withdrawals.
CREATE TABLE chain_notes (
    chain        text NOT NULL,
    signature    text NOT NULL,
    event_index  bigint NOT NULL,
    kind         text NOT NULL,
    vault        text NOT NULL,
    owner        text NOT NULL,
    slot         bigint NOT NULL,
    block_time   bigint NOT NULL,
    body         text NOT NULL,
    PRIMARY KEY (chain, signature, event_index)
);
CREATE INDEX chain_notes_vault ON chain_notes (vault, kind, block_time);

CREATE TABLE chain_retractions (
    chain        text NOT NULL,
    signature    text NOT NULL,
    event_index  bigint NOT NULL,
    place        bigint NOT NULL,
    reason       text NOT NULL,
    PRIMARY KEY (chain, signature, event_index)
);

CREATE TABLE chain_cursors (
    chain        text PRIMARY KEY,
    slot         bigint NOT NULL,
    block_time   bigint NOT NULL,
    received_at  bigint NOT NULL,
    events       bigint NOT NULL,
    duplicates   bigint NOT NULL,
    late         bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE vault_clock (
    one       boolean PRIMARY KEY CHECK (one),
    day       bigint NOT NULL,
    previous  bigint NOT NULL,
    swept     bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE vault_lines (
    owner     text NOT NULL,
    protocol  text NOT NULL,
    asset     text NOT NULL,
    number    bigint NOT NULL,
    PRIMARY KEY (owner, protocol, asset)
);

CREATE TABLE vault_holdings (
    owner      text NOT NULL,
    vault      text NOT NULL,
    protocol   text NOT NULL,
    asset      text NOT NULL,
    shares     bigint NOT NULL,
    staked     bigint NOT NULL,
    deposited  bigint NOT NULL,
    withdrawn  bigint NOT NULL,
    fees       bigint NOT NULL,
    moves      bigint NOT NULL,
    PRIMARY KEY (owner, vault)
) WITH (fillfactor = 70);
CREATE INDEX vault_holdings_vault ON vault_holdings (vault);

-- Days as they were told; a day that was told again has a further row. The identity of domain rule R34 is a CHECK.
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

CREATE TABLE vault_months (
    owner         text NOT NULL,
    protocol      text NOT NULL,
    asset         text NOT NULL,
    month         bigint NOT NULL,
    equity_start  bigint NOT NULL,
    equity_end    bigint NOT NULL,
    deposits      bigint NOT NULL,
    withdrawals   bigint NOT NULL,
    fees          bigint NOT NULL,
    earned        bigint NOT NULL,
    active_days   bigint NOT NULL,
    return_days   bigint NOT NULL,
    return_sum    bigint NOT NULL,
    PRIMARY KEY (owner, protocol, asset, month)
) WITH (fillfactor = 70);

-- What holds now of every day: its last telling.
CREATE VIEW current_days AS
SELECT DISTINCT ON (owner, protocol, asset, day) * FROM vault_days
ORDER BY owner, protocol, asset, day, revision DESC;

-- Every sum is made on its own side before the sides meet, so no deposit is counted once per withdrawal.
CREATE VIEW vault_performance AS
SELECT v.vault, v.protocol, v.asset, v.total_assets, v.total_shares,
       coalesce(m.deposits, 0) AS deposits, coalesce(m.withdrawals, 0) AS withdrawals, coalesce(m.fees, 0) AS fees,
       coalesce(m.depositors, 0) AS depositors, coalesce(m.withdrawers, 0) AS withdrawers
FROM (
  SELECT DISTINCT ON (s.vault) s.* FROM vault_states s
  WHERE NOT EXISTS (SELECT FROM chain_retractions r WHERE (r.chain, r.signature, r.event_index)
                                                        = (s.chain, s.signature, s.event_index))
  ORDER BY s.vault, s.block_time DESC, s.slot DESC, s.event_index DESC, s.signature DESC
) v
LEFT JOIN (
  SELECT e.vault, sum(e.deposit) AS deposits, sum(e.withdrawal) AS withdrawals, sum(e.fee) AS fees,
         count(DISTINCT e.owner) FILTER (WHERE e.deposit > 0) AS depositors,
         count(DISTINCT e.owner) FILTER (WHERE e.withdrawal > 0) AS withdrawers
  FROM chain_events e
  WHERE e.kind <> 'FarmRewardsClaimed' AND NOT EXISTS (SELECT FROM chain_retractions r WHERE (r.chain, r.signature, r.event_index)
                                                        = (e.chain, e.signature, e.event_index))
  GROUP BY e.vault
) m USING (vault);

CREATE VIEW vault_liquidity AS
SELECT n.vault, n.body::jsonb ->> 'from_asset' AS from_asset, n.body::jsonb ->> 'to_asset' AS to_asset,
       count(*) AS swaps, sum((n.body::jsonb ->> 'amount_in_units')::numeric) AS amount_in,
       sum((n.body::jsonb ->> 'amount_out_units')::numeric) AS amount_out, max(n.block_time) AS last_swap
FROM chain_notes n
WHERE n.kind = 'VaultSwapped'
  AND NOT EXISTS (SELECT FROM chain_retractions r WHERE (r.chain, r.signature, r.event_index)
                                                      = (n.chain, n.signature, n.event_index))
GROUP BY 1, 2, 3;

-- migrate:down
DROP VIEW vault_liquidity;
DROP VIEW vault_performance;
DROP VIEW current_days;
DROP TABLE vault_months;
DROP TABLE vault_days;
DROP TABLE vault_holdings;
DROP TABLE vault_lines;
DROP TABLE vault_clock;
DROP TABLE chain_cursors;
DROP TABLE chain_retractions;
DROP TABLE chain_notes;
DROP TABLE vault_states;
DROP TABLE chain_events;
DROP TABLE journal;
