"""The whole loop through real servers: price, order, trade, position, alert, liquidation, funding, earnings, candle."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import jsonschema
import nats
from cleartide.bus.confirm import confirm

from deploy.local.sandbox.market import MARKET
from tests.support.installation import ROOT, Installation
from tests.support.traffic import START_TICKS, Traffic

SERVICES = ("matching", "risk", "funding", "earnings", "analytics", "gateway")
LEVERAGED, OUTSIDER, MAKER = "leveraged", "outsider", "maker"
FALLEN = START_TICKS - 4_000
MINUTE = 60


async def eventually(found: Callable[[], Awaitable[Sequence[Any]]], what: str, seconds: float = 90) -> Sequence[Any]:
    """Wait for rows; longer than a minute, which is what a late start would have to wait for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if rows := await found():
            return rows
        await asyncio.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s")


async def _near_the_end_of_a_minute() -> None:
    """Funding and candles close when the minute does: begin where that is soon."""
    await asyncio.sleep(max(0.0, MINUTE * 0.75 - time.time() % MINUTE))


@asynccontextmanager
async def _viewer(installed: Installation) -> AsyncIterator[list[dict[str, Any]]]:
    """A plain core-NATS subscriber with the read-only user, and nothing of ours."""
    heard: list[dict[str, Any]] = []

    async def on_alert(message: Any) -> None:
        heard.append({"subject": message.subject, **json.loads(message.data)})

    connection = await nats.connect(
        installed.nats.url, user="viewer", password="nats-viewer", inbox_prefix="_INBOX_viewer"
    )
    await connection.subscribe("risk.alerts.>", cb=on_alert)
    await confirm(connection)
    try:
        yield heard
    finally:
        await connection.close()


async def _fall(traffic: Traffic) -> None:
    """The maker quotes around the new price, then the index arrives there, and the mark with it."""
    await traffic.order(MAKER, "buy", 300, FALLEN - 50)
    await traffic.order(MAKER, "sell", 100, FALLEN + 50)
    await traffic.price(FALLEN)


async def _until_liquidated(installed: Installation, account: str) -> dict[str, Any]:
    rows = await eventually(
        lambda: installed.fetch("analytics", "SELECT * FROM liquidations WHERE account = $1", account),
        f"the liquidation of {account}",
    )
    return dict(rows[0])


async def _rest_of_the_loop(installed: Installation, traffic: Traffic, account: str) -> None:
    """After the minute has ended, the next price closes funding and candle; the day's earnings are there at once."""

    async def next_price(query: Callable[[], Awaitable[Sequence[Any]]]) -> Sequence[Any]:
        await traffic.price(FALLEN)
        return await query()

    candles = "SELECT * FROM candles WHERE market = $1 AND closed"
    await eventually(lambda: next_price(lambda: installed.fetch("analytics", candles, MARKET)), "a closed candle")
    await eventually(lambda: installed.fetch("funding", "SELECT * FROM funding_rates"), "a funding rate")
    await eventually(
        lambda: installed.fetch("matching", "SELECT * FROM funding_settlements"), "the settlement of funding"
    )
    day = (
        await eventually(
            lambda: installed.fetch("earnings", "SELECT * FROM earnings_open_days WHERE account = $1", account),
            "a day of earnings",
        )
    )[0]
    flows = day["flows_quanta"] + day["pnl_quanta"] + day["funding_quanta"] - day["fees_quanta"]
    assert day["equity_end_quanta"] - day["equity_start_quanta"] == flows
    assert day["pnl_quanta"] < 0


async def _start(installed: Installation, port: int) -> None:
    installed.extra_environment |= {
        "CLEARTIDE_FUNDING_INTERVAL_SECONDS": str(MINUTE),
        "CLEARTIDE_GATEWAY_PORT": str(port),
    }
    await installed.start(*SERVICES)


async def _heard(heard: list[dict[str, Any]], account: str, level: str) -> list[dict[str, Any]]:
    return [alert for alert in heard if alert["account"] == account and alert["level"] == level]


async def _relieved(heard: list[dict[str, Any]], account: str) -> list[dict[str, Any]]:
    levels = [alert["level"] for alert in heard if alert["account"] == account]
    return heard if levels and levels[-1] != "liquidatable" else []


async def _report_a_trade(installed: Installation) -> None:
    """An engine of somebody else: a NATS client and the JSON Schema, nothing of ours."""
    trade = {
        "id": "engine-7-1", "type": "ReportTrade", "version": 1, "occurred_at": time.time_ns() // 1000,
        "source": "engine-7", "market": MARKET, "trade_id": "1", "price": "61800.0", "size": "0.100",
        "buyer": OUTSIDER, "seller": None, "executed_at": time.time_ns() // 1000,
    }  # fmt: skip
    jsonschema.validate(trade, json.loads((ROOT / "schemas/events/ReportTrade.v1.json").read_text()))
    outside = await nats.connect(
        installed.nats.url, user="trader", password="nats-trader", inbox_prefix="_INBOX_trader"
    )
    try:
        receipt = await outside.jetstream().publish(f"trades.{MARKET}", json.dumps(trade).encode(), timeout=30)
        assert receipt.stream == "COMMANDS"
    finally:
        await outside.close()


async def test_a_falling_price_liquidates_and_everyone_hears_of_it(installed: Installation, free_port: int) -> None:
    """SYS-LOOP-001 for an account that traded here, SYS-LOOP-002 for one whose trade an outside engine reported."""
    await _start(installed, free_port)
    async with installed.client() as client, _viewer(installed) as heard:
        traffic = Traffic(client, accounts=(MAKER,))
        await traffic.open_market()
        await traffic.deposit(LEVERAGED, "70")
        await traffic.deposit(OUTSIDER, "40")
        await _near_the_end_of_a_minute()
        started = time.monotonic()
        await traffic.order(MAKER, "sell", 100, START_TICKS)
        await traffic.order(LEVERAGED, "buy", 100, START_TICKS)
        await _report_a_trade(installed)
        await _fall(traffic)
        for account in (LEVERAGED, OUTSIDER):
            assert (await _until_liquidated(installed, account))["market"] == MARKET
            await eventually(partial(_heard, heard, account, "liquidatable"), "the alert at the viewer")
            await eventually(partial(_relieved, heard, account), "the milder level after the liquidation")
            await _rest_of_the_loop(installed, traffic, account)
        print(f"from the first order to the last account's earnings: {time.monotonic() - started:.1f} s")
