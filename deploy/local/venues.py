"""The venues that the sandbox follows and the indices they make: three each, of which two must agree.

Binance USD-M is the recordings; the simulator derives the others from them. With FEED=live they are the venues.
"""

import json
from pathlib import Path
from typing import Final

from deploy.local.markets import MARKETS, VENUES, Market

FOLDER: Final = Path(__file__).parent / "recordings"
RECORDING: Final = FOLDER / MARKETS[0].recording
"""The one that was captured."""
MIN_SOURCES: Final = 2


def simulator_arguments() -> tuple[str, ...]:
    """What the simulator is told of the venues."""
    followed = {venue: ",".join(_followed(market, venue) for market in MARKETS) for venue in VENUES}
    return tuple(text for venue, symbols in followed.items() for text in ("--venue", f"{venue}={symbols}"))


def recordings(first: str = "") -> tuple[str, ...]:
    """The files that it plays; `first` in place of the first market's."""
    return tuple(first if first and place == 0 else str(FOLDER / each.recording) for place, each in enumerate(MARKETS))


def ingestor_environment() -> dict[str, str]:
    """What the ingestor is told."""
    venues = {venue: {"symbols": [market.symbols[venue] for market in MARKETS]} for venue in VENUES}
    return {
        "CLEARTIDE_INGESTOR_VENUES": json.dumps(venues),
        "CLEARTIDE_INGESTOR_INDEX_MARKETS": json.dumps([_index(market) for market in MARKETS]),
    }


def _followed(market: Market, venue: str) -> str:
    symbol = market.symbols[venue]
    return symbol if symbol == market.recorded else f"{symbol}@{market.recorded}"


def _index(market: Market) -> dict[str, object]:
    tick = market.tick_size
    sources = [
        {"venue": venue, "symbol": symbol, "tick_size": market.finer_ticks.get(venue, tick)}
        for venue, symbol in market.symbols.items()
    ]
    return {"market": market.name, "tick_size": tick, "sources": sources, "min_sources": MIN_SOURCES}
