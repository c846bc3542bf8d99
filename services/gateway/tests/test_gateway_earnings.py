"""Trading earnings and yield in one form, as answers, as files, and on their page."""

import csv
import io
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import duckdb
import pytest

from services.gateway.tests import browser
from services.gateway.tests.support import answering, replying, running_edge
from tests.support.installation import Installation

DAY = 86_400_000_000
MARCH_1 = 20_513 * DAY  # 2026-03-01
TRADED = {
    "protocol": "cleartide",
    "asset": "USDC",
    "equity_start": "100.000000",
    "equity_end": "103.500000",
    "flows": "1.000000",
    "deposits": "3.000000",
    "withdrawals": "2.000000",
    "pnl": "3.000000",
    "funding": "-0.250000",
    "fees": "0.250000",
    "rebates": "0.100000",
    "yield": "0.000000",
    "earned": "2.750000",
}
TRADING_DAY = {
    "day": MARCH_1,
    "date": "2026-03-01",
    **TRADED,
    "cumulative_earned": "12.750000",
    "cumulative_net": "11.500000",
    "return": "0.024630541871",
    "closed": True,
    "as_of": MARCH_1 + DAY,
}
YIELD_DAY = {
    "day": MARCH_1,
    "date": "2026-03-01",
    "protocol": "kamino",
    "asset": "USDC",
    "equity_start": "10.000000",
    "equity_end": "14.900000",
    "deposits": "6.000000",
    "withdrawals": "1.500000",
    "fees": "0.100000",
    "earned": "0.500000",
    "cumulative_earned": "0.900000",
    "cumulative_net": "0.700000",
    "return": "0.040000000000",
    "revision": 7,
}
TRADING_MONTH = {**TRADED, "month": "2026-03", "active_days": 1, "average_apr": "0.12", "average_apy": "0.1274"}
YIELD_MONTH = {
    **{k: v for k, v in YIELD_DAY.items() if k in {"protocol", "asset", *list(YIELD_DAY)[4:10]}},
    "month": "2026-03",
    "active_days": 1,
    "average_apr": "0.05",
    "average_apy": "0.051",
}
POINT = {"at": MARCH_1, "tvl": "5.0", "tvl_usd": "5.0", "net_apy": "0.05"}
SPLIT = {"lending_apy": "0.041", "incentives_apy": "0.019", "best_apy": "0.058", "mean_apy": "0.0525"}
RATES = {
    **SPLIT,
    "raw_apy": "0.06",
    "fee_apy": "0.01",
    "net_apy": "0.05",
    "net_apr": "0.0488",
    "vaults": 2,
    "paused": 1,
}
OFFER = {"protocol": "kamino", "asset": "USDC", "tvl": "5.0", "tvl_usd": "5.0", **RATES}
HELD = {
    "vault": "usdc-prime",
    "asset": "USDC",
    "value": "14.9",
    "value_usd": "14.9",
    "earned_net": "0.7",
    "daily_interest": "0.002",
    "total_apy": "0.06",
    "total_apr": "0.058",
    "status": "paused",
    "pending_rewards": "0.4",
    "claimed_rewards": [{"asset": asset, "amount": "9.0", "fee": "3.0", "last_claim": 1} for asset in ("JTO", "KMNO")],
    "risk": "high",
    "risk_reasons": ["paused", "incentives"],
}
IN_FILES = {"claimed_rewards": "9.0 JTO; 9.0 KMNO", "risk_reasons": "paused; incentives"}
"""Lists of a position are one text where a table is flat."""
ANSWERS: dict[str, Any] = {
    "earnings.days": {"account": "a1", "days": [TRADING_DAY]},
    "earnings.months": {"account": "a1", "months": [TRADING_MONTH]},
    "vaults.days": {"owner": "a1", "days": [YIELD_DAY]},
    "vaults.months": {"owner": "a1", "months": [YIELD_MONTH]},
    "vaults.positions": {"owner": "a1", "positions": [HELD]},
    "vaults.offers": {"at": MARCH_1, "tvl_usd": "5.0", "unpriced": 0, "best": OFFER, "offers": [OFFER]},
    "vaults.history": {
        "step": DAY,
        "series": [
            {"protocol": protocol, "asset": "USDC", "points": [POINT, {**POINT, "at": MARCH_1 + DAY}]}
            for protocol in ("kamino", "mars")
        ],
        "next": None,
    },
    "vaults.liquidity": {"pairs": [{"vault": "usdc-prime", "from_asset": "SOL", "to_asset": "USDC", "swaps": 2}]},
    "vaults.commissions": {"commissions": [{"place": 9, "kind": "VaultDeposited", "asset": "USDC", "fee": "0.5"}]},
    "vaults.commission_sums": {
        "by": "asset",
        "from_time": 0,
        "to_time": MARCH_1,
        "sums": [{"protocol": "kamino", "asset": "USDC", "events": 3, "fees": "0.5"}],
    },
    "vaults.sync": {"chains": [{"chain": "solana", "slot": 7, "lag_micros": 400_000}]},
}


