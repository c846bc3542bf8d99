"""Prices of oracles: one figure with how sure it is, instead of a book and trades."""

from typing import ClassVar, Literal

from pydantic import Field

from cleartide.contracts.market import MarketEvent
from cleartide.contracts.types import JSON_SAFE


class VenueOracle(MarketEvent):
    """An oracle's price: `price` * 10^`exponent`, give or take `confidence` * 10^`exponent`, in quote per base.

    `venue_seq` is the oracle's own slot or round.
    """

    subject_template: ClassVar[str] = "market.{venue}.{symbol}.oracle"
    type: Literal["VenueOracle"] = "VenueOracle"
    version: Literal[1] = 1
    price: int = Field(gt=0, le=JSON_SAFE)
    confidence: int = Field(ge=0, le=JSON_SAFE)
    exponent: int = Field(ge=-18, le=9)
