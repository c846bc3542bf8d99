"""The ingestor's commands of `cleartide`. Only the module of the command that is run is imported."""

import argparse
import importlib
from typing import Final

TEXTS: Final = {
    "db": "the time-series store: make it, look at it, clean it",
    "market": "what venues list: symbols, ticks, lots, funding",
    "ticker": "the newest figures of every instrument that is followed",
    "liquidity": "depth, slippage, spread and average price of books, stored or live",
    "orderbook": "recorded books: which there are, how one looked, files of a day",
    "backfill": "fetch the past of venues: candles, funding rates, trades",
    "stream": "follow quotes, trades, books and more while they come",
    "run": "follow venues and write workbooks again and again; needs no database",
    "start": "run the collecting service until Ctrl-C: venues in, rows and events out",
    "stats": "statistics and charts of what is recorded",
    "export": "write series to files: CSV, JSON lines, Parquet or Excel",
    "import": "read files that export has written; what is there stays",
}
_MODULES: Final = {
    "db": "database",
    "market": "market",
    "ticker": "market",
    "liquidity": "liquidity",
    "orderbook": "orderbook",
    "backfill": "backfill",
    "stream": "stream",
    "run": "run",
    "start": "service",
    "stats": "statistics",
    "export": "transfer",
    "import": "transfer",
}


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", wanted: str) -> None:
    """The wanted command, and of the others their names."""
    module = _MODULES.get(wanted, "")
    if module:
        importlib.import_module(f"{__name__}.{module}").add_parsers(commands)
    for name, text in TEXTS.items():
        if _MODULES[name] != module:
            commands.add_parser(name, help=text, add_help=False)
