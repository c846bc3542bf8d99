"""Trading earnings and yield in one form, TVL and APY: from earnings and vaults."""

import asyncio
import csv
import io
import re
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final

from cleartide.answers.earnings import (
    ChainCursors,
    ChainMoves,
    ChainVaults,
    EarnedDays,
    EarnedMonths,
    Offers,
    RateHistory,
    SwapPairs,
    VaultPositions,
)
from cleartide.contracts.types import JSON_SAFE
from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from services.gateway.edge.context import LONG_MS, Edge
from services.gateway.edge.errors import ApiError
from services.gateway.edge.files import Form, file_of
from services.gateway.edge.paging import listed

OwnerPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", description="account or wallet")]
_MONTH: Final = r"^(19[7-9][0-9]|2[01][0-9]{2})-(0[1-9]|1[0-2])$"
Month = Annotated[str | None, Query(pattern=_MONTH, description="UTC; default the latest days")]
BeforeDate = Annotated[date | None, Query(description="a `date` that an answer gave")]
BeforeMonth = Annotated[str | None, Query(pattern=_MONTH, description="a `month` that an answer gave")]
Limit = Annotated[int, Query(ge=1, le=366)]
Months = Annotated[int, Query(ge=1, le=120)]
Name = Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9_-]{0,23}$")]
Asset = Annotated[str | None, Query(pattern=r"^[A-Z][A-Z0-9]{1,11}$")]
Instant = Annotated[int | None, Query(ge=0, le=JSON_SAFE, description="microseconds since the Unix epoch, UTC")]
Points = Annotated[int, Query(ge=1, le=1_000, description="instants of each line")]
Seconds = Annotated[int, Query(ge=600, le=31_536_000)]
LINES: Final = 10
"""For so many protocols and assets a day is expected to have lines; ten times as many no day has."""
PARTS: Final = (
    *("equity_start", "equity_end", "flows", "pnl", "funding", "fees", "yield"),
    *("rebates", "deposits", "withdrawals", "earned"),
)
CUMULATIVE: Final = ("cumulative_earned", "cumulative_net")
DAY_COLUMNS: Final = ("date", "protocol", "asset", *PARTS, *CUMULATIVE, "return", "closed", "revision")
MONTH_COLUMNS: Final = ("month", "protocol", "asset", *PARTS, "active_days", "average_apr", "average_apy")
_ACCOUNT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
_NOTHING: Final[Mapping[str, Any]] = {"days": (), "months": ()}


