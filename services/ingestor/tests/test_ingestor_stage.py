"""Faults of simulated venues that the recording does not hold, each on a venue that shows it best."""

from decimal import Decimal

import aiohttp
import pytest

from deploy.local.markets import MARKETS
from deploy.local.venues import FOLDER
from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.venue import venues
from services.ingestor.engine.booksync import MAX_OLD_FRAMES, BookSync, Update
from services.ingestor.simulator.__main__ import faults_of, parsed, traded_of
from services.ingestor.simulator.faults import Faults
from services.ingestor.simulator.host import Host, every_venue
from services.ingestor.simulator.recording import Recording
from services.ingestor.simulator.replay import Pace, Replay
from services.ingestor.simulator.stage import Stage
from services.ingestor.simulator.twin import Traded, twins
from services.ingestor.tests.rig import first_lines
from services.ingestor.tests.support import BTCUSDT, RECORDING
from services.ingestor.tests.venues.stand import Scribe, Stand, directly, standing
from services.ingestor.transport.rest import VenueRest

LINES = 1_999


def median_of(stand: Stand) -> int:
    """The price about which the quotes lie, in ticks."""
    bids = sorted(each.bid_ticks for each in stand.said(events.Ticker))
    return int(bids[len(bids) // 2])


@pytest.mark.parametrize("fault", ["silence", "halfopen"])
async def test_a_socket_that_brings_nothing_is_given_up(fault: str) -> None:
    """ING-SIM-013: whether or not it answers pings."""
    async with standing("bybit", LINES, [f"{fault}:700"], speed=10.0, silent_limit=0.2) as stand:
        await stand.until(lambda: any("no data" in each.detail for each in stand.said(events.Status)))
        await stand.played()
        await stand.until(lambda: stand.core.symbols[stand.symbol].synced)


async def test_a_wrong_checksum_costs_the_book() -> None:
    """ING-SIM-013"""
    _, _, tape = await directly("okx", LINES)
    numbers = tape.numbers("book")
    faults = [f"checksum:{number}" for number in numbers[40:60]]
    async with standing("okx", LINES, faults, speed=10.0) as stand:
        await stand.played()
        assert any("checksum" in gap.reason for gap in stand.said(events.Gap))
        assert "resynced" in [book.quality for book in stand.said(events.BookTop)]


async def test_a_spike_is_in_quotes_and_trades_and_passes() -> None:
    """ING-SIM-013"""
    async with standing("bybit", LINES, ["spike:800-900:50000"]) as stand:
        await stand.played()
        middle = median_of(stand)
        high = [each for each in stand.said(events.Ticker) if each.bid_ticks > middle * 104 // 100]
        assert 20 < len(high) < 101
        assert stand.said(events.Gap) == []


async def test_prices_between_the_ticks_are_refused_and_counted() -> None:
    """ING-SIM-013"""
    async with standing("kucoin", LINES, ["retick:800"]) as stand:
        await stand.played()
        await stand.until(lambda: stand.core.counts["malformed"] > 100)


async def test_a_clock_that_is_off_is_in_the_venue_times_alone() -> None:
    """ING-SIM-013"""
    async with standing("aster", LINES, ["skew:0:-90000"]) as stand:
        await stand.played()
        _, direct, _ = await directly("aster", LINES)
        true = [each.venue_time for each in direct if isinstance(each, events.Trade)]
        assert [each.venue_time + 90_000_000 for each in stand.said(events.Trade)] == true


async def test_what_is_delisted_is_refused_and_no_longer_listed() -> None:
    """ING-SIM-013"""
    async with standing("kucoin", LINES, ["delist:700"]) as stand:
        await stand.until(stand.replay.finished.is_set)
        assert stand.stage.twin.symbols == []
        await stand.until(lambda: all(member.drained for member in stand.stage.members))
        reply = stand.stage.twin.reply('{"id":"1","type":"subscribe","topic":"/contractMarket/level2:XBTUSDTM"}')
        assert b'"error"' in reply.frames[0]
        assert len(stand.said(events.Ticker)) < 700


async def test_a_client_that_does_not_answer_the_heartbeat_is_cut_off() -> None:
    """ING-SIM-014"""
    replay = Replay(first_lines(200), Pace(1.0))
    host = Host([replay], {"lighter": ()}, pulse_seconds=0.05)
    address = f"ws://127.0.0.1:{await host.start()}/lighter/stream"
    try:
        async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
            got = [message.data async for message in socket]
            assert got == ['{"type":"connected","session_id":"sim"}', '{"type":"ping"}']
            assert socket.close_code == 1008
    finally:
        await host.stop()


async def test_several_symbols_and_prices_come_from_one_recording() -> None:
    """ING-SIM-015"""
    replay = Replay(first_lines(LINES), Pace(0.0))
    host = Host([replay], {"bybit": [Traded("BTCUSDT"), Traded("ETHUSDT", Decimal("-50000.0"))]})
    address = f"127.0.0.1:{await host.start()}/bybit"
    try:
        await replay.run()
        bids = [host.stages["bybit"].views[symbol].top(1)[0][0][0] for symbol in ("BTCUSDT", "ETHUSDT")]
        assert Decimal(bids[0]) - Decimal(bids[1]) == 50_000
        async with aiohttp.ClientSession() as session:
            url = f"http://{address}/v5/market/instruments-info"
            async with session.get(url, params={"category": "linear"}) as response:
                listed = (await response.json())["result"]["list"]
            assert [each["symbol"] for each in listed] == ["BTCUSDT", "ETHUSDT"]
            async with session.get(f"http://{address}/nowhere") as response:
                assert response.status == 404
    finally:
        await host.stop()


async def test_several_recordings_are_played_at_once() -> None:
    """ING-SIM-023: each symbol of a venue follows its own, at its grid; the recorded venue answers for each."""
    made = Recording(FOLDER / MARKETS[1].recording, 700)
    replays = [Replay(recording, Pace(0.0)) for recording in (first_lines(LINES), made)]
    host = Host(replays, traded_of(["binance-usdm", "bybit=BTCUSDT,ETHUSDT", "hyperliquid=BTC,ETH@ETHUSDT"]))
    address = f"http://127.0.0.1:{await host.start()}"
    try:
        await host.play(wait=False)
        for name, symbols in (("bybit", ("BTCUSDT", "ETHUSDT")), ("hyperliquid", ("BTC", "ETH"))):
            stage = host.stages[name]
            for symbol, replay in zip(symbols, replays, strict=True):
                assert Decimal(stage.views[symbol].top(1)[0][0][0]) == max(map(Decimal, replay.market.bids))
            assert stage.twin.grid(symbols[1]) == ("0.01", "0.001")
        async with aiohttp.ClientSession() as session:
            for replay in replays:
                asked = {"symbol": replay.market.symbol, "limit": "5"}
                async with session.get(f"{address}/binance-usdm/fapi/v1/depth", params=asked) as response:
                    best = (await response.json())["bids"][0][0]
                assert Decimal(best) == max(map(Decimal, replay.market.bids))
            async with session.get(f"{address}/binance-usdm/fapi/v1/premiumIndex") as response:
                assert [each["symbol"] for each in await response.json()] == ["BTCUSDT", "ETHUSDT"]
            async with session.get(f"{address}/binance-usdm/fapi/v1/premiumIndex?symbol=SOLUSDT") as response:
                assert response.status == 400
    finally:
        await host.stop()


def test_a_recording_that_is_not_there_or_twice_is_refused() -> None:
    """ING-SIM-023"""
    replays = [Replay(first_lines(200)), Replay(first_lines(200))]
    with pytest.raises(ValueError, match="two recordings are of one symbol"):
        Host(replays, {})
    with pytest.raises(ValueError, match="ETH: no recording is of ETHUSDT"):
        Host(replays[:1], traded_of(["hyperliquid=ETH@ETHUSDT"]))


async def test_venues_whose_names_begin_alike_are_kept_apart() -> None:
    """ING-SIM-015"""
    host = Host([Replay(first_lines(200), Pace(0.0))], dict.fromkeys(every_venue(), ()))
    address = f"http://127.0.0.1:{await host.start()}"
    try:
        async with aiohttp.ClientSession() as session:
            for name in every_venue():
                venue = venues()[name]
                rest = VenueRest(session, f"{address}/{name}", venue.limits)
                answers = [await rest.ask(request) for request in venue.listing]
                assert len(list(venue.listed(answers))) == 1, name
    finally:
        await host.stop()


def test_the_command_line_names_venues_symbols_and_faults() -> None:
    """ING-SIM-010"""
    options = parsed(
        [
            "--recording",
            str(RECORDING),
            "--venue",
            "bybit=BTCUSDT,ETHUSDT:-5.5",
            "--venue",
            "okx",
            "--fault",
            "okx/drop:3",
        ]
    )
    traded = traded_of(options.venue)
    assert traded == {"bybit": [Traded("BTCUSDT"), Traded("ETHUSDT", Decimal("-5.5"))], "okx": []}
    wanted = faults_of([*options.fault, "drop:1"], "bybit")
    assert {name: each.dropped for name, each in wanted.items()} == {"okx": {3}, "bybit": {1}}
    assert len(traded_of(["all"])) > 10
    with pytest.raises(ValueError, match="is no price"):
        traded_of(["bybit=BTCUSDT:x"])
    with pytest.raises(ValueError, match="no venue nowhere"):
        Host([Replay(first_lines(200))], {"nowhere": ()})


def test_a_fault_is_committed_once() -> None:
    """ING-SIM-009"""
    faults = Faults()
    for text in ("halfopen:3", "skew:2:40", "skew:1:20", "spike:4-6:100"):
        faults.add(text)
    assert [faults.due(faults.deadening, number) for number in (2, 5, 6)] == [False, True, False]
    assert [faults.due_value(faults.skewed, number) for number in (0, 1, 7, 8)] == [None, 20, 40, None]
    assert [faults.spike_at(number) for number in (3, 4, 6, 7)] == [0, 100, 100, 0]


def test_a_venue_that_numbers_anew_costs_the_book_after_a_few_frames() -> None:
    """ING-BOOK-010: a book that ignored such frames for ever would stand still and look alive."""
    sync = BookSync(BTCUSDT)
    sync.begin(100, [("10.0", "1.000")], [("11.0", "1.000")], 1_000)
    old = [Update(number, number, number - 1, [], []) for number in range(1, MAX_OLD_FRAMES + 1)]
    assert [sync.difference(frame) for frame in old] == ["ignored"] * (MAX_OLD_FRAMES - 1) + ["lost"]
    assert sync.fault == "numbers start anew"


async def test_clients_have_asked_for_everything_once_all_their_connections_have() -> None:
    """ING-SIM-015: dYdX's markets have a connection each, with a name and numbers of its own."""
    stage = Stage(twins()["dydx"]((Traded("BTC-USD"), Traded("ETH-USD"))), Replay(first_lines(399), Pace(0.0)).market)
    grid = ("0.1", "0.001")
    core = venues()["dydx"].core([Instrument(symbol, *grid) for symbol in stage.twin.symbols], {})
    assert isinstance(core, Core)
    heard = []
    for route in core.routes:
        scribe = Scribe(core, stage)
        scribe.take(core.connected(route.name, 1))
        await stage.greet(scribe)
        await scribe.speak()
        heard.append((scribe.connection, {symbol for kind, symbol in scribe.topics if kind == "book"}))
        assert stage.subscribed.is_set() == (len(heard) == 2)
    assert heard == [(1, {"BTC-USD"}), (2, {"ETH-USD"})]
