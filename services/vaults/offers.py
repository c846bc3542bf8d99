"""What vaults hold and pay, now and over time: TVL and APY per protocol and asset, and how far chains have been read.

Raw APY is what vaults report, lending and incentives together; the performance fee takes its part of a gain; the rest
is net. Every figure of one answer is of the same instant: a vault counts with its last state at or before it.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from cleartide.money import rate_text, units_text
from cleartide.rules.calendar import DAY_MICROS
from cleartide.rules.returns import apr_of_apy_ppb, fee_part_ppb, mean_rate_ppb
from cleartide.service import Query, QueryError

TEN_MINUTES: Final = 600_000_000
MOST_POINTS: Final = 1_000
MOST_ROWS: Final = 100_000
"""Instants times vaults that one page is made of; an instant is never cut."""
UNITS: Final = frozenset({"total_assets", "total_shares", "deposits", "withdrawals", "fees", "amount_in", "amount_out"})
RECENT: Final = 10
"""How many of the latest points the mean is of."""
_STATES_AT: Final = """
SELECT g.at, s.*, coalesce(f.fee, 0) AS performance_fee_bps, vault_status(s.vault, g.at) AS standing
FROM generate_series($1::bigint, $2::bigint, $3::bigint) g(at)
CROSS JOIN known_vaults v
CROSS JOIN LATERAL (
  SELECT * FROM standing_states s WHERE s.vault = v.vault AND s.block_time <= g.at
  ORDER BY s.block_time DESC, s.slot DESC, s.event_index DESC, s.signature DESC LIMIT 1
) s
LEFT JOIN LATERAL (
  SELECT (n.body::jsonb ->> 'performance_fee_bps')::bigint AS fee FROM chain_notes n
  WHERE n.vault = v.vault AND n.kind = 'FeeConfigUpdated' AND n.block_time <= g.at
    AND NOT EXISTS (SELECT FROM chain_retractions r WHERE (r.chain, r.signature, r.event_index)
                                                        = (n.chain, n.signature, n.event_index))
  ORDER BY n.block_time DESC, n.slot DESC, n.event_index DESC, n.signature DESC LIMIT 1
) f ON true
WHERE ($4::text IS NULL OR s.protocol = $4) AND ($5::text IS NULL OR s.asset = $5)
ORDER BY g.at, s.protocol, s.asset, s.vault LIMIT $6
"""
_VAULTS_SQL: Final = "SELECT count(*) FROM known_vaults LIMIT 1"
_PERFORMANCE_SQL: Final = """
SELECT p.*, vault_status(p.vault, 9007199254740991) AS status FROM vault_performance p ORDER BY vault LIMIT 1000
"""
_LIQUIDITY_SQL: Final = "SELECT * FROM vault_liquidity ORDER BY vault, from_asset, to_asset LIMIT 1000"
_SYNC_SQL: Final = """
SELECT c.*, (SELECT count(*) FROM chain_retractions r WHERE r.chain = c.chain) AS retracted FROM chain_cursors c
ORDER BY chain LIMIT 100
"""
_NOTES_SQL: Final = """
SELECT * FROM chain_notes WHERE ($1::text IS NULL OR vault = $1) AND ($2::text IS NULL OR kind = $2)
ORDER BY block_time DESC, slot DESC, event_index DESC LIMIT $3
"""


async def history(pool: Any, params: dict[str, Any]) -> Any:
    """TVL and APY over time per protocol and asset: the newest points that there are before an instant, oldest first.

    Parameters: from, to (microseconds; default the last 30 days), step (microseconds, at least ten minutes), protocol,
    asset; before (an instant), limit (points). Points stand on whole steps; a step's point is what held at its instant.
    `next` is the `before` of the page of older points, None on the last.
    """
    first, last, step, limit = _grid(params)
    narrowed = params.get("protocol"), params.get("asset")
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        vaults = await connection.fetchval(_VAULTS_SQL)
        points = max(1, min(limit, MOST_ROWS // max(vaults, 1)))
        begin = max(first, last - (points - 1) * step)
        rows = await connection.fetch(_STATES_AT, begin, last, step, *narrowed, points * vaults)
    return {"step": step, "series": _series(rows), "next": begin if begin > first else None}


async def offers(pool: Any, params: dict[str, Any]) -> Any:
    """Every protocol and asset now: TVL, raw, fee and net APY, APR, best and mean of the latest points; and the total.

    Parameters: protocol, asset, at (microseconds; default now). The best is of those that take money in.
    """
    at = int(params.get("at") or time.time_ns() // 1_000)
    first, narrowed = at - (RECENT - 1) * TEN_MINUTES, (params.get("protocol"), params.get("asset"))
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        vaults = await connection.fetchval(_VAULTS_SQL)
        rows = await connection.fetch(_STATES_AT, first, at, TEN_MINUTES, *narrowed, RECENT * vaults)
    series = _series(rows)
    now = [_offer(line) for line in series if line["points"][-1]["at"] == at]
    open_now = [offer for offer in now if offer["paused"] < offer["vaults"]]
    best = max(open_now, key=lambda offer: _number(offer["net_apy"]), default=None)
    usd = [offer["tvl_usd"] for offer in now if offer["tvl_usd"] is not None]
    total = sum(_number(text) for text in usd)
    return {"at": at, "tvl_usd": units_text(total, 6), "unpriced": len(now) - len(usd), "best": best, "offers": now}


async def vaults(pool: Any, _params: dict[str, Any]) -> Any:
    """Every vault's totals and how much has gone in and out, and who: no sum is taken over a join. No parameters."""
    return {"vaults": [_told(row) for row in await pool.fetch(_PERFORMANCE_SQL)]}


