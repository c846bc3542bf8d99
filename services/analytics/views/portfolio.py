"""One account's portfolio: what it holds, what it gained by source, and how well, over the last days."""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from cleartide.money import Grid, quanta_to_text
from cleartide.service import Query, QueryError

from services.analytics.domain.account import DAY_MICROS, HOUR_MICROS, day_of
from services.analytics.domain.performance import Hour, Window, allocation, by_day, last_hours, performance
from services.analytics.views.days import INVESTED, account_number

MOST_DAYS: Final = 366
WINDOWS: Final = {"24h": 24, "7d": 7 * 24, "30d": 30 * 24}
RISK_FREE: Final = "0.02"
_FIGURES: Final = {
    **{name: name for name in ("equity_start", "equity_end", "flows", "pnl", "funding", "fees")},
    "yield": "earned",
    "gain": "gain",
}
_HOURS_SQL: Final = """
SELECT start, equity_start, equity_end, flows, pnl, funding, fees, earned FROM account_hours
WHERE number = $1 AND ts >= to_timestamp($2::bigint / 1000000) ORDER BY start LIMIT 10000
"""
_ACCOUNT_SQL: Final = "SELECT * FROM accounts WHERE number = $1 LIMIT 1"
_CLOCK_SQL: Final = "SELECT max(minute) FROM clock"
_INVESTED_SQL: Final = f"""
SELECT v.* FROM accounts a CROSS JOIN LATERAL ({INVESTED}) v WHERE a.number = $1 ORDER BY v.vault LIMIT 500
"""  # noqa: S608 - a constant
_HELD_SQL: Final = """
SELECT h.*, u.mark, u.funding_index, m.tick_size, m.lot_size, m.quanta_per_lot_tick
FROM holdings h JOIN units u USING (market) JOIN markets m USING (market)
WHERE h.account = $1 ORDER BY h.market LIMIT 500
"""


async def portfolio(pool: Any, params: dict[str, Any]) -> Any:
    """An account's portfolio now: positions, shares of vaults, allocation of the positions, the last 24 hours, 7 and 30
    days by source, days, and ratios.

    Parameters: account; days (90; with the open one), risk_free (yearly fraction, 0.02). Money is decimal text, ratios
    are fractions with 12 places as text or null, instants microseconds.
    """
    days, risk_free = _parameters(params)
    number = await account_number(pool, params)
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        now = await connection.fetchval(_CLOCK_SQL) or 0
        since = min(day_of(now) - (days - 1) * DAY_MICROS, now - WINDOWS["30d"] * HOUR_MICROS)
        account = await connection.fetchrow(_ACCOUNT_SQL, number)
        held = await connection.fetch(_HELD_SQL, account["account"])
        invested = await connection.fetch(_INVESTED_SQL, number)
        told = await connection.fetch(_HOURS_SQL, number, max(0, since))
    value, unsettled, vaults = _worth(held, invested)
    equity = account["cash"] + sum(row["quote_quanta"] for row in held) + value + unsettled + vaults
    hours = [Hour(*row) for row in told]
    if account["active"]:
        hours.append(_open_hour(account, equity, value, unsettled, vaults))
    series = by_day(hours, now)[-days:]
    spread = allocation({row["market"]: _value(row) for row in held}, equity)
    return {
        "account": account["account"],
        "as_of": now,
        "equity": quanta_to_text(equity),
        "cash": quanta_to_text(account["cash"]),
        "windows": {
            name: _window(last_hours(hours, now, count) if hours else _nothing(now, equity))
            for name, count in WINDOWS.items()
        },
        "ratios": _texts(asdict(performance(series, risk_free))),
        "risk_free": str(risk_free),
        "allocation": _allocation(spread),
        "positions": [_position(row) for row in held],
        "vaults": [{**row, "worth": quanta_to_text(row["worth"])} for row in invested],
        "days": [{"day": day.start, **_window(day)} for day in reversed(series)],
    }


def _parameters(params: Mapping[str, Any]) -> tuple[int, Decimal]:
    days = int(params.get("days", 90))
    try:
        risk_free = Decimal(str(params.get("risk_free", RISK_FREE)))
    except InvalidOperation as error:
        raise QueryError("bad_parameters", "risk_free is a yearly fraction such as 0.02") from error
    if not 1 <= days <= MOST_DAYS or not -1 < risk_free < 1:
        raise QueryError("bad_parameters", f"days is 1 to {MOST_DAYS}; risk_free is a fraction between -1 and 1")
    return days, risk_free


def _value(row: Mapping[str, Any]) -> int:
    """lots * mark * u, signed, in quanta (domain rule R4)."""
    return int(row["lots"] * row["mark"] * row["quanta_per_lot_tick"])


def _worth(held: list[Mapping[str, Any]], invested: list[Mapping[str, Any]]) -> tuple[int, int, int]:
    """V, U and W now, in quanta (domain rules R4, R18 and R36)."""
    value = sum(_value(row) for row in held)
    unsettled = -sum(row["lots"] * (row["funding_index"] - row["settled_index"]) for row in held)
    return value, unsettled, sum(row["worth"] for row in invested)


def _open_hour(account: Mapping[str, Any], equity: int, value: int, unsettled: int, vaults: int) -> Hour:
    """The hour that runs, as `Account.close_hour` would close it now, in quanta (domain rule R34)."""
    return Hour(
        account["hour"],
        account["equity_start"],
        equity,
        account["flows"],
        account["fill_flow"] + value - account["value_start"],
        account["settled"] + unsettled - account["unsettled_start"],
        account["fees"],
        vaults - account["vaults_start"] + account["vault_flow"],
    )


def _nothing(now: int, equity: int) -> Window:
    return Window(now, equity, equity, 0, 0, 0, 0, None)


def _window(span: Window) -> dict[str, Any]:
    money = {name: quanta_to_text(getattr(span, attribute)) for name, attribute in _FIGURES.items()}
    return {**money, "return": None if span.change is None else f"{span.change:f}"}


def _texts(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in figures.items()}


def _allocation(spread: Any) -> dict[str, Any]:
    return {
        "gross": quanta_to_text(spread.gross),
        "net": quanta_to_text(spread.net),
        "shares": _texts(spread.shares),
        **_texts({name: getattr(spread, name) for name in ("concentration", "diversification", "leverage")}),
    }


def _position(row: Mapping[str, Any]) -> dict[str, Any]:
    grid = Grid(row["tick_size"], row["lot_size"], row["quanta_per_lot_tick"])
    value = _value(row)
    return {
        "market": row["market"],
        "size": grid.size_text(row["lots"]),
        "mark": grid.price_text(row["mark"]),
        "value": quanta_to_text(value),
        "unrealized": quanta_to_text(value + row["quote_quanta"]),
    }


QUERIES: Final[Mapping[str, Query]] = {"portfolio": portfolio}
