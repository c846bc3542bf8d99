"""What is one line, or a part of an answer, as a file: the figures of the JSON answer, none left out."""

import csv
import io
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import duckdb

from services.gateway.tests.support import RunningEdge, answering, running_edge
from tests.support.installation import Installation

PARTS = {"flows": "10.000000", "pnl": "0.500000", "earned": "0.500000"}
SUMMARY: dict[str, Any] = {
    "account": "a1",
    "cash": "9.500000",
    "equity": "10.500000",
    "open_day": {"day": 86_400_000_000, "equity_start": "0.000000", "equity_end": "10.500000", **PARTS},
    "closed_days": 0,
    "lifetime": PARTS,
}
IN_A_LINE = {
    **{name: SUMMARY[name] for name in ("account", "cash", "equity", "closed_days")},
    **{f"open_day_{name}": value for name, value in SUMMARY["open_day"].items()},
    **{f"lifetime_{name}": value for name, value in PARTS.items()},
}
SPAN = {"gain": "0.500000", "return": "0.050000000000"}
PORTFOLIO: dict[str, Any] = {
    "account": "a1",
    "windows": {"24h": SPAN, "7d": {**SPAN, "return": None}},
    "ratios": {"days": 1, "sharpe": None, "calmar": "-350.083117116654"},
    "risk_free": "0.02",
    "allocation": {"gross": "5.000000", "shares": {"BTC-PERP": "1.000000000000"}, "concentration": "1.000000000000"},
    "positions": [{"market": "BTC-PERP", "size": "-0.051", "value": "-5.000000"}],
    "vaults": [{"vault": "calm", "shares": 7, "worth": "1.000000"}],
}
RATIOS = {**PORTFOLIO["ratios"], "risk_free": "0.02", "gross": "5.000000", "concentration": "1.000000000000"}
FILES: dict[str, list[dict[str, Any]]] = {
    "earnings/a1?": [IN_A_LINE],
    "accounts/a1/portfolio?": PORTFOLIO["positions"],
    "accounts/a1/portfolio?table=positions": PORTFOLIO["positions"],
    "accounts/a1/portfolio?table=vaults": PORTFOLIO["vaults"],
    "accounts/a1/portfolio?table=windows": [{"window": name, **span} for name, span in PORTFOLIO["windows"].items()],
    "accounts/a1/portfolio?table=ratios": [RATIOS],
}


async def files_of(edge: RunningEdge, path: str, folder: Path) -> list[list[dict[str, Any]]]:
    """The rows as CSV and as Parquet tell them."""
    async with edge.http.get(f"{edge.url}/api/v1/{path}&format=csv") as response:
        assert response.headers["Content-Disposition"].endswith('.csv"')
        lines = list(csv.DictReader(io.StringIO(await response.text())))
    async with edge.http.get(f"{edge.url}/api/v1/{path}&format=parquet") as response:
        (folder / "rows.parquet").write_bytes(await response.read())
    table = duckdb.read_parquet(str(folder / "rows.parquet"))
    return [lines, [dict(zip(table.columns, row, strict=True)) for row in table.fetchall()]]


async def test_figures_of_one_account_can_be_had_as_files(installed: Installation, tmp_path: Path) -> None:
    """GW-EARN-010: every figure of the answer is a column; an open day that is none has its columns, empty."""
    async with AsyncExitStack() as stack:
        clients = {name: await stack.enter_async_context(installed.client(name)) for name in ("earnings", "analytics")}
        await answering(clients["earnings"], "query.earnings.summary", {"ok": True, "data": SUMMARY})
        await answering(clients["analytics"], "query.analytics.portfolio", {"ok": True, "data": PORTFOLIO})
        edge = await stack.enter_async_context(running_edge(installed))
        for path, told in FILES.items():
            lines, rows = await files_of(edge, path, tmp_path)
            assert rows == told, path
            assert lines == [{name: "" if one is None else str(one) for name, one in row.items()} for row in told], path
        status, _, _ = await edge.get("/api/v1/accounts/a1/portfolio?format=csv&table=luck")
        assert status == 422


async def test_an_account_at_rest_has_the_same_columns(installed: Installation, tmp_path: Path) -> None:
    """GW-EARN-010: where nothing has happened today the open day's columns are there and say nothing."""
    async with installed.client("earnings") as client, running_edge(installed) as edge:
        await answering(client, "query.earnings.summary", {"ok": True, "data": {**SUMMARY, "open_day": None}})
        [line], [row] = await files_of(edge, "earnings/a1?", tmp_path)
    silent = {name: None if name.startswith("open_day_") else value for name, value in IN_A_LINE.items()}
    assert row == silent
    assert line == {name: "" if value is None else str(value) for name, value in silent.items()}
