"""What an owner has in each vault now: its worth and rates, rewards claimed and pending, and how risky it is."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cleartide.money import rate_text, units_text
from cleartide.rules.returns import accrued, apr_of_apy_ppb, daily_interest
from cleartide.service import Query, QueryError

from services.vaults.domain.risk import WINDOW_MICROS, Facts, risk_of
from services.vaults.queries import DEFAULT_DECIMALS, decimals_of

HOUR_MICROS: Final = 3_600_000_000
"""How often a vault is looked at where time counts: as dense as its reports are, an answer costs the same."""
_POSITIONS_SQL: Final = """
SELECT h.*, s.total_assets, s.total_shares, s.virtual_assets, s.virtual_shares, s.lending_apy_ppb,
       s.incentives_apy_ppb, s.price_quanta, s.decimals, s.block_time AS reported_at,
       vault_status(h.vault, $2) AS status
FROM vault_holdings h
LEFT JOIN LATERAL (
  SELECT * FROM standing_states s WHERE s.vault = h.vault AND s.block_time <= $2
  ORDER BY s.block_time DESC, s.slot DESC, s.event_index DESC, s.signature DESC LIMIT 1
) s ON true
WHERE h.owner = $1 ORDER BY h.vault LIMIT 1000
"""
_CLAIMED_SQL: Final = """
SELECT vault, asset, sum(withdrawal)::bigint AS net, sum(fee)::bigint AS fee, max(block_time) AS last
FROM standing_events WHERE owner = $1 AND kind = 'FarmRewardsClaimed' AND block_time <= $2
GROUP BY vault, asset ORDER BY vault, asset LIMIT 1000
"""
# What is staked changes at its own instants; a share's worth and rate are those at the last of these or whole hour.
_PENDING_SQL: Final = """
WITH own AS MATERIALIZED (
  SELECT * FROM standing_events WHERE owner = $1 AND block_time <= $2 AND (staked <> 0 OR kind = 'FarmRewardsClaimed')
), since AS (
  SELECT vault, coalesce(max(block_time) FILTER (WHERE kind = 'FarmRewardsClaimed'), min(block_time)) AS since FROM own
  GROUP BY vault HAVING bool_or(staked <> 0)
), marks AS (
  SELECT vault, at, sum(staked) AS staked FROM (
    SELECT vault, block_time AS at, staked FROM own
    UNION ALL
    SELECT vault, at, 0 FROM since, generate_series(since - since % $3 + $3, $2, $3) AS at
  ) each GROUP BY vault, at
), spans AS (
  SELECT vault, at, sum(staked) OVER line AS staked, lead(at, 1, $2) OVER line AS until
  FROM marks WINDOW line AS (PARTITION BY vault ORDER BY at)
)
SELECT s.vault, p.rate, sum(div(s.staked * p.assets, p.shares) * (s.until - s.at)) AS weight
FROM spans s JOIN since a ON a.vault = s.vault AND s.at >= a.since
CROSS JOIN LATERAL (
  SELECT total_assets::numeric + virtual_assets AS assets, total_shares::numeric + virtual_shares AS shares,
         incentives_apy_ppb AS rate
  FROM standing_states p WHERE p.vault = s.vault AND p.block_time <= s.at
  ORDER BY p.block_time DESC, p.slot DESC, p.event_index DESC, p.signature DESC LIMIT 1
) p WHERE s.staked > 0 AND p.shares > 0
GROUP BY s.vault, p.rate ORDER BY s.vault, p.rate LIMIT 100000
"""
_FACTS_SQL: Final = """
SELECT v.vault, (
  SELECT max(div((highest - price) * 1000000000, nullif(highest, 0)))::bigint FROM (
    SELECT price, max(price) OVER (ORDER BY at) AS highest FROM (
      SELECT at, div((p.total_assets::numeric + p.virtual_assets) * 1000000000000,
                     nullif(p.total_shares::numeric + p.virtual_shares, 0)) AS price
      FROM generate_series($2::bigint, $3::bigint, $4::bigint) AS at CROSS JOIN LATERAL (
        SELECT * FROM standing_states p WHERE p.vault = v.vault AND p.block_time <= at
        ORDER BY p.block_time DESC, p.slot DESC, p.event_index DESC, p.signature DESC LIMIT 1
      ) p
    ) hourly
  ) high
) AS drawdown, (
  SELECT count(*) FROM standing_brakes b
  WHERE b.vault = v.vault AND b.block_time BETWEEN $2 AND $3 AND b.action IN ('emergency_withdraw', 'force_rebalance')
) AS emergencies
FROM unnest($1::text[]) AS v(vault) LIMIT 1000
"""


async def positions(pool: Any, params: dict[str, Any]) -> Any:
    """What an owner has in each vault now, by its last state.

    Parameters: owner; at (microseconds; default now): until when states and rewards count.
    """
    owner, at = str(params["owner"]), int(params.get("at") or time.time_ns() // 1_000)
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(_POSITIONS_SQL, owner, at)
        if not rows:
            raise QueryError("not_found", f"{owner} has been in no vault")
        vaults = [row["vault"] for row in rows]
        claimed = _by_vault(await connection.fetch(_CLAIMED_SQL, owner, at))
        pending = _by_vault(await connection.fetch(_PENDING_SQL, owner, at, HOUR_MICROS))
        facts = _by_vault(await connection.fetch(_FACTS_SQL, vaults, at - WINDOW_MICROS, at, HOUR_MICROS))
        scale = await decimals_of(connection)
    return {
        "owner": owner,
        "positions": [
            {
                **_position(row),
                **_rewards(row, claimed.get(row["vault"], ()), pending.get(row["vault"], ()), scale),
                **_risk(row, facts[row["vault"]][0], at),
            }
            for row in rows
        ],
    }


def _by_vault(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["vault"], []).append(row)
    return found


def _rewards(
    row: Mapping[str, Any],
    claimed: Sequence[Mapping[str, Any]],
    pending: Sequence[Mapping[str, Any]],
    scale: Mapping[str, int],
) -> dict[str, Any]:
    """Claimed: what reached the wallet, by reward asset, whole assets. Pending: what staked shares have earned since.

    No event says what waits in a farm, so it is worked out: staked value at the incentives that the vault reported, in
    the vault's own asset (domain section 15.4).
    """
    waits = accrued((int(part["weight"]), part["rate"]) for part in pending)
    return {
        "pending_rewards": units_text(waits, _places(row)),
        "claimed_rewards": [
            {
                "asset": each["asset"],
                "amount": units_text(each["net"], scale.get(each["asset"], DEFAULT_DECIMALS)),
                "fee": units_text(each["fee"], scale.get(each["asset"], DEFAULT_DECIMALS)),
                "last_claim": each["last"],
            }
            for each in claimed
        ],
    }


def _risk(row: Mapping[str, Any], facts: Mapping[str, Any], at: int) -> dict[str, Any]:
    if row["shares"] <= 0:
        return {"risk": None, "risk_reasons": []}
    level, reasons = risk_of(
        Facts(
            status=row["status"] or "active",
            silent_micros=None if row["reported_at"] is None else at - row["reported_at"],
            drawdown_ppb=facts["drawdown"] or 0,
            emergencies=facts["emergencies"],
            lending_apy_ppb=row["lending_apy_ppb"] or 0,
            incentives_apy_ppb=row["incentives_apy_ppb"] or 0,
        )
    )
    return {"risk": level, "risk_reasons": reasons}


def _places(row: Mapping[str, Any]) -> int:
    return DEFAULT_DECIMALS if row["decimals"] is None else int(row["decimals"])


def _position(row: Mapping[str, Any]) -> dict[str, Any]:
    """What shares are worth by the vault's last state, floored (R36); earned_net = value + withdrawn - deposited (R34).

    Amounts leave as text of whole assets, rates as text of a fraction. The daily interest is a 365th of the simple rate
    (domain section 15.4), not of the compounded one.
    """
    places = _places(row)
    base = (row["total_shares"] or 0) + (row["virtual_shares"] or 0)
    held = max(row["shares"], 0)
    value = held * (row["total_assets"] + row["virtual_assets"]) // base if base else 0
    apy = (row["lending_apy_ppb"] or 0) + (row["incentives_apy_ppb"] or 0)
    apr = apr_of_apy_ppb(apy)
    price = row["price_quanta"]
    return {
        **{name: row[name] for name in ("vault", "protocol", "asset")},
        "status": "closed" if held == 0 else row["status"] or "active",
        "shares": row["shares"],
        "staked_shares": row["staked"],
        "value": units_text(value, places),
        "value_usd": None if price is None else units_text(value * price // 10**places, 6),
        **{name: units_text(row[name], places) for name in ("deposited", "withdrawn", "fees")},
        "earned_net": units_text(value + row["withdrawn"] - row["deposited"], places),
        "lending_apy": rate_text(row["lending_apy_ppb"]),
        "incentives_apy": rate_text(row["incentives_apy_ppb"]),
        "total_apy": rate_text(apy),
        "total_apr": rate_text(apr),
        "daily_interest": units_text(daily_interest(value, apr), places),
    }


POSITIONS: Final[Mapping[str, Query]] = {"positions": positions}
