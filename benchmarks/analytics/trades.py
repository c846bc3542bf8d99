"""The same random trades for every engine: market, microseconds, price in ticks, lots, quanta."""

import json
import random
from collections.abc import Iterator
from typing import Final

MARKETS: Final = 50
START: Final = 20_000 * 86_400_000_000
SPAN: Final = 2 * 3_600_000_000
WIDTHS: Final = (60, 300, 900, 3_600, 14_400, 86_400)
Trade = tuple[str, int, int, int, int]


def trades(count: int, seed: int = 7) -> list[Trade]:
    """In the order of time, over two hours; a market's name is one text, as a decoder that knows it gives it."""
    draw = random.Random(seed)
    names = [f"M{number:02}-PERP" for number in range(MARKETS)]
    made = []
    for number in range(count):
        market = names[draw.randrange(MARKETS)]
        price, lots = draw.randint(900, 1_100), draw.randint(1, 900)
        made.append((market, START + number * SPAN // count, price, lots, price * lots * 100))
    return made


def lines(rows: list[Trade]) -> Iterator[bytes]:
    """Each trade as JSON."""
    for market, at, price, lots, quanta in rows:
        yield json.dumps({"market": market, "at": at, "price": price, "lots": lots, "quanta": quanta}).encode()
