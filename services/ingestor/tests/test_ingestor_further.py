"""Venues by ccxt: the real library against a server on loopback that gives recorded answers.

The answers are those of ccxt's own tests of Paradex (MIT licence), unaltered.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from services.ingestor.adapters import events
from services.ingestor.adapters.further import DECIMAL_PLACES, TICK_SIZE, FurtherSymbol, instrument_of
from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument, UnknownInstrument
from services.ingestor.tests.venues.stand import Ledger
from services.ingestor.transport.further import Further, FurtherUnavailable
from services.ingestor.transport.publisher import Publisher

RECORDED = Path(__file__).parent / "recorded"
ANSWERS = {"/v1/markets": "paradex_markets.json", "/v1/markets/summary": "paradex_summary.json"}
MARKET: dict[str, Any] = {
    "id": "BTCUSDT", "symbol": "BTC/USDT:USDT", "base": "BTC", "quote": "USDT", "swap": True, "active": True,
    "inverse": False, "contractSize": "0.01", "precision": {"price": "0.10", "amount": "1"}, "maker": "0.0002",
    "taker": "0.0005",
}  # fmt: skip


@asynccontextmanager
async def answering(refusals: int = 0) -> AsyncIterator[tuple[str, Counter[str]]]:
    """A server of the recorded answers, which refuses the first requests for tickers."""
    asked: Counter[str] = Counter()

    async def answer(request: web.Request) -> web.Response:
        asked[request.path] += 1
        if "summary" in request.path and asked[request.path] <= refusals:
            return web.Response(status=503)
        name = ANSWERS.get(request.path)
        if name is None:
            return web.json_response({"error": "NOT_FOUND", "message": request.path}, status=404)
        return web.Response(body=(RECORDED / name).read_bytes(), content_type="application/json")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


class Heard(Ledger):
    """Notes that something was published."""

    def __init__(self) -> None:
        super().__init__()
        self.quoted = asyncio.Event()

    async def publish(self, subject: str, payload: bytes, timeout: float, stream: str, headers: dict[str, str]) -> Any:
        ack = await super().publish(subject, payload, timeout, stream, headers)
        if subject.endswith(".ticker"):
            self.quoted.set()
        return ack


async def published(ledger: Ledger, publisher: Publisher, further: Further, rounds: int) -> list[Any]:
    try:
        for _ in range(rounds):
            await further.round()
            await publisher.flush()
    finally:
        await further._exchange.close()
    return ledger.events


async def test_a_further_venue_is_asked_and_its_numbers_stay_exact() -> None:
    """ING-FURTHER-001"""
    pytest.importorskip("ccxt", reason="ccxt is not installed: make tools")
    ledger = Ledger()
    publisher = Publisher(ledger)
    async with answering() as (url, _):
        further = Further("paradex", ["BTC/USD:USDC"], publisher, seconds=60.0, url=url)
        said = await published(ledger, publisher, further, 1)
    assert {type(each) for each in said} == {events.InstrumentTerms, events.Ticker, events.Status}
    (terms,) = (each for each in said if isinstance(each, events.InstrumentTerms))
    assert (terms.venue, terms.symbol, terms.base, terms.tick_size, terms.lot_size) == (
        "ccxt-paradex", "BTC-USD-PERP", "BTC", "0.1", "0.001",
    )  # fmt: skip
    (ticker,) = (each for each in said if isinstance(each, events.Ticker))
    assert (ticker.bid_ticks, ticker.ask_ticks, ticker.venue_time) == (668_211, 676_432, 1_718_377_962_698_000)
    assert [each.status for each in said if isinstance(each, events.Status)] == ["synced"]
    for each in said:
        assert each.contract.model_validate_json(events.encode([each])[1:-1]).venue == "ccxt-paradex"


async def test_a_round_that_fails_is_said_and_the_next_goes_on() -> None:
    """ING-FURTHER-002"""
    pytest.importorskip("ccxt", reason="ccxt is not installed: make tools")
    ledger = Ledger()
    publisher = Publisher(ledger)
    async with answering(refusals=1) as (url, _):
        further = Further("paradex", ["BTC/USD:USDC", "NOBODY/USD:USDC"], publisher, seconds=60.0, url=url)
        said = await published(ledger, publisher, further, 2)
    assert [each.status for each in said if isinstance(each, events.Status)] == ["disconnected", "synced"]
    assert list(further.symbols) == ["BTC/USD:USDC"], "what the venue does not trade is left out"


async def test_it_stops_when_the_service_does() -> None:
    """ING-FURTHER-002"""
    pytest.importorskip("ccxt", reason="ccxt is not installed: make tools")
    stopping, ledger = asyncio.Event(), Heard()
    publisher = Publisher(ledger)
    publishing = asyncio.create_task(publisher.run())
    async with answering() as (url, asked):
        running = asyncio.create_task(
            Further("paradex", ["BTC/USD:USDC"], publisher, seconds=3_600.0, url=url).run(stopping)
        )
        await asyncio.wait_for(ledger.quoted.wait(), 30.0)
        stopping.set()
        await asyncio.wait_for(running, 30.0)
    publishing.cancel()
    assert asked["/v1/markets/summary"] == 1


def test_without_the_library_or_the_venue_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """ING-FURTHER-003"""
    monkeypatch.setitem(sys.modules, "ccxt.async_support", None)
    with pytest.raises(FurtherUnavailable, match="make tools"):
        Further("bitget", ["BTC/USDT:USDT"], Publisher(Ledger()), seconds=60.0)
    monkeypatch.undo()
    pytest.importorskip("ccxt", reason="ccxt is not installed: make tools")
    with pytest.raises(FurtherUnavailable, match="no venue nowhere"):
        Further("nowhere", ["BTC/USDT:USDT"], Publisher(Ledger()), seconds=60.0)


@pytest.mark.parametrize(
    ("changes", "mode", "tick", "lot", "kind"),
    [
        ({}, TICK_SIZE, "0.1", "0.01", "linear"),
        ({"precision": {"price": 2, "amount": 3}, "contractSize": None}, DECIMAL_PLACES, "0.01", "0.001", "linear"),
        ({"inverse": True, "contractSize": "100"}, TICK_SIZE, "0.1", "100", "inverse"),
        ({"precision": {"price": "1e-7", "amount": "1e-3"}}, TICK_SIZE, "0.0000001", "0.00001", "linear"),
    ],
)
def test_grids_are_read_exactly(changes: Any, mode: int, tick: str, lot: str, kind: str) -> None:
    """ING-FURTHER-004"""
    found = instrument_of({**MARKET, **changes}, mode)
    assert (found.tick_size, found.lot_size, found.kind) == (tick, lot, kind)
    assert (found.symbol, found.maker_ppb, found.taker_ppb) == ("BTCUSDT", 200_000, 500_000)


@pytest.mark.parametrize(
    ("changes", "mode"),
    [({"swap": False}, TICK_SIZE), ({"active": False}, TICK_SIZE), ({"precision": {}}, TICK_SIZE), ({}, 3)],
)
def test_what_has_no_fixed_grid_is_refused(changes: Any, mode: int) -> None:
    """ING-FURTHER-004: significant digits among them."""
    with pytest.raises(UnknownInstrument):
        instrument_of({**MARKET, **changes}, mode)


def test_rates_come_with_their_interval_and_what_cannot_be_used_is_counted() -> None:
    """ING-FURTHER-005"""
    symbol = FurtherSymbol("ccxt-x", Instrument("BTCUSDT", "0.1", "0.001"))
    rate = {
        "fundingRate": "0.0001",
        "markPrice": "100.04",
        "indexPrice": "100.06",
        "timestamp": 5_000,
        "interval": "8h",
    }
    (said,) = symbol.funding(rate, {}, 9)
    assert isinstance(said, events.Funding)
    assert (said.mark_ticks, said.index_ticks, said.rate_ppb, said.next_funding_at) == (
        1_000, 1_001, 100_000, 8 * HOUR_MICROS,
    )  # fmt: skip
    assert symbol.funding({"fundingRate": "0.0001"}, {}, 9) == []
    assert symbol.ticker({"bid": "100"}, 9) == []
    assert symbol.ticker({"bid": "100.05", "ask": "101"}, 9) == []
    assert symbol.ticker({"bid": "102", "ask": "101"}, 9) == []
    assert symbol.counts == {"without_funding": 1, "without_quote": 1, "malformed": 1, "crossed_quotes": 1}