async def liquidity(pool: Any, _params: dict[str, Any]) -> Any:
    """Swaps per vault and pair of assets, in smallest units. No parameters."""
    return {"pairs": [_told(row) for row in await pool.fetch(_LIQUIDITY_SQL)]}


async def sync(pool: Any, _params: dict[str, Any]) -> Any:
    """How far each chain has been read: slot, block time, lag in microseconds, counts. No parameters."""
    rows = await pool.fetch(_SYNC_SQL)
    return {"chains": [{**dict(row), "lag_micros": max(row["received_at"] - row["block_time"], 0)} for row in rows]}


async def notes(pool: Any, params: dict[str, Any]) -> Any:
    """What else happened: configuration, brakes, swaps, rebalances, harvests. Parameters: vault, kind, limit."""
    limit = int(params.get("limit", 50))
    if not 1 <= limit <= 500:
        raise QueryError("bad_parameters", "limit is 1 to 500")
    rows = await pool.fetch(_NOTES_SQL, params.get("vault"), params.get("kind"), limit)
    return {"notes": [dict(row) for row in rows]}


def _grid(params: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """First and last whole step, the last one before what is already known, with step and limit."""
    last = int(params.get("to") or time.time_ns() // 1_000)
    first = int(params.get("from") or last - 30 * DAY_MICROS)
    step, limit = int(params.get("step") or DAY_MICROS), int(params.get("limit") or MOST_POINTS)
    if step < TEN_MINUTES or not 0 <= first <= last:
        raise QueryError("bad_parameters", "step is at least ten minutes, from is not after to")
    if not 1 <= limit <= MOST_POINTS:
        raise QueryError("bad_parameters", f"limit is 1 to {MOST_POINTS}")
    if (before := params.get("before")) is not None:
        last = min(last, int(before) - 1)
    return first - first % step, last - last % step, step, limit


def _series(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    lines: dict[tuple[str, str], dict[int, list[Mapping[str, Any]]]] = {}
    for row in rows:
        lines.setdefault((row["protocol"], row["asset"]), {}).setdefault(row["at"], []).append(row)
    return [
        {"protocol": protocol, "asset": asset, "points": [_point(at, group) for at, group in points.items()]}
        for (protocol, asset), points in sorted(lines.items())
    ]


def _point(at: int, group: list[Mapping[str, Any]]) -> dict[str, Any]:
    """A protocol's asset at one instant: sums of assets; rates weighted by the assets they are paid on, truncated.

    Amounts as text of whole assets, rates as text of a fraction. net = raw - fee (domain section 15.5); its APR is the
    simple rate that compounds to it (15.4).
    """
    assets = sum(row["total_assets"] for row in group)
    places = group[0]["decimals"]
    lending = _mean(group, lambda row: row["lending_apy_ppb"])
    incentives = _mean(group, lambda row: row["incentives_apy_ppb"])
    raw, fee = lending + incentives, _mean(group, _fee)
    usd = [row["total_assets"] * row["price_quanta"] // 10**places for row in group if row["price_quanta"] is not None]
    return {
        "at": at,
        "tvl": units_text(assets, places),
        "tvl_usd": units_text(sum(usd), 6) if len(usd) == len(group) else None,
        "lending_apy": rate_text(lending),
        "incentives_apy": rate_text(incentives),
        "raw_apy": rate_text(raw),
        "fee_apy": rate_text(fee),
        "net_apy": rate_text(raw - fee),
        "net_apr": rate_text(apr_of_apy_ppb(raw - fee)),
        "vaults": len(group),
        "paused": sum(row["standing"] != "active" for row in group),
    }


def _mean(group: list[Mapping[str, Any]], rate: Callable[[Mapping[str, Any]], int]) -> int:
    return mean_rate_ppb([(row["total_assets"], rate(row)) for row in group])


def _fee(row: Mapping[str, Any]) -> int:
    return fee_part_ppb(row["lending_apy_ppb"] + row["incentives_apy_ppb"], row["performance_fee_bps"])


def _offer(line: Mapping[str, Any]) -> dict[str, Any]:
    """The line's last point, with the best and the mean net APY of its latest points, as text of a fraction."""
    nets = [_number(point["net_apy"]) for point in line["points"]]
    now = {name: value for name, value in line["points"][-1].items() if name != "at"}
    seen = {"best_apy": rate_text(max(nets)), "mean_apy": rate_text(mean_rate_ppb([(1, net) for net in nets]))}
    return {"protocol": line["protocol"], "asset": line["asset"], **now, **seen}


def _number(text: str) -> int:
    return int(text.replace(".", ""))


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose smallest units are text: a sum of them may be more than a JSON number holds."""
    return {name: str(int(value)) if name in UNITS and value is not None else value for name, value in row.items()}


OFFERS: Final[Mapping[str, Query]] = {
    "history": history,
    "offers": offers,
    "vaults": vaults,
    "liquidity": liquidity,
    "sync": sync,
    "notes": notes,
}
