"""What comes most of a symbol: best quotes, trades, and changes of one level. Each is one call into the engine.

Of seven venues' frames nine in ten are one of these. Whatever is out of the ordinary about one is left to the caller's
own functions, which `Calls` holds: they say what is missing, lost or begun anew.
"""

from collections.abc import Callable
from typing import Any, Final, final

from cleartide.money import MoneyError

from services.ingestor.engine import COMPILED
from services.ingestor.engine.book import Scales
from services.ingestor.engine.booksync import BookSync
from services.ingestor.engine.sequence import IdSequence, RecentIds
from services.ingestor.engine.side import Grid, Scale

BOOK_INTERVAL_MICROS: Final = 250_000


@final
class Calls:
    """What a stream makes and calls.

    ticker, trade: events, of their fields in order. crossed: a crossed quote, of bid, ask and update. see_trade: of a
    number that does not follow the last one, and times; its quality, "" for none, and what it reveals. change: of what
    `Stream.change` is given, when it is no next step of a joined book. say_book: of quality and times.
    """

    def __init__(
        self,
        *,
        ticker: Callable[..., Any],
        trade: Callable[..., Any],
        crossed: Callable[[str, str, int], Any],
        see_trade: Callable[[int, int, int], tuple[str, list[Any]]],
        change: Callable[[int, str, str, str, int, int], list[Any]],
        say_book: Callable[[str, int, int], list[Any]],
    ) -> None:
        self.ticker: Final = ticker
        self.trade: Final = trade
        self.crossed: Final = crossed
        self.see_trade: Final = see_trade
        self.change: Final = change
        self.say_book: Final = say_book


@final
class Stream:
    """One symbol's. Prices and sizes come as the venue's own text; MoneyError is raised for one that is off the grid.

    heard: when each kind of data last came. announced: the book has been said to be there. venue_time: the newest one.
    """

    def __init__(
        self,
        source: str,
        venue: str,
        symbol: str,
        instrument: Scales,
        sync: BookSync,
        counts: dict[str, int],
        calls: Calls,
    ) -> None:
        self.source: Final = source
        self.venue: Final = venue
        self.symbol: Final = symbol
        self.ticker_prefix: Final = f"{venue}:{symbol}:ticker:"
        self.trade_prefix: Final = f"{venue}:{symbol}:trade:"
        self.prices: Final[Scale] = instrument.prices
        self.sizes: Final[Scale] = instrument.sizes
        self.price_grid: Final[Grid] = instrument.price_grid
        self.size_grid: Final[Grid] = instrument.size_grid
        self.compiled: Final[bool] = COMPILED
        self.sync: Final = sync
        self.counts: Final = counts
        self.calls: Final = calls
        self.heard: dict[str, int] = {}
        self.trades = IdSequence()
        self.trade_ids = RecentIds()
        self.announced = False
        self.venue_time = 0
        self.book_said_at = -BOOK_INTERVAL_MICROS
        self.quote_update = 0
        self.quote_time = 0
        self.bid, self.bid_size, self.ask, self.ask_size = "", "", "", ""

    def ticks(self, price: str) -> int:
        """A price in ticks."""
        return self.price_grid[price] if self.compiled else self.prices[price]

    def lots(self, size: str) -> int:
        """A size in lots."""
        return self.size_grid[size] if self.compiled else self.sizes[size]

    def change(self, number: int, side: str, price: str, size: str, venue_time: int, at: int) -> list[Any]:
        """One changed level of a venue that sends and numbers each by itself; `side` is buy or sell."""
        if not (self.announced and self.sync.step(number, side == "buy", price, size)):
            return self.calls.change(number, side, price, size, venue_time, at)
        self.heard["book"] = at
        self.venue_time = venue_time
        if venue_time - self.book_said_at < BOOK_INTERVAL_MICROS:
            return []
        return self.calls.say_book("ok", venue_time, at)

    def quote(
        self, update: int, bid: str, bid_size: str, ask: str, ask_size: str, venue_time: int, at: int
    ) -> list[Any]:
        """Best bid and ask at the venue's `update`. A crossed quote is withheld."""
        self.heard["quote"] = at
        if update == self.quote_update:
            self.counts["repeated"] += 1
            return []
        bid_ticks, bid_lots, ask_ticks, ask_lots = (
            self.ticks(bid),
            self.lots(bid_size),
            self.ticks(ask),
            self.lots(ask_size),
        )
        if bid_ticks >= ask_ticks:
            self.counts["crossed_quotes"] += 1
            return [self.calls.crossed(bid, ask, update)]
        quality = "ok"
        if update < self.quote_update and venue_time <= self.quote_time:
            self.counts["late"] += 1
            quality = "late"
        else:
            self.quote_update = update
            self.quote_time = venue_time
            if venue_time > self.venue_time:
                self.venue_time = venue_time
        return [
            self.calls.ticker(
                f"{self.ticker_prefix}{update}",
                "VenueTicker",
                1,
                0,
                venue_time,
                "",
                "",
                self.source,
                self.venue,
                self.symbol,
                venue_time,
                at,
                update,
                quality,
                bid_ticks,
                bid_lots,
                ask_ticks,
                ask_lots,
            )
        ]

    def timed_quote(self, bid: str, bid_size: str, ask: str, ask_size: str, venue_time: int, at: int) -> list[Any]:
        """A best bid and ask of a venue that does not number them.

        Several may carry the same time: they are told apart by their order, and only one that says the same as the one
        before, at the same time, is a repetition.
        """
        if venue_time < self.quote_time:
            return self.quote(venue_time, bid, bid_size, ask, ask_size, venue_time, at)
        same_prices = bid == self.bid and ask == self.ask
        if venue_time == self.quote_time and same_prices and bid_size == self.bid_size and ask_size == self.ask_size:
            self.heard["quote"] = at
            self.counts["repeated"] += 1
            return []
        self.bid, self.bid_size, self.ask, self.ask_size = bid, bid_size, ask, ask_size
        return self.quote(max(venue_time, self.quote_update + 1), bid, bid_size, ask, ask_size, venue_time, at)

    def trade(
        self, number: int, trade_id: str, price: str, size: str, taker_side: str, venue_time: int, at: int
    ) -> list[Any]:
        """One trade. `number` rises by one per trade and shows what is missing; 0 where the venue does not count."""
        ticks, lots = self.ticks(price), self.lots(size)
        if not lots:
            raise MoneyError("not_positive", f"size {size}")
        self.heard["trade"] = at
        quality = "ok"
        out: list[Any] = []
        if number and number == self.trades.highest + 1:
            self.trades.highest = number
        elif number:
            quality, out = self.calls.see_trade(number, venue_time, at)
            if not quality:
                return out
        elif not self.trade_ids.is_new(trade_id):
            self.counts["repeated"] += 1
            return out
        said = self.calls.trade(
            f"{self.trade_prefix}{trade_id}",
            "VenueTrade",
            1,
            0,
            venue_time,
            "",
            "",
            self.source,
            self.venue,
            self.symbol,
            venue_time,
            at,
            number or venue_time,
            quality,
            trade_id,
            ticks,
            lots,
            taker_side,
        )
        out.append(said)
        return out
