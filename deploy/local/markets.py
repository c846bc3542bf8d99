"""The markets of the sandbox, a row each: what its venues call it, its grid, and the sizes in which it is traded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

VENUES: Final = {"binance-usdm": "{}USDT", "bybit": "{}USDT", "hyperliquid": "{}"}
"""The venues that its index follows, and how each of them names a base."""


@dataclass(frozen=True)
class Market:
    """One perpetual in USDC.

    recording: a file of `recordings`. finer_ticks: of venues whose prices are not on the market's grid. leverage: the
    most, in the first bracket. max_order, position_cap, open_interest_cap: in base units. level_lots, level_step_ticks:
    of a maker's ladder. taken_lots: the most that a market order takes, of which one or two come every take_seconds.
    leveraged_lots: a leveraged position; leveraged: how many accounts hold one.
    """

    base: str
    recording: str
    tick_size: str
    lot_size: str
    finer_ticks: Mapping[str, str]
    leverage: int
    max_order: str
    position_cap: str
    open_interest_cap: str
    level_lots: int
    level_step_ticks: int
    taken_lots: int
    take_seconds: float
    leveraged_lots: int
    leveraged: int

    @property
    def name(self) -> str:
        """As the system calls it."""
        return f"{self.base}-PERP"

    @property
    def recorded(self) -> str:
        """The symbol of its recording."""
        return f"{self.base}USDT"

    @property
    def symbols(self) -> Mapping[str, str]:
        """What each venue calls it."""
        return {venue: name.format(self.base) for venue, name in VENUES.items()}


MARKETS: Final = (
    Market(
        base="BTC",
        recording="binance_usdm_btcusdt_20240808.gz",
        tick_size="0.1",
        lot_size="0.001",
        finer_ticks={},
        leverage=100,
        max_order="20",
        position_cap="200",
        open_interest_cap="2000",
        level_lots=900,
        level_step_ticks=40,
        taken_lots=40,
        take_seconds=0.5,
        leveraged_lots=100,
        leveraged=60,
    ),
    Market(
        base="ETH",
        recording="made_ethusdt.gz",
        tick_size="0.01",
        lot_size="0.01",
        finer_ticks={"hyperliquid": "0.001"},
        leverage=50,
        max_order="400",
        position_cap="4000",
        open_interest_cap="40000",
        level_lots=1_500,
        level_step_ticks=17,
        taken_lots=90,
        take_seconds=1.0,
        leveraged_lots=200,
        leveraged=24,
    ),
    Market(
        base="SOL",
        recording="made_solusdt.gz",
        tick_size="0.01",
        lot_size="0.1",
        finer_ticks={"hyperliquid": "0.0001"},
        leverage=20,
        max_order="6000",
        position_cap="60000",
        open_interest_cap="600000",
        level_lots=2_500,
        level_step_ticks=2,
        taken_lots=150,
        take_seconds=1.5,
        leveraged_lots=300,
        leveraged=24,
    ),
)
