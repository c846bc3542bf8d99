"""What commands record of instruments: what venues' listings say, and fees that somebody gives by hand."""

from typing import Final

from cleartide.fold import Row, Table

from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument
from services.ingestor.adapters.venue import Listed, Venue

NOT_SAID: Final = 0
"""`said_at` of what no feed has said."""
FEES: Final = Table(
    "venue_fees",
    key=("venue", "symbol"),
    columns={
        "venue": "text",
        "symbol": "text",
        "maker_ppb": "bigint",
        "taker_ppb": "bigint",
        "set_at": "timestamptz",
    },
)
"""Fees of one's own account; symbol "" means the whole venue."""


def instrument_row(venue: str, instrument: Instrument) -> Row:
    """An instrument as it is recorded."""
    grid = (instrument.kind, instrument.tick_size, instrument.lot_size, instrument.size_step or instrument.lot_size)
    terms = (instrument.funding_interval_micros, instrument.maker_ppb, instrument.taker_ppb, NOT_SAID)
    return (venue, instrument.symbol, instrument.base, instrument.quote, *grid, *terms)


def listed_row(venue: Venue, each: Listed, tick_size: str) -> Row:
    """An instrument of a listing as it is recorded, counted in ticks of `tick_size`."""
    fees = each.fees or venue.fees
    grid = (each.kind, tick_size, each.lot_size, each.size_step or each.lot_size)
    terms = (each.funding_hours * HOUR_MICROS, fees.maker_ppb, fees.taker_ppb, NOT_SAID)
    return (venue.name, each.symbol, each.base, each.quote, *grid, *terms)