async def everything(installed: Installation, stack: AsyncExitStack) -> dict[str, list[dict[str, Any]]]:
    """Both services answer; returns what they are asked."""
    clients = {name: await stack.enter_async_context(installed.client(name)) for name in ("earnings", "vaults")}
    return {
        name: await answering(clients[name.split(".")[0]], f"query.{name}", {"ok": True, "data": data})
        for name, data in ANSWERS.items()
    }


async def test_trading_and_yield_have_one_form_and_add_up(installed: Installation) -> None:
    """GW-EARN-001: equity_end - equity_start = flows + pnl + funding - fees + yield on every row, whoever told it."""
    async with AsyncExitStack() as stack:
        asked = await everything(installed, stack)
        edge = await stack.enter_async_context(running_edge(installed))
        _, body, _ = await edge.get("/api/v1/earnings/a1/days?month=2026-03")
        _, months, _ = await edge.get("/api/v1/earnings/a1/months")
    assert asked["earnings.days"] == [
        {"account": "a1", "limit": 31, "from_day": MARCH_1, "to_day": MARCH_1 + 31 * DAY - 1}
    ]
    assert asked["vaults.days"] == [{"owner": "a1", "limit": 310, "month": "2026-03"}]
    assert [(row["date"], row["protocol"]) for row in body["days"]] == [
        ("2026-03-01", "cleartide"),
        ("2026-03-01", "kamino"),
    ]
    assert [row["protocol"] for row in months["months"]] == ["cleartide", "kamino"]
    for row in (*body["days"], *months["months"]):
        parts = {name: round(float(row[name]) * 1e6) for name in ("flows", "pnl", "funding", "fees", "yield")}
        moved = parts["flows"] + parts["pnl"] + parts["funding"] - parts["fees"] + parts["yield"]
        assert round(float(row["equity_end"]) * 1e6) - round(float(row["equity_start"]) * 1e6) == moved
        told = {name: round(float(row[name]) * 1e6) for name in ("deposits", "withdrawals", "earned")}
        assert told["deposits"] - told["withdrawals"] == parts["flows"]
        assert told["earned"] == parts["pnl"] + parts["funding"] + parts["yield"]
    assert body["missing"] == []


async def test_trading_and_yield_name_their_figures_alike(installed: Installation) -> None:
    """EARN-FORM-003: the same columns of both, none of them empty, on the screen and in the file."""
    async with AsyncExitStack() as stack:
        await everything(installed, stack)
        edge = await stack.enter_async_context(running_edge(installed))
        for kind in ("days", "months"):
            _, body, _ = await edge.get(f"/api/v1/earnings/a1/{kind}")
            trading, vault = body[kind]
            assert trading.keys() - {"as_of"} == vault.keys()
            async with edge.http.get(f"{edge.url}/api/v1/earnings/a1/{kind}.csv") as response:
                lines = list(csv.DictReader(io.StringIO(await response.text())))
            assert [line["earned"] for line in lines] == ["2.750000", "0.500000"]
            assert all(line.values() for line in lines)


async def test_a_day_is_told_with_all_its_lines_or_on_the_next_page(installed: Installation) -> None:
    """GW-EARN-008: where an owner has more lines than come at once, days without theirs are not passed over."""
    lines = [
        {**YIELD_DAY, "asset": f"T{number}", "day": MARCH_1 + day * DAY, "date": f"2026-03-0{1 + day}"}
        for day, count in ((4, 60), (3, 40))
        for number in range(count)
    ]
    traded = [{**TRADING_DAY, "day": MARCH_1 + day * DAY, "date": f"2026-03-0{1 + day}"} for day in (4, 1)]
    async with (
        installed.client("earnings") as earnings,
        installed.client("vaults") as vaults,
        running_edge(installed) as edge,
    ):
        await answering(earnings, "query.earnings.days", {"ok": True, "data": {"account": "a1", "days": traded}})
        asked = await answering(vaults, "query.vaults.days", {"ok": True, "data": {"owner": "a1", "days": lines}})
        _, body, _ = await edge.get("/api/v1/earnings/a1/days?limit=2")
    assert asked == [{"owner": "a1", "limit": len(lines)}]
    assert {row["date"] for row in body["days"]} == {"2026-03-05"}
    assert (len(body["days"]), body["next"]) == (61, "2026-03-05")


