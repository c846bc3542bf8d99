"""Who trades on a market and how, decided by a seed and the mark price alone: no I/O here."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from cleartide.contracts.types import Side

from deploy.local.markets import MARKETS, Market

TAKERS: Final = tuple(f"taker-{number:02}" for number in range(1, 25))
"""They trade on every market, with one collateral for all."""
MAKER_DEPOSIT: Final = "5000000"
TAKER_DEPOSIT: Final = "25000"
VAULT: Final = "tide"
MANAGER: Final = TAKERS[0]
STRATEGY: Final = f"vault--{VAULT}"
HOLDERS: Final = {"taker-02": "5000", "taker-03": "3000", "taker-04": "2000"}
"""What each of them pays into the vault."""
AT_WORK: Final = "6000"
STRATEGY_LOTS: Final = 50
"""What the manager lets the strategy have, and how long it is: about half of that in notional."""
LEVELS: Final = 4
PPM: Final = 1_000_000


def makers(market: Market) -> tuple[str, ...]:
    """Who quotes there."""
    return tuple(
        f"mm-{number:02}" if market is MARKETS[0] else f"mm-{market.base.lower()}-{number}" for number in (1, 2)
    )


def leveraged(market: Market) -> tuple[str, ...]:
    """Who holds leveraged positions there, and is liquidated."""
    group = "lev" if market is MARKETS[0] else market.base.lower()
    return tuple(f"{group}-{number:02}" for number in range(1, market.leveraged + 1))


@dataclass(frozen=True)
class Quote:
    """One resting order of a market maker, in ticks and lots."""

    account: str
    client_order_id: str
    side: Side
    price_ticks: int
    size_lots: int


@dataclass(frozen=True)
class Take:
    """One market order."""

    account: str
    side: Side
    size_lots: int


@dataclass(frozen=True)
class Opening:
    """A position opened elsewhere, with a deposit that puts its health factor where the demonstration wants it."""

    account: str
    side: Side
    price_ticks: int
    size_lots: int
    deposit_quanta: int


@dataclass
class Population:
    """The accounts' behaviour on a market; the same seed and prices give the same orders."""

    market: Market
    seed: str
    run: str
    _random: Random = field(init=False)
    _round: int = 0
    _openings: int = 0

    def __post_init__(self) -> None:
        self._random = Random(self.seed)

    def quotes(self, mark_ticks: int) -> list[Quote]:
        """A fresh ladder for each maker around the mark."""
        self._round += 1
        step, level_lots = self.market.level_step_ticks, self.market.level_lots
        inside, apart = max(1, step // 8), max(1, step * 7 // 40)
        return [
            Quote(
                account=maker,
                client_order_id=f"{self.run}-{self._round}-{maker}-{side}-{level}",
                side=side,
                price_ticks=mark_ticks + sign * (inside + apart * index + level * step),
                size_lots=level_lots + level_lots * level // 18,
            )
            for index, maker in enumerate(makers(self.market))
            for side, sign in _SIDES
            for level in range(LEVELS)
        ]

    def takes(self) -> Iterator[Take]:
        """One or two small market orders."""
        for _ in range(self._random.randint(1, 2)):
            side: Side = "buy" if self._random.random() < 0.5 else "sell"
            yield Take(self._random.choice(TAKERS), side, self._random.randint(1, self.market.taken_lots))

    def opening(self, account: str, mark_ticks: int, quanta_per_lot_tick: int) -> Opening:
        """A leveraged position at the mark; one in four starts a hair above its maintenance margin."""
        self._openings += 1
        side: Side = "buy" if self._openings % 2 else "sell"
        close = self._openings % 4 < 2
        health_ppm = 1_001_000 + self._random.randint(0, 9_000) if close else self._random.randint(1_050_000, 3_500_000)
        lots = self.market.leveraged_lots
        # Of the first bracket: the initial margin is one part in `leverage`, and half of it is maintenance.
        maintenance = lots * mark_ticks * quanta_per_lot_tick // (2 * self.market.leverage)
        return Opening(account, side, mark_ticks, lots, maintenance * health_ppm // PPM + 1)


_SIDES: Final[tuple[tuple[Side, int], ...]] = (("buy", -1), ("sell", 1))
