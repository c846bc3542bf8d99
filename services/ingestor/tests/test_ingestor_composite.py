"""One index of three venues, from real feeds on real sockets: what is off is left out by name."""

import asyncio
from typing import Any

import aiohttp

from services.ingestor.adapters.events import MarketStruct, Status, Ticker, Trade
from services.ingestor.adapters.venue import venues
from services.ingestor.domain.index_markets import IndexMarket, PriceSource
from services.ingestor.feed import VenueFeed, load_instruments
from services.ingestor.simulator.faults import Faults
from services.ingestor.simulator.host import Host
from services.ingestor.simulator.replay import Pace, Replay
from services.ingestor.tests.harness import Harness
from services.ingestor.tests.rig import first_lines
from services.ingestor.tests.venues.stand import PATIENCE_SECONDS, Ledger
from services.ingestor.transport.publisher import Publisher
from services.ingestor.transport.rest import VenueRest

SYMBOLS = {"bybit": "BTCUSDT", "hyperliquid": "BTC", "okx": "BTC-USDT-SWAP"}
MARKET = IndexMarket(
    "BTC-PERP", "0.1", tuple(PriceSource(venue, symbol, "0.1", 1) for venue, symbol in SYMBOLS.items()), min_sources=2
)
LINES = 1_999


async def recorded(**wanted: str) -> list[MarketStruct]:
    """What three feeds publish of three venues, each with its faults."""
    faults = {name: Faults() for name in SYMBOLS}
    for name, text in wanted.items():
        faults[name].add(text)
    replay = Replay(first_lines(LINES), Pace(0.0))
    host, ledger, stopping = Host([replay], dict.fromkeys(SYMBOLS, ()), faults), Ledger(), asyncio.Event()
    address = f"127.0.0.1:{await host.start()}"
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        publishers = []
        for name, symbol in SYMBOLS.items():
            rest, publisher = VenueRest(session, f"http://{address}/{name}"), Publisher(ledger)
            instruments = await load_instruments(venues()[name], rest, [symbol], {symbol: "0.1"}, stopping)
            assert instruments is not None
            feed = VenueFeed(venues()[name].core(instruments, {}), rest, publisher, f"ws://{address}/{name}")
            group.create_task(feed.run(stopping))
            publishers.append(publisher)
        async with asyncio.timeout(PATIENCE_SECONDS):
            for stage in host.stages.values():
                await stage.subscribed.wait()
            await replay.run()
            await host.stop()  # what was sent comes before the end of the socket
            while len({each.venue for each in ledger.events if is_closed(each)}) < len(SYMBOLS):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            for publisher in publishers:
                await publisher.idle()
        stopping.set()
    return [event for event in ledger.events if isinstance(event, Ticker | Trade)]


def is_closed(event: MarketStruct) -> bool:
    """Whether it says that a socket is gone."""
    return isinstance(event, Status) and event.status == "disconnected"


def indexed(events: list[MarketStruct]) -> list[Any]:
    """The index prices that the fold makes of them in the order of the venues' own times."""
    harness = Harness((MARKET,))
    for event in sorted(events, key=lambda each: each.venue_time):
        harness.feed([event], event.venue_time)
    return [event for event in harness.published if event["type"] == "UpdateIndexPrice"]


def outliers(index: Any) -> set[str]:
    """The venues that were left out for being too far off."""
    return {source["venue"] for source in index["sources"] if source["rejected"] == "outlier"}


async def test_a_venue_that_is_off_is_named_and_left_out() -> None:
    """ING-IDX-030: five percent off in quotes and trades, then right again; the index does not move."""
    clean, spiked = indexed(await recorded()), indexed(await recorded(bybit="spike:800-1300:50000"))
    whole = [each for each in clean if not any(source["rejected"] for source in each["sources"])]
    assert len(whole) >= 4
    rejected = [each for each in spiked if outliers(each)]
    assert rejected and set().union(*map(outliers, rejected)) == {"bybit"}
    assert all(each["price"] is not None for each in rejected)
    assert spiked[-1]["price"] == clean[-1]["price"]