async def test_as_many_months_as_asked_for_are_told(installed: Installation) -> None:
    """GW-EARN-007: `limit` counts months, however many lines each has."""
    lines = [{**YIELD_MONTH, "month": f"2026-0{month}", "asset": asset} for month in (3, 2, 1) for asset in ("A", "B")]
    async with installed.client("vaults") as vaults, running_edge(installed) as edge:
        asked = await answering(vaults, "query.vaults.months", {"ok": True, "data": {"owner": "W1", "months": lines}})
        _, body, _ = await edge.get("/api/v1/earnings/W1/months?limit=2")
    assert asked == [{"owner": "W1", "limit": 100}]
    assert [row["month"] for row in body["months"]] == ["2026-03", "2026-03", "2026-02", "2026-02"]


async def test_months_come_a_page_at_a_time(installed: Installation) -> None:
    """GW-EARN-009: a page says before which month the next one is, with all lines of its months, and the last none."""
    numbers = range(12, 0, -1)
    traded = [{**TRADING_MONTH, "month": f"2025-{month:02}"} for month in numbers]
    lines = [{**YIELD_MONTH, "month": f"2025-{month:02}", "asset": asset} for month in numbers for asset in ("A", "B")]
    asked: list[dict[str, Any]] = []

    def older(rows: list[dict[str, Any]]) -> Any:
        def reply(question: dict[str, Any]) -> dict[str, Any]:
            asked.append(question)
            before = question.get("before", "9999-12")
            return {"months": [row for row in rows if row["month"] < before][: question["limit"]]}

        return reply

    told: list[dict[str, Any]] = []
    following = ""
    async with (
        installed.client("earnings") as earnings,
        installed.client("vaults") as vaults,
        running_edge(installed) as edge,
    ):
        await replying(earnings, "query.earnings.months", older(traded))
        await replying(vaults, "query.vaults.months", older(lines))
        while following is not None:
            _, body, _ = await edge.get(f"/api/v1/earnings/a1/months?limit=5{following and f'&before={following}'}")
            told += body["months"]
            following = body["next"]
    assert {question["limit"] for question in asked} == {6, 100}
    assert [(row["month"], row["asset"]) for row in told] == [
        (f"2025-{month:02}", asset) for month in numbers for asset in ("USDC", "A", "B")
    ]
    assert len(asked) == 6


async def test_days_and_months_can_be_had_as_files(installed: Installation) -> None:
    """GW-EARN-002: CSV with a name of its own, the same rows, numbers as they are."""
    async with AsyncExitStack() as stack:
        await everything(installed, stack)
        edge = await stack.enter_async_context(running_edge(installed))
        for kind, rows in (("days", 2), ("months", 2)):
            async with edge.http.get(f"{edge.url}/api/v1/earnings/a1/{kind}.csv") as response:
                text = await response.text()
                assert response.headers["Content-Type"].startswith("text/csv")
                assert "attachment" in response.headers["Content-Disposition"]
            found = list(csv.DictReader(io.StringIO(text)))
            assert len(found) == rows
            assert found[1]["yield"] == "0.500000"


