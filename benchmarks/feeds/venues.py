"""Which venues are compared, and which of their streams: those that both sides make something of."""

from typing import Any, Final

from services.ingestor.adapters.protocol import Send
from services.ingestor.adapters.venue import venues
from services.ingestor.simulator.stage import Stage
from services.ingestor.tests.venues.stand import asked

SYMBOLS: Final = {
    "aster": "BTCUSDT",
    "bybit": "BTCUSDT",
    "cryptocom": "BTCUSD-PERP",
    "hyperliquid": "BTC",
    "kucoin": "XBTUSDTM",
    "lighter": "BTC",
    "paradex": "BTC-USD-PERP",
}
UNREAD: Final = {"hyperliquid": '"bbo"', "lighter": '"ticker/', "paradex": '"bbo.'}
"""The best quotes of three venues, which ccxt drops unread: nobody is sent them."""
WELCOME: Final = b'{"id":"1","type":"welcome"}'
"""After which KuCoin is subscribed to."""
LINES: Final = 15_000


def core_of(name: str, stage: Stage) -> Any:
    """The adapter's core of a simulated venue."""
    venue = venues()[name]
    listing = [stage.twin.http(asked(request), stage.views) or b"" for request in venue.listing]
    return venue.core(venue.instruments(listing, [SYMBOLS[name]], {}), {})


def asked_by(core: Any, name: str) -> list[str]:
    """The messages by which the core subscribes, but for what nobody is sent."""
    (route,) = core.routes
    outputs = [*core.connected(route.name, 0), *(core.frame(WELCOME, 0) if name == "kucoin" else ())]
    frames = [text for each in outputs if isinstance(each, Send) for text in each.frames]
    return [text for text in frames if name not in UNREAD or UNREAD[name] not in text]
