"""The API over HTTP on real servers: one error form, bad parameters, deadlines, limits and the cache."""

import asyncio
import csv
import io
from typing import Any

import aiohttp
import pytest

from deploy.local.ports import free_port
from deploy.local.valkey import ValkeyServer
from services.gateway.tests.support import MARKET, alert, answering, running_edge
from tests.support.installation import Installation

QUICKER_THAN_PASSES_COME = 30
"""Requests one after the other, of which the limiter lets one a second pass."""
MARKETS = {"ok": True, "data": {"markets": [MARKET]}}


def assert_error(body: Any, code: str) -> None:
    """The one form, and nothing besides."""
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "detail"}
    assert body["error"]["code"] == code


async def test_every_failure_has_the_one_form(installed: Installation) -> None:
    """GW-HTTP-001: every failure has the one error form, whoever is at fault."""
    refusal = {"ok": False, "error": {"code": "not_found", "message": "account zz is unknown"}}
    async with (
        installed.client("risk") as risk,
        installed.client("analytics") as analytics,
        running_edge(installed, upstream_timeout_seconds=2) as edge,
    ):
        await answering(risk, "query.risk.account", refusal)
        await answering(analytics, "query.analytics.liquidations", MARKETS, after=4)
        await answering(analytics, "query.analytics.recent_trades", b"not json")
        expected = {
            "/api/v1/nothing": (404, "not_found"),
            "/api/v1/positions?limit=0": (422, "invalid_parameter"),
            "/api/v1/positions?order=size": (422, "invalid_parameter"),
            "/api/v1/accounts/UPPER": (422, "invalid_parameter"),
            "/api/v1/alerts?after_seq=-1": (422, "invalid_parameter"),
            "/api/v1/markets/BTC-PERP/candles?interval=59": (422, "invalid_parameter"),
            "/api/v1/accounts/zz": (404, "not_found"),
            "/api/v1/liquidations": (504, "upstream_timeout"),
            "/api/v1/markets/BTC-PERP/trades": (502, "bad_upstream_reply"),
            "/api/v1/markets": (503, "service_unavailable"),
        }
        for path, (status, code) in expected.items():
            found, body, _ = await edge.get(path)
            assert (path, found) == (path, status)
            assert_error(body, code)
        async with edge.http.post(f"{edge.url}/api/v1/markets") as response:
            assert response.status == 405
            assert_error(await response.json(), "method_not_allowed")


async def test_a_bad_parameter_is_named(installed: Installation) -> None:
    """GW-HTTP-002: the error of a bad parameter says where and what."""
    async with running_edge(installed) as edge:
        _, body, _ = await edge.get("/api/v1/positions?limit=501")
    assert body["error"]["detail"] == [{"where": "query.limit", "problem": "Input should be less than or equal to 500"}]


async def test_questions_reach_the_services_with_checked_parameters(installed: Installation) -> None:
    """GW-HTTP-003: the gateway asks the read models as they want to be asked, and passes their answer on."""
    async with installed.client("analytics") as analytics, running_edge(installed) as edge:
        asked = await answering(
            analytics, "query.analytics.candles", {"ok": True, "data": {"candles": [], "next": None}}
        )
        status, body, headers = await edge.get("/api/v1/markets/BTC-PERP/candles?interval=300&limit=7")
    assert (status, body) == (200, {"candles": [], "next": None})
    assert asked == [{"market": "BTC-PERP", "interval_seconds": 300, "limit": 7, "series": "trade"}]
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "question", "asked"),
    [
        ("accounts/a1/margin", "margin", {"account": "a1"}),
        ("accounts/a1/transfers?asset=BTC&limit=7", "transfers", {"account": "a1", "asset": "BTC", "limit": 7}),
        ("accounts/a1/transfers/open", "open_transfers", {"account": "a1"}),
        ("accounts/a1/fees", "fees", {"account": "a1"}),
        ("fees", "fee_schedules", {}),
        ("fees/revenue?before=2026-01-31", "revenue", {"before": "2026-01-31", "limit": 50}),
    ],
)
async def test_money_is_asked_of_matching(
    installed: Installation, path: str, question: str, asked: dict[str, Any]
) -> None:
    """GW-HTTP-010: margin, transfers and fees, each as matching answers it."""
    async with installed.client("matching") as matching, running_edge(installed) as edge:
        heard = await answering(matching, f"query.matching.{question}", {"ok": True, "data": {"figures": path}})
        assert (await edge.get(f"/api/v1/{path}"))[:2] == (200, {"figures": path})
    assert heard == [asked]


