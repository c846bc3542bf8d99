"""The roll-up once more, from the raw events alone and in SQL: slow, and written apart from the fold.

It shares nothing with `domain/` but the rules: every day of every line by a join of events, shares and prices.
"""

from typing import Any, Final

from cleartide.contracts.types import JSON_SAFE

_EVENTS: Final = """
WITH events AS MATERIALIZED (
  SELECT * FROM chain_events e WHERE protocol <> '' AND NOT EXISTS (
    SELECT FROM chain_retractions r
    WHERE (r.chain, r.signature, r.event_index) = (e.chain, e.signature, e.event_index))
), states AS MATERIALIZED (
  SELECT * FROM vault_states s WHERE NOT EXISTS (
    SELECT FROM chain_retractions r
    WHERE (r.chain, r.signature, r.event_index) = (s.chain, s.signature, s.event_index))
), days AS MATERIALIZED (
  SELECT d FROM generate_series(
    (SELECT min(block_time - block_time % 86400000000) FROM events) - 86400000000,
    $1::bigint - 86400000000, 86400000000) AS d
)
"""
DAYS_SQL: Final = (
    _EVENTS  # noqa: S608 - both parts are constants of this file
    + """, prices AS MATERIALIZED (
  SELECT v.vault, d.d, coalesce(upto.assets, first.assets) AS assets, coalesce(upto.shares, first.shares) AS shares
  FROM (SELECT DISTINCT vault FROM states) v CROSS JOIN days d
  LEFT JOIN LATERAL (
    SELECT total_assets::numeric + virtual_assets AS assets, total_shares::numeric + virtual_shares AS shares
    FROM states s WHERE s.vault = v.vault AND s.block_time < d.d + 86400000000
    ORDER BY block_time DESC, slot DESC, event_index DESC, signature COLLATE "C" DESC LIMIT 1) upto ON true
  LEFT JOIN LATERAL (
    SELECT total_assets::numeric + virtual_assets AS assets, total_shares::numeric + virtual_shares AS shares
    FROM states s WHERE s.vault = v.vault
    ORDER BY block_time, slot, event_index, signature COLLATE "C" LIMIT 1) first ON true
), flows AS MATERIALIZED (
  SELECT owner, protocol, asset, block_time - block_time % 86400000000 AS d, sum(deposit) AS deposits,
         sum(withdrawal) AS withdrawals, sum(fee) AS fees,
         sum(div((deposit - withdrawal)::numeric * (86400000000 - block_time % 86400000000), 86400000000)) AS weighted
  FROM events GROUP BY 1, 2, 3, 4
), changes AS (
  SELECT owner, protocol, asset, vault, block_time - block_time % 86400000000 AS d, sum(shares) AS change
  FROM events WHERE shares <> 0 GROUP BY 1, 2, 3, 4, 5
), held AS (
  SELECT l.owner, l.protocol, l.asset, l.vault, d.d,
         sum(coalesce(c.change, 0)) OVER (PARTITION BY l.owner, l.protocol, l.asset, l.vault ORDER BY d.d) AS shares
  FROM (SELECT DISTINCT owner, protocol, asset, vault FROM changes) l CROSS JOIN days d
  LEFT JOIN changes c USING (owner, protocol, asset, vault, d)
), worth AS MATERIALIZED (
  SELECT h.owner, h.protocol, h.asset, h.d,
         sum(CASE WHEN h.shares > 0 AND p.shares > 0 THEN div(h.shares * p.assets, p.shares) ELSE 0 END) AS equity
  FROM held h LEFT JOIN prices p USING (vault, d) GROUP BY 1, 2, 3, 4
), figures AS (
  SELECT l.owner, l.protocol, l.asset, d.d,
         coalesce(lag(w1.equity) OVER (PARTITION BY l.owner, l.protocol, l.asset ORDER BY d.d), 0) AS equity_start,
         coalesce(w1.equity, 0) AS equity_end,
         coalesce(f.deposits, 0) AS deposits, coalesce(f.withdrawals, 0) AS withdrawals, coalesce(f.fees, 0) AS fees,
         coalesce(f.weighted, 0) AS weighted
  FROM (SELECT DISTINCT owner, protocol, asset FROM events) l CROSS JOIN days d
  LEFT JOIN flows f USING (owner, protocol, asset, d)
  LEFT JOIN worth w1 USING (owner, protocol, asset, d)
), identified AS (
  SELECT *, equity_end - equity_start - (deposits - withdrawals) + fees AS earned,
         CASE WHEN equity_start + weighted > 0 THEN
           div((equity_end - equity_start - (deposits - withdrawals)) * 1000000000000, equity_start + weighted) END AS r
  FROM figures
)
SELECT owner, protocol, asset, d AS day, equity_start::bigint, equity_end::bigint, deposits::bigint,
       withdrawals::bigint, fees::bigint, earned::bigint, CASE WHEN abs(r) <= $2 THEN r::bigint END AS return_1e12
FROM identified
WHERE (equity_start, equity_end, deposits, withdrawals, fees, earned) <> (0, 0, 0, 0, 0, 0)
ORDER BY owner COLLATE "C", protocol COLLATE "C", asset COLLATE "C", d LIMIT $3
"""
)
TOLD_SQL: Final = """
SELECT owner, protocol, asset, day, equity_start, equity_end, deposits, withdrawals, fees, earned, return_1e12
FROM current_days WHERE (equity_start, equity_end, deposits, withdrawals, fees, earned) <> (0, 0, 0, 0, 0, 0)
ORDER BY owner COLLATE "C", protocol COLLATE "C", asset COLLATE "C", day LIMIT $1
"""
MONTHS_SQL: Final = """
WITH days AS (
  SELECT *, to_char(timestamp '1970-01-01' + day / 86400000000 * interval '1 day', 'YYYYMM')::bigint AS month
  FROM current_days WHERE (equity_start, equity_end, deposits, withdrawals, fees, earned) <> (0, 0, 0, 0, 0, 0)
)
SELECT owner, protocol, asset, month, (array_agg(equity_start ORDER BY day))[1] AS equity_start,
       (array_agg(equity_end ORDER BY day DESC))[1] AS equity_end, sum(deposits)::bigint AS deposits,
       sum(withdrawals)::bigint AS withdrawals, sum(fees)::bigint AS fees, sum(earned)::bigint AS earned,
       count(*) AS active_days, count(return_1e12) AS return_days, coalesce(sum(return_1e12), 0)::bigint AS return_sum
FROM days GROUP BY 1, 2, 3, 4
ORDER BY owner COLLATE "C", protocol COLLATE "C", asset COLLATE "C", month LIMIT $1
"""
TOLD_MONTHS_SQL: Final = """
SELECT * FROM vault_months WHERE active_days > 0
ORDER BY owner COLLATE "C", protocol COLLATE "C", asset COLLATE "C", month LIMIT $1
"""
MOST_ROWS: Final = 10_000_000


async def compare(connection: Any, closed_before: int) -> tuple[int, int, list[Any]]:
    """(days, months, differences): every told day and month before an instant beside the same made from raw events."""
    # The parts have no statistics, and loops over them would take hours.
    await connection.execute("SET enable_nestloop = off")
    raw = await connection.fetch(DAYS_SQL, closed_before, JSON_SAFE, MOST_ROWS)
    told = await connection.fetch(TOLD_SQL, MOST_ROWS)
    months = await connection.fetch(MONTHS_SQL, MOST_ROWS)
    told_months = await connection.fetch(TOLD_MONTHS_SQL, MOST_ROWS)
    return len(told), len(told_months), _differences(raw, told) + _differences(months, told_months)


def _differences(left: Any, right: Any) -> list[Any]:
    ours, theirs = {tuple(row) for row in left}, {tuple(row) for row in right}
    return sorted(ours ^ theirs, key=repr)[:20]
