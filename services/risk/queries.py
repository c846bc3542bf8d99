"""What can be asked of risk. Health is computed at the marks in force when asked, never read from a stored figure."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from cleartide.contracts.alert_rules import MOST_RULES
from cleartide.contracts.types import JSON_SAFE
from cleartide.fold import Row, Table
from cleartide.service import Query, QueryError

from services.risk.domain.levels import NAMES, Level
from services.risk.domain.state import RiskState
from services.risk.repository import (
    ACCOUNTS,
    ASSETS,
    COLLATERAL,
    LEVERAGES,
    LIMITS,
    MARKET_BRACKETS,
    MARKETS,
    MAX_BRACKETS,
    POSITIONS,
    load,
)
from services.risk.views import account_view, alert_view, histogram, levels_view, limits_view, riskiest_first, rule_view

MOST_ROWS: Final = 500
DEFAULT_ROWS: Final = 50
MOST_MARKETS: Final = 4_096
MOST_ASSETS: Final = 64
MOST_FIGURES: Final = 32


def _columns(table: Table, prefix: str = "") -> str:
    return ", ".join(f"{prefix}{column}" for column in table.columns)


_HOLDERS: Final = "EXISTS (SELECT 1 FROM positions p WHERE p.account = a.account)"
AS_OF_SQL: Final = "SELECT position FROM consumer_position LIMIT 1"
_MARKETS_SQL: Final = f"SELECT {_columns(MARKETS)} FROM markets LIMIT $1"  # noqa: S608 - names are our declarations
_BRACKETS_SQL: Final = f"SELECT {_columns(MARKET_BRACKETS)} FROM market_brackets LIMIT $1"  # noqa: S608
_ACCOUNT_SQL: Final = f"SELECT {_columns(ACCOUNTS)} FROM accounts WHERE account = $1 LIMIT 1"  # noqa: S608
RISKIEST_SQL: Final = f"""
SELECT {_columns(ACCOUNTS, "a.")} FROM accounts a
WHERE {_HOLDERS} AND ($2::smallint IS NULL OR a.level = $2) ORDER BY a.level DESC, a.account LIMIT $1
"""  # noqa: S608
HOLDER_COUNT_SQL: Final = f"""
SELECT count(*) FROM accounts a WHERE {_HOLDERS} AND ($1::smallint IS NULL OR a.level = $1) LIMIT 1
"""  # noqa: S608
_POSITIONS_SQL: Final = f"SELECT {_columns(POSITIONS)} FROM positions WHERE account = ANY($1) LIMIT $2"  # noqa: S608
_ASSETS_SQL: Final = f"SELECT {_columns(ASSETS)} FROM assets LIMIT $1"  # noqa: S608
_COLLATERAL_SQL: Final = f"SELECT {_columns(COLLATERAL)} FROM collateral WHERE account = ANY($1) LIMIT $2"  # noqa: S608
_LEVERAGES_SQL: Final = f"SELECT {_columns(LEVERAGES)} FROM leverages WHERE account = ANY($1) LIMIT $2"  # noqa: S608
_LEVELS_SQL: Final = "SELECT level, count(*) AS accounts FROM accounts GROUP BY level LIMIT 5"
_OPEN_REQUESTS_SQL: Final = "SELECT count(*) FROM accounts WHERE liquidating LIMIT 1"
_ALERTS_AFTER_SQL: Final = """
SELECT * FROM alerts WHERE alert_seq > $1 AND ($2::text IS NULL OR account = $2) ORDER BY alert_seq LIMIT $3
"""
_ALERTS_NEWEST_SQL: Final = """
SELECT * FROM alerts WHERE alert_seq < $1 AND ($2::text IS NULL OR account = $2) AND cause_seq < $4
ORDER BY alert_seq DESC LIMIT $3
"""
_ALERT_COLLATERAL_SQL: Final = """
SELECT c.*, a.decimals FROM alert_collateral c JOIN assets a USING (asset)
WHERE c.alert_seq = ANY($1) ORDER BY c.alert_seq, c.asset LIMIT $2
"""
_ANSWERS_SQL: Final = """
SELECT account, account_seq, answer, note, actor, answered_at FROM alert_answers
WHERE account = ANY($1) AND account_seq = ANY($2) LIMIT $3
"""
_LIMITS_SQL: Final = f"SELECT {_columns(LIMITS)} FROM limits WHERE account = $1 LIMIT 1"  # noqa: S608
_FLAGS_SQL: Final = "SELECT kind, market FROM alert_flags WHERE account = $1 ORDER BY kind, market LIMIT $2"
_FIGURES_SQL: Final = "SELECT * FROM alert_figures WHERE alert_seq = ANY($1) LIMIT $2"
_RULES_SQL: Final = """
SELECT r.rule, (SELECT count(*) FROM rule_alerts a WHERE a.rule = r.name AND a.holds) AS holding,
       last.alert_seq, last.account, last.market, last.level, last.raised_at
