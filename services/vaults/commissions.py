"""What events on chains brought in over all owners: each fee, and sums by protocol, vault, owner or UTC day.

A fee is what a deposit, a withdrawal or a claim of rewards told of itself, in its asset. What is retracted brought
nothing, and sums of different assets are never added.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

from cleartide.contracts.types import JSON_SAFE
from cleartide.money import units_text
from cleartide.rules.calendar import DAY_MICROS, date_of
from cleartide.service import Query, QueryError

from services.vaults.queries import DEFAULT_DECIMALS, decimals_of

DEFAULT_DAYS: Final = 30
MOST_ROWS: Final = 500
MOST_SUMS: Final = 10_000
GROUPS: Final = {
    "asset": "",
    "vault": "vault, ",
    "owner": "owner, ",
    "day": f"block_time - block_time % {DAY_MICROS} AS day, ",
}
"""What sums are by, beside protocol, asset and kind of event."""
_ONE_BY_ONE: Final = """
SELECT * FROM standing_events WHERE fee > 0 AND place < $1
  AND ($2::text IS NULL OR protocol = $2) AND ($3::text IS NULL OR asset = $3) AND ($4::text IS NULL OR vault = $4)
ORDER BY place DESC, event_index DESC LIMIT $5
"""
_SUMS: Final = """
SELECT {group} protocol, asset, kind, count(*) AS events, count(DISTINCT owner) AS owners, sum(fee) AS fees
FROM standing_events WHERE fee > 0 AND block_time >= $1 AND block_time < $2
  AND ($3::text IS NULL OR protocol = $3) AND ($4::text IS NULL OR asset = $4)
GROUP BY {by} protocol, asset, kind ORDER BY {order} LIMIT $5
"""
_LARGEST: Final = "asset, fees DESC, protocol, kind"


async def commissions(pool: Any, params: dict[str, Any]) -> Any:
    """Every fee, newest first. Parameters: protocol, asset, vault, before (a `place`), limit (50, at most 500)."""
    limit = int(params.get("limit", 50))
    if not 1 <= limit <= MOST_ROWS:
        raise QueryError("bad_parameters", f"limit is 1 to {MOST_ROWS}")
    narrowed = [params.get(name) for name in ("protocol", "asset", "vault")]
    rows = await pool.fetch(_ONE_BY_ONE, int(params.get("before") or JSON_SAFE), *narrowed, limit)
    scale = await decimals_of(pool)
    return {"commissions": [_record(row, scale) for row in rows]}


async def commission_sums(pool: Any, params: dict[str, Any]) -> Any:
    """Sums by `by`: asset (the whole), vault, owner (who brought most), day (the trend, UTC, newest first).

    Parameters: by, from, to (microseconds; [from, to), default the last 30 days), protocol, asset. At most 10,000 sums.
    """
    by = params.get("by", "asset")
    if by not in GROUPS:
        raise QueryError("bad_parameters", f"by is one of {', '.join(GROUPS)}")
    last = int(params.get("to") or time.time_ns() // 1_000)
    first = int(params["from"]) if params.get("from") is not None else max(0, last - DEFAULT_DAYS * DAY_MICROS)
    if not 0 <= first <= last <= JSON_SAFE:
        raise QueryError("bad_parameters", "from and to are microseconds, from not after to")
    name = GROUPS[by].removesuffix(", ").rpartition(" ")[2]
    order = f"day DESC, {_LARGEST}" if by == "day" else ", ".join(filter(None, (_LARGEST, name)))
    sql = _SUMS.format(group=GROUPS[by], by=f"{name}, " if name else "", order=order)
    rows = await pool.fetch(sql, first, last, params.get("protocol"), params.get("asset"), MOST_SUMS)
    scale = await decimals_of(pool)
    return {"by": by, "from_time": first, "to_time": last, "sums": [_sum(row, scale) for row in rows]}


def _record(row: Mapping[str, Any], scale: Mapping[str, int]) -> dict[str, Any]:
    names = ("chain", "signature", "event_index", "place", "kind", "vault", "owner", "protocol", "asset", "block_time")
    return {**{name: row[name] for name in names}, "fee": _text(row["fee"], row["asset"], scale)}


def _sum(row: Mapping[str, Any], scale: Mapping[str, int]) -> dict[str, Any]:
    told = {**row, "fees": _text(int(row["fees"]), row["asset"], scale)}
    if "day" not in told:
        return told
    return {"date": date_of(told.pop("day")).isoformat(), **told}


def _text(units: int, asset: str, scale: Mapping[str, int]) -> str:
    return units_text(units, scale.get(asset, DEFAULT_DECIMALS))


COMMISSIONS: Final[Mapping[str, Query]] = {"commissions": commissions, "commission_sums": commission_sums}