async def test_markets_stand_while_analytics_is_away(installed: Installation) -> None:
    """GW-HTTP-004: markets are told while analytics is away; the figures that are missing are null."""
    async with installed.client("matching") as matching, running_edge(installed) as edge:
        await answering(matching, "query.matching.markets", MARKETS)
        status, body, _ = await edge.get("/api/v1/markets")
    assert status == 200
    [market] = body["markets"]
    assert (market["mark"], market["taker_fee"], market["maker_fee"]) == ("97000.1", "0.000450000", "-0.000050000")
    assert (market["funding_rate"], market["stats"]) == ("0.000012500", None)


async def test_the_limit_is_told_and_kept(installed: Installation, valkey: ValkeyServer) -> None:
    """GW-HTTP-005: RateLimit fields on every answer, 429 with Retry-After beyond; probes and files are free."""
    async with running_edge(installed, redis_url=valkey.url, rate_per_second=1, rate_burst=2) as edge:
        await edge.get("/api/openapi.json")  # made once, which takes longer than the limiter waits
        found = [await edge.get("/api/v1/alerts")]
        while found[-1][0] == 200 and len(found) < QUICKER_THAN_PASSES_COME:
            found.append(await edge.get("/api/v1/alerts"))
        assert len(found) > 2
        assert found[0][2]["RateLimit-Remaining"] == "1"
        assert_error(found[-1][1], "rate_limited")
        assert int(found[-1][2]["Retry-After"]) >= 1
        assert (await edge.get("/api/openapi.json"))[0] == 200
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            for _ in range(QUICKER_THAN_PASSES_COME):
                await (await edge.http.ws_connect(f"{edge.url}/api/v1/ws")).close()
        assert refused.value.status == 429
        assert edge.count("cleartide_rate_limiter_total", verdict="limited") == 2


async def test_the_cache_is_told(installed: Installation, valkey: ValkeyServer) -> None:
    """GW-HTTP-006: Cache-Status says whether an answer was kept; without Valkey it says bypass and all goes on."""
    async with installed.client("risk") as risk:
        asked = await answering(risk, "query.risk.summary", {"ok": True, "data": {"levels": {}}})
        async with running_edge(installed, redis_url=valkey.url) as edge:
            statuses = [(await edge.get("/api/v1/risk"))[2]["Cache-Status"] for _ in range(2)]
        assert statuses == ["cleartide; fwd=uri-miss; stored", "cleartide; hit"]
        assert len(asked) == 1
        async with running_edge(installed, redis_url=f"redis://127.0.0.1:{free_port()}") as edge:
            status, _, headers = await edge.get("/api/v1/risk")
            assert (status, headers["Cache-Status"]) == (200, "cleartide; fwd=bypass")
            assert headers["RateLimit-Limit"] == "120"
            assert edge.count("cleartide_rate_limiter_total", verdict="alone") >= 1


async def test_alerts_are_paged_by_seq(installed: Installation) -> None:
    """GW-HTTP-007: alerts come in pages, the newest or after a place; a place beyond the feed is 409."""
    await insert_alerts(installed, 5)
    async with installed.client("matching") as matching, running_edge(installed) as edge:
        await answering(matching, "query.matching.markets", MARKETS)
        _, newest, _ = await edge.get("/api/v1/alerts?limit=2")
        assert [one["seq"] for one in newest["alerts"]] == [4, 5]
        assert newest["next"] == 4
        _, older, _ = await edge.get("/api/v1/alerts?limit=2&before=4")
        assert ([one["seq"] for one in older["alerts"]], older["next"]) == ([2, 3], 2)
        _, oldest, _ = await edge.get("/api/v1/alerts?limit=2&before=2")
        assert ([one["seq"] for one in oldest["alerts"]], oldest["next"]) == ([1], None)
        status, body, _ = await edge.get("/api/v1/alerts?before=4&after_seq=1")
        assert (status, body["error"]["code"]) == (422, "invalid_parameter")
        _, after, _ = await edge.get("/api/v1/alerts?after_seq=1&limit=2")
        assert ([one["seq"] for one in after["alerts"]], after["next_after_seq"]) == ([2, 3], 3)
        _, mine, _ = await edge.get("/api/v1/alerts?account=a2")
        assert [one["seq"] for one in mine["alerts"]] == [2, 4]
        [position] = mine["alerts"][0]["inputs"]
        assert (position["size"], position["mark"]) == ("-1.500", "97000.1")
        status, body, _ = await edge.get("/api/v1/alerts?after_seq=6")
        assert (status, body["error"]["detail"]) == (409, {"head": 5})