FROM alert_rules r LEFT JOIN LATERAL (
    SELECT * FROM alerts a WHERE a.rule = r.name AND a.rule <> '' ORDER BY alert_seq DESC LIMIT 1
) last ON true ORDER BY r.name LIMIT $1
"""
_INPUTS_SQL: Final = "SELECT * FROM alert_inputs WHERE alert_seq = ANY($1) ORDER BY alert_seq, market LIMIT $2"


async def accounts(pool: Any, params: dict[str, Any], *, scan: int) -> Any:
    """Accounts with positions, lowest health factor first. Parameters: limit, level.

    `considered` below `total` says that the venue has more accounts than one question may compute; the worst
    levels are always among those considered.
    """
    limit, level = _limit(params), _level(params)
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        as_of = await connection.fetchval(AS_OF_SQL)
        total = await connection.fetchval(HOLDER_COUNT_SQL, level)
        state = await load_accounts(connection, await connection.fetch(RISKIEST_SQL, scan, level))
    listed = riskiest_first(list(state.accounts.values()))[:limit]
    return {
        "as_of_seq": as_of,
        "total": total,
        "considered": len(state.accounts),
        "accounts": [account_view(account) for account in listed],
    }


async def account(pool: Any, params: dict[str, Any]) -> Any:
    """One account. Parameters: account. Error `not_found` when no event has named it."""
    name = str(params["account"])
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        as_of = await connection.fetchval(AS_OF_SQL)
        state = await load_accounts(connection, await connection.fetch(_ACCOUNT_SQL, name))
    if name not in state.accounts:
        raise QueryError("not_found", f"account {name} has no transfer or trade")
    return {"as_of_seq": as_of, **account_view(state.accounts[name])}


async def summary(pool: Any, params: dict[str, Any], *, scan: int) -> Any:  # noqa: ARG001 - takes no parameters
    """Accounts per level, the histogram of health factors, and the liquidations asked for and not answered."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        as_of = await connection.fetchval(AS_OF_SQL)
        levels = await connection.fetch(_LEVELS_SQL)
        total = await connection.fetchval(HOLDER_COUNT_SQL, None)
        liquidating = await connection.fetchval(_OPEN_REQUESTS_SQL)
        state = await load_accounts(connection, await connection.fetch(RISKIEST_SQL, scan, None))
    return {
        "as_of_seq": as_of,
        "levels": levels_view({row["level"]: row["accounts"] for row in levels}),
        "liquidating": liquidating,
        "total": total,
        "considered": len(state.accounts),
        "histogram": histogram(state.accounts.values()),
    }


async def alerts(pool: Any, params: dict[str, Any]) -> Any:
    """Alerts with their inputs. Parameters: account, limit, after, or before and caused_before.

    With `after` those that follow that seq, oldest first; else those before a seq, or the newest, newest first, and
    with `caused_before` of those the ones raised at trading events before it.
    """
    limit, after = _limit(params), params.get("after")
    place = _seq(params.get("before", JSON_SAFE) if after is None else after)
    name = None if params.get("account") is None else str(params["account"])
    caused = (_seq(params.get("caused_before", JSON_SAFE)),) if after is None else ()
    sql = _ALERTS_NEWEST_SQL if after is None else _ALERTS_AFTER_SQL
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        as_of = await connection.fetchval(AS_OF_SQL)
        rows = await connection.fetch(sql, place, name, limit, *caused)
        numbers = [row["alert_seq"] for row in rows]
        inputs = _grouped(numbers, await connection.fetch(_INPUTS_SQL, numbers, limit * MOST_MARKETS))
        held = _grouped(numbers, await connection.fetch(_ALERT_COLLATERAL_SQL, numbers, limit * MOST_ASSETS))
        figures = _grouped(numbers, await connection.fetch(_FIGURES_SQL, numbers, limit * MOST_FIGURES))
        answers = await connection.fetch(
            _ANSWERS_SQL, [row["account"] for row in rows], [row["account_seq"] for row in rows], 2 * limit * limit
        )
    said = {(row["account"], row["account_seq"], row["answer"]): row for row in answers}
    found = [
        alert_view(row, inputs[row["alert_seq"]], held[row["alert_seq"]], figures[row["alert_seq"]], said)
        for row in rows
    ]
    return {"as_of_seq": as_of, "alerts": found}


