"""What each venue has, read from its module: `python -m services.ingestor.adapters.breadth` writes docs/venues.md.

A kind of data counts as there when the venue's module says it, so that the table cannot promise what the code does not
do. What a venue's module does not say, the venue does not send, or not in a form that is exact.
"""

import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.ingestor.adapters.core import Core
from services.ingestor.adapters.history import histories
from services.ingestor.adapters.venue import Venue, venues

DOCUMENT: Final = Path(__file__).parents[3] / "docs" / "venues.md"
BEGIN: Final = "<!-- table: python -m services.ingestor.adapters.breadth -->\n"
END: Final = "<!-- end of table -->\n"
HEADS: Final = (
    "venue", "quotes", "trades", "book", "mark, index, funding", "open interest", "liquidations", "live candles",
    "24 h", "past candles", "past rates", "past trades", "fees, maker / taker",
)  # fmt: skip
PPB_PER_PERCENT: Final = 10_000_000
_PACKAGE: Final = "services.ingestor.adapters.venues."


def table() -> str:
    """Every venue as a row of a Markdown table."""
    rows = [HEADS, ("---",) * len(HEADS), *(_row(venue) for _, venue in sorted(venues().items()))]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(venue: Venue) -> Sequence[str]:
    core = venue.core([], {})
    assert isinstance(core, Core)
    source = _source(type(core)) + _source(type(venue))
    sent = [_sent(source, call) for call in ("trade", "funding", "liquidation", "stats")]
    quotes = "of the book" if ".book_quote(" in source else _sent(source, "quote") or _sent(source, "timed_quote")
    interest = "asked for" if "def take_poll" in source else _sent(source, "interest")
    live = "by option" if ".candle(" in source or "RunningCandles(" in source else ""
    found = [venue.name, quotes, sent[0], _book(source), sent[1], interest, sent[2], live, sent[3]]
    return [each or "-" for each in (*found, *_past(venue.name), _fees(venue, source))]


def _source(kind: type) -> str:
    """The venue's own modules behind a class, in a fixed order."""
    modules = dict.fromkeys(each.__module__ for each in kind.__mro__ if each.__module__.startswith(_PACKAGE))
    return "".join(inspect.getsource(sys.modules[name]) for name in modules)


def _sent(source: str, call: str) -> str:
    return "yes" if f".{call}(" in source else ""


def _book(source: str) -> str:
    if ".whole_book(" in source:
        return "whole"
    joined = "snapshot asked for" if "join_snapshot(" in source else "snapshot sent"
    return f"changes, {joined}{', checksum' if 'checksum' in source else ''}"


def _past(name: str) -> Sequence[str]:
    history = histories().get(name)
    if history is None:
        return "", "", ""
    names = list(history.spans)
    has = ["klines" in history.kinds, "funding_rates" in history.kinds, "trades" in history.kinds]
    return f"{names[0]} to {names[-1]}" if has[0] else "", "yes" if has[1] else "", "yes" if has[2] else ""


def _fees(venue: Venue, source: str) -> str:
    told = "of the listing" if "Fees.listed(" in source else "lowest tier"
    maker, taker = (_percent(each) for each in (venue.fees.maker_ppb, venue.fees.taker_ppb))
    return f"{maker} / {taker} % ({told})"


def _percent(ppb: int) -> str:
    whole, part = divmod(abs(ppb), PPB_PER_PERCENT)
    text = f"{'-' if ppb < 0 else ''}{whole}.{part:07}"
    return text.rstrip("0").rstrip(".")


def documented(text: str) -> str:
    """The document with the table as it should be. Raises ValueError where it has no place for it."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError("the document has no place for the table")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(documented(DOCUMENT.read_text()))