def earnings_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1 about what was earned, and what vaults hold and pay."""
    router = APIRouter(prefix="/api/v1", tags=["earnings"])
    _owner_routes(router, edge)
    _vault_routes(router, edge)
    return router


def _owner_routes(router: APIRouter, edge: Edge) -> None:
    ask = edge.upstream.ask

    @router.get(
        "/earnings/{account}/days",
        summary="An owner's days, trading and yield in one form, newest first",
        response_model=EarnedDays,
    )
    async def days(
        account: OwnerPath, month: Month = None, before: BeforeDate = None, limit: Limit = 31, form: Form = "json"
    ) -> Response:
        if form != "json":
            found = await _days(edge, account, month, limit, whole=True)
            return await file_of(f"earnings-{account}-{month or 'days'}", form, _columns(DAY_COLUMNS, found["days"]))
        return await edge.answer(
            ("earned_days", account, month, before, limit),
            LONG_MS,
            lambda: _days(edge, account, month, limit, before=before),
        )

    @router.get("/earnings/{account}/days.csv", summary="The same as a file")
    async def days_file(account: OwnerPath, month: Month = None, limit: Limit = 366) -> Response:
        found = await _days(edge, account, month, limit, whole=True)
        return _csv(f"earnings-{account}-{month or 'days'}.csv", DAY_COLUMNS, found["days"])

    @router.get(
        "/earnings/{account}/months",
        summary="An owner's months: balances, flows, earnings, APR and APY",
        response_model=EarnedMonths,
    )
    async def months(
        account: OwnerPath, before: BeforeMonth = None, limit: Months = 12, form: Form = "json"
    ) -> Response:
        if form != "json":
            found = await _months(edge, account, limit, before=before, whole=True)
            return await file_of(f"earnings-{account}-months", form, _columns(MONTH_COLUMNS, found["months"]))
        return await edge.answer(
            ("earned_months", account, before, limit), LONG_MS, lambda: _months(edge, account, limit, before=before)
        )

    @router.get("/earnings/{account}/months.csv", summary="The same as a file")
    async def months_file(account: OwnerPath, limit: Months = 120) -> Response:
        found = await _months(edge, account, limit, whole=True)
        return _csv(f"earnings-{account}-months.csv", MONTH_COLUMNS, found["months"])

    @router.get(
        "/earnings/{account}/vaults", summary="What an owner has in each vault now", response_model=VaultPositions
    )
    async def positions(account: OwnerPath, form: Form = "json") -> Response:
        if form != "json":
            found = await ask("vaults", "positions", owner=account)
            return await file_of(f"vaults-{account}", form, list(map(_flat_position, found["positions"])))
        return await edge.answer(
            ("vault_positions", account), LONG_MS, lambda: ask("vaults", "positions", owner=account)
        )

    @router.get(
        "/earnings/{account}/moves", summary="An owner's events on chains, newest first", response_model=ChainMoves
    )
    async def moves(account: OwnerPath, before: Instant = None, limit: Limit = 50, form: Form = "json") -> Response:
        if form != "json":
            found = await ask("vaults", "moves", owner=account, before=before, limit=limit)
            return await file_of(f"moves-{account}", form, found["moves"])
        asked = {"owner": account, "before": before, "limit": limit}
        return await edge.answer(
            ("chain_moves", *asked.values()), LONG_MS, listed("moves", "place", limit, ask, "vaults", "moves", asked)
        )


def _vault_routes(router: APIRouter, edge: Edge) -> None:
    ask = edge.upstream.ask

    @router.get(
        "/vaults",
        summary="Every vault's totals, and how much went in and out, in smallest units",
        response_model=ChainVaults,
    )
    async def vaults(form: Form = "json") -> Response:
        if form != "json":
            return await file_of("vaults", form, (await ask("vaults", "vaults"))["vaults"])
        return await edge.answer(("vaults",), LONG_MS, lambda: ask("vaults", "vaults"))

    @router.get(
        "/vaults/offers",
        summary="TVL and APY per protocol and asset now: raw, fee, net, APR, best and mean",
        response_model=Offers,
    )
    async def offers(protocol: Name = None, asset: Asset = None, form: Form = "json") -> Response:
        if form != "json":
            found = await ask("vaults", "offers", protocol=protocol, asset=asset)
            return await file_of("offers", form, found["offers"])
        return await edge.answer(
            ("offers", protocol, asset), LONG_MS, lambda: ask("vaults", "offers", protocol=protocol, asset=asset)
        )

    @router.get(
        "/vaults/history",
        summary="TVL and APY per protocol and asset over time, the oldest first",
        response_model=RateHistory,
    )
    async def history(
        protocol: Name = None,
        asset: Asset = None,
        start: Instant = None,
        end: Instant = None,
        step: Seconds = 86_400,
        before: Instant = None,
        limit: Points = 1_000,
        form: Form = "json",
    ) -> Response:
        grid = {"from": start, "to": end, "step": step * 1_000_000, "before": before, "limit": limit}
        asked = {"protocol": protocol, "asset": asset, **grid}
        if form != "json":
            return await file_of("history", form, _points((await ask("vaults", "history", **asked))["series"]))
        return await edge.answer(("tvl_history", *asked.values()), LONG_MS, lambda: ask("vaults", "history", **asked))

    @router.get(
        "/vaults/liquidity", summary="Swaps per vault and pair of assets, in smallest units", response_model=SwapPairs
    )
    async def liquidity(form: Form = "json") -> Response:
        if form != "json":
            return await file_of("liquidity", form, (await ask("vaults", "liquidity"))["pairs"])
        return await edge.answer(("vault_liquidity",), LONG_MS, lambda: ask("vaults", "liquidity"))

    @router.get(
        "/vaults/sync",
        summary="How far each chain has been read, and how late its newest block came",
        response_model=ChainCursors,
    )
    async def sync(form: Form = "json") -> Response:
        if form != "json":
            return await file_of("sync", form, (await ask("vaults", "sync"))["chains"])
        return await edge.answer(("chain_sync",), LONG_MS, lambda: ask("vaults", "sync"))


async def _days(
    edge: Edge, owner: str, month: str | None, limit: int, *, before: date | None = None, whole: bool = False
) -> dict[str, Any]:
    """whole: an answer with a service missing is no answer."""
    ask, told = edge.upstream.ask, {"owner": owner, "month": month}
    span = span_of(month, before)
    if span is None:
        return {**told, "days": [], "missing": [], "next": None}
    most = max(limit, 10) * LINES
    trading, yields, missing = await _both(
        ask("earnings", "days", account=owner, limit=limit, **span) if _ACCOUNT.fullmatch(owner) else None,
        ask("vaults", "days", owner=owner, limit=most, **(span if before else {"month": month})),
        whole=whole,
    )
    rows = [*({**row, "revision": 0} for row in trading["days"]), *map(_yield_day, yields["days"])]
    cut = yields["days"][-1]["date"] if len(yields["days"]) >= most else None
    shown, following = _page(rows, "date", limit, cut, more=len(trading["days"]) >= limit)
    return {**told, "days": shown, "missing": missing, "next": following}


async def _months(
    edge: Edge, owner: str, limit: int, *, before: str | None = None, whole: bool = False
) -> dict[str, Any]:
    ask, most = edge.upstream.ask, max(limit + 1, 10) * LINES
    trading, yields, missing = await _both(
        ask("earnings", "months", account=owner, before=before, limit=limit + 1) if _ACCOUNT.fullmatch(owner) else None,
        ask("vaults", "months", owner=owner, before=before, limit=most),
        whole=whole,
    )
    rows = [*trading["months"], *map(_in_form, yields["months"])]
    cut = yields["months"][-1]["month"] if len(yields["months"]) >= most else None
    shown, following = _page(rows, "month", limit, cut, more=False)
    return {"owner": owner, "months": shown, "missing": missing, "next": following}


def _page(
    rows: list[dict[str, Any]], by: str, limit: int, cut: str | None, *, more: bool
) -> tuple[list[dict[str, Any]], str | None]:
    """The lines of the newest `limit` days or months, and before which one the next page is.

    cut: of this one some lines may be missing, of those before it all are: they are for the next page.
    """
    rows = sorted(rows, key=lambda row: (row["protocol"], row["asset"]))
    rows.sort(key=lambda row: str(row[by]), reverse=True)
    found = list(dict.fromkeys(str(row[by]) for row in rows))
    if cut is not None:
        found = [one for one in found if one > cut] or found[:1]
    kept = found[:limit]
    more = more or cut is not None or len(found) > limit
    return [row for row in rows if row[by] in kept], kept[-1] if more else None


async def _both(
    trading: Awaitable[Any] | None, yields: Awaitable[Any], *, whole: bool
) -> tuple[Mapping[str, Any], Mapping[str, Any], list[str]]:
    asked = {"vaults": yields} if trading is None else {"earnings": trading, "vaults": yields}
    answers = dict(zip(asked, await asyncio.gather(*asked.values(), return_exceptions=True), strict=True))
    missing = []
    for service, answer in answers.items():
        if isinstance(answer, BaseException):
            if whole or not isinstance(answer, ApiError) or answer.status < 500:
                raise answer
            missing.append(service)
    found = {name: answer for name, answer in answers.items() if name not in missing}
    return found.get("earnings", _NOTHING), found.get("vaults", _NOTHING), missing


def _yield_day(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**_in_form(row), "closed": True}


def _in_form(row: Mapping[str, Any]) -> dict[str, Any]:
    """A vault's row in the form of trading: equity_end - equity_start = flows + pnl + funding - fees + yield (R34)."""
    flows = Decimal(row["deposits"]) - Decimal(row["withdrawals"])
    return {**row, "flows": f"{flows:f}", "pnl": "0", "funding": "0", "rebates": "0", "yield": row["earned"]}