async def insert_alerts(installed: Installation, count: int) -> None:
    """Feed rows as the fold writes them."""
    for seq in range(1, count + 1):
        one = alert(seq, "a2" if seq % 2 == 0 else "a1")
        await installed.fetch(
            "gateway",
            "INSERT INTO alert_feed VALUES ($1, $2, $3, $4, $5, $6)",
            *(one.seq, one.account, one.level, one.account_seq, one.occurred_at, one.model_dump_json()),
        )


FUNDING = {
    "market": "BTC-PERP",
    "as_of_seq": 1,
    "now": 2,
    "interval_micros": 3_600_000_000,
    "rate": None,
    "interval_start": None,
    "interval_end": None,
    "seconds_left": None,
    "samples": None,
    "predicted_rate": None,
    "average_premium_ppb": None,
    "rates": [],
}


async def test_a_crowd_at_a_cold_start_finds_its_market(installed: Installation) -> None:
    """GW-HTTP-008: requests that come before the markets are known share one question; none is told 404."""
    async with installed.client("matching") as matching, installed.client("funding") as service:
        asked = await answering(matching, "query.matching.markets", MARKETS, after=0.3)
        await answering(service, "query.funding.funding", {"ok": True, "data": FUNDING})
        async with running_edge(installed) as edge:
            paths = [f"/api/v1/markets/BTC-PERP/funding?limit={number}" for number in range(1, 11)]
            found = await asyncio.gather(*(edge.get(path) for path in paths))
            assert {status for status, _, _ in found} == {200}
            assert len(asked) == 1
            assert (await edge.get("/api/v1/markets/NOPE/funding"))[0] == 404


async def test_rates_and_their_settlements_are_one_table(installed: Installation) -> None:
    """GW-API-003: in a file a rate's settlement stands beside it, and is empty where there is none yet."""
    rate = {"interval_start": 1, "interval_micros": 3_600_000_000, "rate": "0.0001", "samples": 60, "published_at": 5}
    settled = {"mark_ticks": 600_000, "index_step_quanta": 600, "funding_index_quanta": 900, "settled_at": 6}
    rates = [{**rate, "average_premium_ppb": 7, "settlement": step} for step in (None, settled)]
    async with installed.client("matching") as matching, installed.client("funding") as service:
        await answering(matching, "query.matching.markets", MARKETS)
        await answering(service, "query.funding.funding", {"ok": True, "data": {**FUNDING, "rates": rates}})
        async with running_edge(installed) as edge:
            _, told, _ = await edge.get("/api/v1/markets/BTC-PERP/funding")
            async with edge.http.get(f"{edge.url}/api/v1/markets/BTC-PERP/funding?format=csv") as response:
                waiting, done = csv.DictReader(io.StringIO(await response.text()))
    assert [waiting[name] for name in told["rates"][1]["settlement"]] == ["", "", "", ""]
    assert {name: done[name] for name in told["rates"][1]["settlement"]} == {
        name: str(value) for name, value in told["rates"][1]["settlement"].items()
    }
    assert done["rate"] == waiting["rate"] == told["rates"][0]["rate"]


async def test_an_answer_of_another_shape_is_a_bad_gateway(installed: Installation) -> None:
    """GW-HTTP-009: when a service says what the gateway does not know, the caller is told whose fault it is."""
    async with installed.client("risk") as risk, running_edge(installed) as edge:
        await answering(risk, "query.risk.accounts", {"ok": True, "data": {"accounts": "none"}})
        status, body, _ = await edge.get("/api/v1/positions")
    assert status == 502
    assert_error(body, "bad_upstream_reply")
