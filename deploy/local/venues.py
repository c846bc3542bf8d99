"""The venues that the sandbox follows and the index they make: three, of which two must agree.

Binance USD-M is the recording; the simulator derives the others from it. With FEED=live they are the venues themselves.
"""

import json
from typing import Final

SYMBOLS: Final = {"binance-usdm": "BTCUSDT", "bybit": "BTCUSDT", "hyperliquid": "BTC"}
INDEX_MARKET: Final = "BTC-PERP"
TICK_SIZE: Final = "0.1"
MIN_SOURCES: Final = 2


def simulator_arguments() -> tuple[str, ...]:
    """What the simulator is told."""
    return tuple(text for venue, symbol in SYMBOLS.items() for text in ("--venue", f"{venue}={symbol}"))


def ingestor_environment() -> dict[str, str]:
    """What the ingestor is told."""
    sources = [{"venue": venue, "symbol": symbol, "tick_size": TICK_SIZE} for venue, symbol in SYMBOLS.items()]
    market = {"market": INDEX_MARKET, "tick_size": TICK_SIZE, "sources": sources, "min_sources": MIN_SOURCES}
    return {
        "CLEARTIDE_INGESTOR_VENUES": json.dumps({venue: {"symbols": [symbol]} for venue, symbol in SYMBOLS.items()}),
        "CLEARTIDE_INGESTOR_INDEX_MARKETS": json.dumps([market]),
    }
