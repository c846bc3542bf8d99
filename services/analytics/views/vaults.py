"""How the venue's vaults have done: the price of a share at the end of every hour, and what it gained since."""

from collections.abc import Mapping
from typing import Any, Final

from cleartide.contracts.types import JSON_SAFE
from cleartide.money import quanta_to_text
from cleartide.rules.vaults import unit_price
from cleartide.service import Query, QueryError

from services.analytics.domain.account import HOUR_MICROS
from services.analytics.domain.performance import rates_of
from services.analytics.domain.vaults import SharePrice, largest_drawdown
from services.analytics.views.portfolio import WINDOWS

MOST_POINTS: Final = 1_000
MOST_VAULTS: Final = 1_000
DAY_SECONDS: Final = 86_400
_RATES_OVER: Final = "30d"
_NOW_SQL: Final = "SELECT max(minute) FROM clock"
_WORTH_SQL: Final = """
SELECT v.vault, v.created_at, w.assets::bigint AS assets, v.shares, v.virtual_shares
FROM vaults v JOIN vault_worth w USING (vault)
WHERE $1::text IS NULL OR v.vault = $1 ORDER BY v.created_at, v.vault LIMIT $2
"""
_THEN_SQL: Final = """
SELECT h.* FROM vaults v CROSS JOIN LATERAL (
    SELECT vault, at, assets, shares, virtual_shares FROM vault_hours h
    WHERE h.vault = v.vault AND h.at <= $1 ORDER BY h.at DESC LIMIT 1
) h LIMIT $2
"""
# A step's last hour; an hour ends with the instant that names it.
_HISTORY_SQL: Final = """
SELECT * FROM (
    SELECT DISTINCT ON ((at - 1) / $4::bigint) vault, at, assets, shares, virtual_shares FROM vault_hours
    WHERE vault = $1 AND at >= $2 AND at <= $3 ORDER BY (at - 1) / $4::bigint DESC, at DESC LIMIT $5
) newest ORDER BY at LIMIT $5
"""


async def vault_performance(pool: Any, _: dict[str, Any]) -> Any:
    """Every vault of the venue now: what its shares are worth, and what a share gained over 24 hours, 7 and 30 days and
    since it opened; APR (simple) and APY (compounded, 15.4) of the last 30 days, or of its life where that is shorter.

    All are fractions with 12 places as text; null where the vault is younger, and rates under a day.
    """
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        now = await connection.fetchval(_NOW_SQL) or 0
        rows = await connection.fetch(_WORTH_SQL, None, MOST_VAULTS)
        then = {
            name: {row["vault"]: SharePrice(*row) for row in await connection.fetch(_THEN_SQL, since, MOST_VAULTS)}
            for name, since in ((name, now - hours * HOUR_MICROS) for name, hours in WINDOWS.items())
        }
    return {"as_of": now, "vaults": [_performance(row, now, then) for row in rows]}


async def vault_history(pool: Any, params: dict[str, Any]) -> Any:
    """The price of a vault's shares, the oldest first, and as the last point what it is now.

    Parameters: vault; from, to (instants in microseconds), step (seconds, whole hours, 86400), limit (500, the newest).
    `largest_drawdown`: of these points, as a fraction. Error `not_found`.
    """
    first, last, step, limit = _range(params)
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        now = await connection.fetchval(_NOW_SQL) or 0
        vault = await connection.fetchrow(_WORTH_SQL, str(params["vault"]), 1)
        if vault is None:
            raise QueryError("not_found", f"vault {params['vault']}")
        rows = await connection.fetch(_HISTORY_SQL, vault["vault"], first, last, step, limit)
    points = [SharePrice(*row) for row in rows]
    current = _price(vault, now)
    if last >= now and (not points or current.at > points[-1].at):
        points.append(current)
    return {
        "vault": vault["vault"],
        "step_seconds": step // 1_000_000,
        "points": [_point(price) for price in points],
        "largest_drawdown": f"{largest_drawdown(points):f}",
    }


def _range(params: Mapping[str, Any]) -> tuple[int, int, int, int]:
    first, last = int(params.get("from", 0)), int(params.get("to", JSON_SAFE))
    step, limit = int(params.get("step", DAY_SECONDS)) * 1_000_000, int(params.get("limit", 500))
    if not 0 <= first <= last <= JSON_SAFE:
        raise QueryError("bad_parameters", "from and to are microseconds, from not after to")
    if step < HOUR_MICROS or step % HOUR_MICROS or not 1 <= limit <= MOST_POINTS:
        raise QueryError("bad_parameters", f"step is whole hours in seconds; limit 1 to {MOST_POINTS}")
    return first, last, step, limit


def _price(row: Mapping[str, Any], at: int) -> SharePrice:
    return SharePrice(row["vault"], at, row["assets"], row["shares"], row["virtual_shares"])


def _performance(row: Mapping[str, Any], now: int, then: Mapping[str, Mapping[str, SharePrice]]) -> dict[str, Any]:
    current = _price(row, now)
    opened = SharePrice(current.vault, row["created_at"], 0, 0, current.virtual_shares)
    bases = {name: found.get(current.vault) for name, found in then.items()}
    since = bases[_RATES_OVER] or opened
    apr, apy = rates_of(since.change(current), now - since.at)
    returns = {name: None if base is None else f"{base.change(current):f}" for name, base in bases.items()}
    return {
        **_point(current),
        "vault": current.vault,
        "created_at": opened.at,
        "returns": {**returns, "all": f"{opened.change(current):f}"},
        "rates_since": since.at,
        "apr": None if apr is None else f"{apr:f}",
        "apy": None if apy is None else f"{apy:f}",
    }


def _point(price: SharePrice) -> dict[str, Any]:
    return {
        "at": price.at,
        "assets": quanta_to_text(price.assets),
        "shares": price.shares,
        "million_shares": quanta_to_text(price.million),
        "unit_price": quanta_to_text(unit_price(price.assets, price.shares, price.virtual_shares)),
    }


QUERIES: Final[Mapping[str, Query]] = {"vault_performance": vault_performance, "vault_history": vault_history}