async def watching(pool: Any, params: dict[str, Any]) -> Any:
    """What an account wants to be alerted at, and which alerts beside health hold now. Parameters: account."""
    name = str(params["account"])
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        as_of = await connection.fetchval(AS_OF_SQL)
        limits = await connection.fetchrow(_LIMITS_SQL, name)
        flags = await connection.fetch(_FLAGS_SQL, name, MOST_MARKETS)
    return {"as_of_seq": as_of, "account": name, **limits_view(limits, flags)}


async def alert_rules(pool: Any, params: dict[str, Any]) -> Any:  # noqa: ARG001 - takes no parameters
    """The operator's rules, how many alerts of each hold now, and the last of each; null before the first."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        as_of = await connection.fetchval(AS_OF_SQL)
        rows = await connection.fetch(_RULES_SQL, MOST_RULES)
    return {"as_of_seq": as_of, "rules": [rule_view(row) for row in rows]}


def _grouped(numbers: Sequence[int], rows: Sequence[Mapping[str, Any]]) -> dict[int, list[Mapping[str, Any]]]:
    by_alert: dict[int, list[Mapping[str, Any]]] = {number: [] for number in numbers}
    for row in rows:
        by_alert[row["alert_seq"]].append(row)
    return by_alert


def queries(scan: int) -> Mapping[str, Query]:
    """Every question by name; `scan` bounds how many accounts one of them may compute."""
    return {
        "accounts": partial(accounts, scan=scan),
        "account": account,
        "alerts": alerts,
        "watching": watching,
        "alert_rules": alert_rules,
        "summary": partial(summary, scan=scan),
    }


async def load_accounts(connection: Any, account_rows: Sequence[Row]) -> RiskState:
    """The state of these accounts, with all markets and assets."""
    names = [row[0] for row in account_rows]
    markets = await connection.fetch(_MARKETS_SQL, MOST_MARKETS)
    return load(
        {
            MARKETS.name: markets,
            MARKET_BRACKETS.name: await connection.fetch(_BRACKETS_SQL, MOST_MARKETS * MAX_BRACKETS),
            ACCOUNTS.name: account_rows,
            POSITIONS.name: await connection.fetch(_POSITIONS_SQL, names, len(names) * len(markets) + 1),
            ASSETS.name: await connection.fetch(_ASSETS_SQL, MOST_ASSETS),
            COLLATERAL.name: await connection.fetch(_COLLATERAL_SQL, names, len(names) * MOST_ASSETS + 1),
            LEVERAGES.name: await connection.fetch(_LEVERAGES_SQL, names, len(names) * len(markets) + 1),
        }
    )


def _limit(params: dict[str, Any]) -> int:
    limit = int(params.get("limit", DEFAULT_ROWS))
    if not 1 <= limit <= MOST_ROWS:
        raise QueryError("bad_parameters", f"limit is 1 to {MOST_ROWS}")
    return limit


def _level(params: dict[str, Any]) -> int | None:
    name = params.get("level")
    if name is None:
        return None
    level = next((level for level, known in NAMES.items() if known == name and level), None)
    if level is None:
        raise QueryError("bad_parameters", f"level is one of {', '.join(NAMES[Level(n)] for n in range(1, 5))}")
    return int(level)


def _seq(value: Any) -> int:
    seq = int(value)
    if not 0 <= seq <= JSON_SAFE:
        raise QueryError("bad_parameters", "after, before and caused_before are sequence numbers")
    return seq