async def test_each_table_can_be_had_as_a_file(installed: Installation, tmp_path: Path) -> None:
    """GW-EARN-004, GW-EARN-011: the figures of the JSON answer, row by row, as CSV and as Parquet."""
    async with AsyncExitStack() as stack:
        await everything(installed, stack)
        edge = await stack.enter_async_context(running_edge(installed))
        for path, rows in (
            ("earnings/a1/days", "days"),
            ("earnings/a1/months", "months"),
            ("earnings/a1/vaults", "positions"),
            ("vaults/offers", "offers"),
            ("vaults/history", "series"),
            ("vaults/liquidity", "pairs"),
            ("vaults/sync", "chains"),
            ("vaults/commissions", "commissions"),
            ("vaults/commissions/sums", "sums"),
        ):
            _, answer, _ = await edge.get(f"/api/v1/{path}")
            told = answer[rows] if rows != "series" else [point for line in answer[rows] for point in line["points"]]
            async with edge.http.get(f"{edge.url}/api/v1/{path}?format=csv") as response:
                lines = list(csv.DictReader(io.StringIO(await response.text())))
                assert response.headers["Content-Disposition"].endswith('.csv"')
            async with edge.http.get(f"{edge.url}/api/v1/{path}?format=parquet") as response:
                (tmp_path / "rows.parquet").write_bytes(await response.read())
            table = duckdb.read_parquet(str(tmp_path / "rows.parquet"))
            found = [dict(zip(table.columns, row, strict=True)) for row in table.fetchall()]
            assert len(lines) == len(found) == len(told)
            if rows == "positions":
                told = [{**one, **IN_FILES} for one in told]
            for line, row, one in zip(lines, found, told, strict=True):
                shared = line.keys() & one.keys()
                assert len(shared) >= 3
                assert {name: row[name] for name in shared} == {name: one[name] for name in shared}
                texts = {name: "" if one[name] is None else str(one[name]) for name in shared}
                assert {name: line[name] for name in shared} == texts


async def test_one_side_that_is_away_is_named_and_the_other_stands(installed: Installation) -> None:
    """GW-EARN-003: on the screen half an answer is said to be one; a file is whole or it is not."""
    async with installed.client("earnings") as earnings, running_edge(installed) as edge:
        await answering(earnings, "query.earnings.days", {"ok": True, "data": ANSWERS["earnings.days"]})
        status, body, _ = await edge.get("/api/v1/earnings/a1/days")
        broken, _, _ = await edge.get("/api/v1/earnings/a1/days.csv")
        wallet, _, _ = await edge.get("/api/v1/earnings/9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin/vaults")
    assert (status, body["missing"], len(body["days"])) == (200, ["vaults"], 1)
    assert (broken, wallet) == (503, 503)


@pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium on this machine: the dashboard is not looked at")
@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 420)])
async def test_the_page_shows_a_month_and_what_vaults_pay(installed: Installation, theme: str, width: int) -> None:
    """GW-UI-030: calendar, months, TVL and APY, without an error. A browser takes seconds to start."""
    async with AsyncExitStack() as stack:
        await everything(installed, stack)
        edge = await stack.enter_async_context(running_edge(installed))
        page = await stack.enter_async_context(browser.browser())
        await page.show(f"{edge.url}/earnings.html#a1", width=width, height=900, theme=theme)
        await page.until("document.querySelectorAll('#months tbody tr').length === 2", 30)
        await page.until("document.querySelectorAll('#calendar li').length >= 28", 30)
        await page.until("document.querySelectorAll('#offers tbody tr, #held tbody tr').length === 2", 30)
        await page.until("document.querySelector('#offers').textContent.includes('1 of 2 paused')", 30)
        for told in ("4.10 %", "1.90 %", "5.80 %", "5.25 %"):
            await page.until(f"document.querySelector('#offers').textContent.includes('{told}')", 30)
        for told in ("paused", "high: paused, incentives", "9.00 JTO, 9.00 KMNO", "0.4000"):
            await page.until(f"document.querySelector('#held').textContent.includes('{told}')", 30)
        await page.until("document.querySelectorAll('#tvl svg .dot, #apy svg .dot').length === 8", 30)
        await page.until("document.querySelectorAll('#tvl path.line, #tvl .key span').length === 4", 30)
        await page.until("document.querySelector('#days-file').href.includes('/earnings/a1/days.csv?month=')", 30)
        figures = "[-226.07, 99.994, 1234.5, -9999.4, 12345.67, -98765432].map((gain) => brief(String(gain)))"
        written = await page.evaluate(f"import('/js/brief.js').then(({{ brief }}) => {figures}.join(' '))")
        assert written == "−226.1 99.99 1,235 −9,999 12K −99M"
        flat = "[...document.querySelectorAll('#tvl svg .dot')].map((dot) => dot.cy.baseVal.value)"
        floor = "Math.max(...[...document.querySelectorAll('#tvl svg line')].map((line) => line.y2.baseVal.value))"
        assert await page.evaluate(f"Math.max(...{flat}) < 0.7 * {floor}"), "what never changes is not nothing"
        await page.keep(f"earnings-{theme}")
        assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert page.complaints == []