def span_of(month: str | None, before: date | None) -> dict[str, int] | None:
    """First and last instant in microseconds, UTC, of a month, of what is before a day, or of both; None is nothing."""
    epoch, micros = date(1970, 1, 1), 86_400_000_000
    first, after = epoch, before
    if month is not None:
        year, number = map(int, month.split("-"))
        first, end = date(year, number, 1), date(year + number // 12, number % 12 + 1, 1)
        after = end if before is None else min(end, before)
    if after is None:
        return {}
    if after <= first:
        return None
    return {"from_day": (first - epoch).days * micros, "to_day": (after - epoch).days * micros - 1}


def _columns(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The named columns of each row; what a row lacks is null."""
    return [{name: row.get(name) for name in names} for row in rows]


def _flat_position(row: Mapping[str, Any]) -> dict[str, Any]:
    """A position as a file has it: lists as one text."""
    claimed = "; ".join(f"{reward['amount']} {reward['asset']}" for reward in row["claimed_rewards"])
    return {**row, "claimed_rewards": claimed, "risk_reasons": "; ".join(row["risk_reasons"])}


def _points(series: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every point of every line, with the line that it is on."""
    lines = [({"protocol": line["protocol"], "asset": line["asset"]}, line["points"]) for line in series]
    return [{**line, **point} for line, points in lines for point in points]


def _csv(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Response:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(buffer.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")
