"""How long one lost frame keeps a book away, over real sockets, and that nobody else notices."""

from typing import Final

from benchmarks.report import Row, percentile
from services.ingestor.adapters import events
from services.ingestor.tests.venues.stand import directly, standing

VENUES: Final = ("bybit", "okx", "lighter", "kucoin")
LINES: Final = 3_999
LOSSES: Final = 12
SPEED: Final = 4.0


async def recovery_rows() -> list[Row]:
    """From the gap to the book that is whole again, by the feed's own clock; the market runs at four times its pace."""
    waits: list[float] = []
    for name in VENUES:
        _, direct, tape = await directly(name, LINES)
        books = tape.numbers("book")
        step = len(books) // (LOSSES + 1)
        losses = [f"drop:{books[place * step]}" for place in range(1, LOSSES + 1)]
        async with standing(name, LINES, losses, speed=SPEED) as stand:
            await stand.played()
            wanted = [each.trade_id for each in direct if isinstance(each, events.Trade)]
            if [each.trade_id for each in stand.said(events.Trade)] != wanted:
                raise RuntimeError(f"{name}: a lost book frame cost trades")
            gaps = [each.received_at for each in stand.said(events.Gap)]
            whole = [each.received_at for each in stand.said(events.BookTop) if each.quality == "resynced"]
        waits += [(min(at for at in whole if at >= gap) - gap) / 1_000 for gap in gaps]
    return [
        Row("feeds.recovery.p50", percentile(waits, 0.5), "ms", note=f"{len(waits)} losses, {len(VENUES)} venues"),
        Row("feeds.recovery.p99", percentile(waits, 0.99), "ms", aim="< 300"),
    ]
