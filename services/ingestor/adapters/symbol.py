"""One symbol of any venue: its book, its trades, its quotes, and what of them is worth saying.

A venue's module decodes frames and calls one method here per frame; prices and sizes come as the venue's own text.
Every method raises MoneyError for a number that is off the grid. Times are microseconds UTC.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from cleartide.contracts.types import JSON_SAFE
from cleartide.money import PPB, MoneyError, parse_decimal, trunc_div

from services.ingestor.adapters import events
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.meter import LiquidityMeter
from services.ingestor.adapters.protocol import Malformed, Output
from services.ingestor.engine.book import NO_LEVELS, Levels
from services.ingestor.engine.booksync import BookSync, Update
from services.ingestor.engine.stream import BOOK_INTERVAL_MICROS, Calls, Stream

LEAST_EXPONENT: Final = -18
"""The finest unit that the contract of an oracle's price has."""

TOP_LEVELS: Final = 20
ANSWER_MICROS: Final = 5_000_000
WHOLE_SIDE: Final = 1_000_000
MAX_RATE_PPB: Final = 10**12
DETAIL_CHARS: Final = 120

Resync = Callable[[str, int, str], list[Output]]
"""(symbol, attempt, reason) -> how this venue is asked for a new snapshot."""


def rate_ppb(text: str, *, percent: bool = False) -> int:
    """A funding rate in decimal text, a fraction or a percentage, in ppb; finer digits are cut (domain rule R17)."""
    top, bottom = parse_decimal(text).as_integer_ratio()
    rate = trunc_div(top * PPB, bottom * (100 if percent else 1))
    if abs(rate) > MAX_RATE_PPB:
        raise MoneyError("overflow", f"rate {text}")
    return rate


class SymbolFeed:
    """Takes one symbol's frames in the order they came. `heard`: when each kind of data last came.

    quote, timed_quote, trade, change: what comes most, taken by the engine's `Stream`, which says what they take.
    """

    def __init__(self, venue: str, instrument: Instrument, counts: Counter[str], resync: Resync) -> None:
        self.instrument = instrument
        self.sync = BookSync(instrument)
        self.meter = LiquidityMeter(instrument)
        self._venue = venue
        self._counts = counts
        self._resync = resync
        self._prefix = f"{venue}:{instrument.symbol}:"
        self._book_best: tuple[int, ...] = ()
        self._ever_announced = False
        self._asked_at = 0
        calls = Calls(
            ticker=events.Ticker,
            trade=events.Trade,
            crossed=self._crossed,
            see_trade=self._see_trade,
            change=self._change,
            say_book=self._say_book,
        )
        stream = Stream(events.SOURCE, venue, instrument.symbol, instrument, self.sync, counts, calls)
        self._stream = stream
        self.heard = stream.heard
        self.quote: Callable[[int, str, str, str, str, int, int], list[Output]] = stream.quote
        self.timed_quote: Callable[[str, str, str, str, int, int], list[Output]] = stream.timed_quote
        self.trade: Callable[[int, str, str, str, str, int, int], list[Output]] = stream.trade
        self.change: Callable[[int, str, str, str, int, int], list[Output]] = stream.change

    @property
    def synced(self) -> bool:
        """Whether the book is complete and current."""
        return self.sync.joined

    def resume_trades(self, highest: int) -> None:
        """The highest trade number that an earlier run has recorded: what came between will show as missing."""
        self._stream.trades.highest = highest

    def reset_book(self) -> None:
        """The socket that fed the book is gone."""
        self._stream.announced = False
        self.sync.reset()

    def expect_book(self, at: int) -> None:
        """A snapshot comes with the subscription just sent."""
        self.sync.expect()
        self._asked_at = at

    def overdue_book(self, at: int) -> list[Output]:
        """Ask again for a snapshot that was promised within the feed and did not come."""
        if self.sync.joined or at - self._asked_at <= ANSWER_MICROS:
            return []
        self.sync.unanswered()
        return self._ask("no snapshot came", at)

    # -- book ---------------------------------------------------------------------------------------------------------

    def difference(self, frame: Update, venue_time: int, at: int) -> list[Output]:
        """Carry the book on; a break in the chain is said at once and a snapshot asked for."""
        self.heard["book"] = at
        self._stream.venue_time = venue_time
        expected = self.sync.last
        step = self.sync.difference(frame)
        if step in ("applied", "joined"):
            if not self._stream.announced:
                return self._say_joined(venue_time, at)
            return self._say_book("ok", venue_time, at) if self._due(venue_time) else []
        if step == "lost":
            return self._lost(expected, frame.final, venue_time, at)
        if step == "waiting":
            return self._ask("no book yet", at)
        self._counts["repeated"] += 1
        return []

    def join_snapshot(
        self, last: int, bids: Levels, asks: Levels, venue_time: int, at: int, full_length: int
    ) -> list[Output]:
        """Join a snapshot that was asked for with the frames kept since; ask again when it does not fit."""
        step = self.sync.snapshot(last, bids, asks, full_length)
        if step == "lost":
            return self._ask(self.sync.fault, at)
        if step != "joined" or self._stream.announced:
            return []
        return self._say_joined(max(self._stream.venue_time, venue_time), at)

    def unreadable_snapshot(self, at: int) -> list[Output]:
        """The answer could not be read: ask again."""
        self.sync.unanswered()
        return self._ask("unreadable snapshot", at)

    def begin_book(
        self,
        last: int,
        bids: Levels,
        asks: Levels,
        venue_time: int,
        at: int,
        full_length: int = WHOLE_SIDE,
    ) -> list[Output]:
        """A snapshot from the feed itself: whatever was known before, the book begins anew here."""
        self.heard["book"] = at
        self._stream.venue_time = venue_time
        expected = self.sync.last
        if self.sync.begin(last, bids, asks, full_length) == "lost":
            return self._lost(expected, last, venue_time, at)
        return self._say_joined(venue_time, at)

    def whole_book(self, seq: int, bids: Levels, asks: Levels, venue_time: int, at: int) -> list[Output]:
        """A frame that is the whole book, from a venue without differences.

        An older or equal `seq` is ignored, unless so many come in a row that the venue's clock must have been put back.
        """
        if self.sync.joined and seq <= self.sync.last:
            self.heard["book"] = at
            self._counts["repeated" if seq == self.sync.last else "late"] += 1
            if seq == self.sync.last or not self.sync.is_restart():
                return []
            gap = self._gap("book", self.sync.last, seq, "numbers start anew", venue_time, at)
            return [gap, *self.begin_book(seq, bids, asks, venue_time, at)]
        if not self._stream.announced:
            return self.begin_book(seq, bids, asks, venue_time, at)
        self.heard["book"] = at
        expected = self.sync.last
        if self.sync.begin(seq, bids, asks, WHOLE_SIDE) == "lost":
            return self._lost(expected, seq, venue_time, at)
        return self._say_book("ok", venue_time, at) if self._due(venue_time) else []

    def condemn(self, reason: str, venue_time: int, at: int) -> list[Output]:
        """The book is not the venue's, by a test of the venue's own: drop it and ask for a snapshot."""
        last = self.sync.last
        self.sync.spoil(reason)
        return self._lost(last, last, venue_time, at)

    # -- quotes and trades --------------------------------------------------------------------------------------------

    def book_quote(self, at: int) -> list[Output]:
        """The best bid and ask of the book, if they changed: for a venue that sends no quotes, dated by receipt."""
        book = self.sync.book
        if book is None or not self.sync.joined or not (book.bids.queue and book.asks.queue):
            return []
        best = (*book.bids.best(1)[0], *book.asks.best(1)[0])
        if best == self._book_best:
            return []
        self._book_best = best
        update = self.sync.last
        return [events.Ticker(*self._head("ticker", str(update), "VenueTicker", at, at, update, "ok"), *best)]

    def pass_trade(self, number: int, venue_time: int, at: int) -> list[Output]:
        """A fill outside the book: only the number moves on."""
        self._counts["off_book_trades"] += 1
        return self._see_trade(number, venue_time, at)[1]

    # -- the instrument's figures -------------------------------------------------------------------------------------

    def funding(
        self,
        seq: int,
        mark: str,
        index: str,
        rate: int,
        next_funding_at: int,
        venue_time: int,
        at: int,
        predicted: int | None = None,
    ) -> list[Output]:
        """Mark, index, the rate of the running interval and that predicted for the next, in ppb of the notional."""
        self.heard["funding"] = at
        instrument = self.instrument
        head = self._head("funding", str(seq), "VenueFunding", venue_time, at, seq, "ok")
        mark_ticks, index_ticks = instrument.nearest_ticks(mark), instrument.nearest_ticks(index)
        interval = instrument.funding_interval_micros
        return [events.Funding(*head, mark_ticks, index_ticks, rate, interval, next_funding_at, predicted)]

    def oracle(self, slot: int, price: str, venue_time: int, at: int, confidence: str = "0") -> list[Output]:
        """An oracle's price of a slot or round, and how far it may be wrong, exactly as they are written."""
        exponent = -max(len(price.partition(".")[2]), len(confidence.partition(".")[2]))
        figures = [parse_decimal(text).scaleb(-exponent) for text in (price, confidence)]
        units, width = (int(figure) for figure in figures)
        if not (0 < units <= JSON_SAFE and 0 <= width <= JSON_SAFE and exponent >= LEAST_EXPONENT):
            raise MoneyError("overflow", f"price {price} of an oracle")
        head = self._head("oracle", str(slot), "VenueOracle", venue_time, at, slot, "ok")
        return [events.Oracle(*head, units, width, exponent)]

    def interest(self, seq: int, lots: int, venue_time: int, at: int) -> list[Output]:
        """Open interest in lots, one side of it."""
        head = self._head("interest", str(seq), "VenueOpenInterest", venue_time, at, seq, "ok")
        return [events.OpenInterest(*head, lots)]

    def liquidation(self, ident: str, price: str, size: str, side: str, venue_time: int, at: int) -> list[Output]:
        """A liquidation order."""
        ticks, lots = self.instrument.nearest_ticks(price), self.instrument.sizes[size]
        if not lots:
            raise MoneyError("not_positive", f"size {size}")
        head = self._head("liquidation", ident, "VenueLiquidation", venue_time, at, venue_time, "ok")
        return [events.Liquidation(*head, ident, ticks, lots, side)]

    def candle(
        self,
        interval: str,
        open_at: int,
        prices: tuple[str, str, str, str],
        lots: int,
        closed: bool,
        venue_time: int,
        at: int,
    ) -> list[Output]:
        """The venue's candle; `prices` are open, high, low and close. Its final form is said under one name."""
        opened, high, low, close = [self.instrument.prices[price] for price in prices]
        ident = f"{interval}-{open_at}-{'final' if closed else venue_time}"
        head = self._head("candle", ident, "VenueCandle", venue_time, at, open_at, "ok")
        return [events.Candle(*head, interval, open_at, opened, high, low, close, lots, closed)]

    def stats(self, seq: int, last: str, high: str, low: str, volume: str, venue_time: int, at: int) -> list[Output]:
        """Figures of the last 24 hours."""
        prices = self.instrument.prices
        head = self._head("stats", str(seq), "VenueStats", venue_time, at, seq, "ok")
        return [events.Stats(*head, prices[last], prices[high], prices[low], self.instrument.sizes[volume])]

    def terms(self, at: int) -> events.InstrumentTerms:
        """What the instrument is, and what trading it costs."""
        each = self.instrument
        head = self._head("instrument", str(at), "VenueInstrument", at, at, 0, "ok")
        grid = (each.kind, each.tick_size, each.lot_size, each.size_step or each.lot_size)
        fees = (each.funding_interval_micros, each.maker_ppb, each.taker_ppb)
        return events.InstrumentTerms(*head, each.base, each.quote, *grid, *fees)

    def status(self, status: str, tag: str, detail: str, at: int) -> events.Status:
        """A state of the symbol; `tag` makes the id unique among those said at the same time."""
        head = self._head("status", f"{tag}-{at}", "VenueStatus", self._stream.venue_time, at, 0, "ok")
        return events.Status(*head, status, detail[:DETAIL_CHARS])

    # -- inside -------------------------------------------------------------------------------------------------------

    def _see_trade(self, number: int, venue_time: int, at: int) -> tuple[str, list[Output]]:
        """Quality of the trade, "" for one seen before, and the gap that it reveals, if any."""
        self.heard["trade"] = at
        highest = self._stream.trades.highest
        verdict = self._stream.trades.see(number)
        if verdict == "repeated":
            self._counts["repeated"] += 1
            return "", []
        if verdict == "late":
            self._counts["late"] += 1
            return "late", []
        if verdict == "restarted":
            return "ok", [self._gap("trade", highest + 1, number, "ids start anew", venue_time, at)]
        missing = number - highest - 1
        if not highest or not missing:
            return "ok", []
        self._counts["missing_trades"] += missing
        return "ok", [self._gap("trade", highest + 1, number, f"{missing} missing", venue_time, at)]

    def _change(self, number: int, side: str, price: str, size: str, venue_time: int, at: int) -> list[Output]:
        """A changed level that is no next step of a joined book."""
        level = [(price, size)]
        bids, asks = (level, NO_LEVELS) if side == "buy" else (NO_LEVELS, level)
        return self.difference(Update(number, number, number - 1, bids, asks), venue_time, at)

    def _crossed(self, bid: str, ask: str, update: int) -> Malformed:
        return Malformed("crossed", f"{self.instrument.symbol} bid {bid} ask {ask} at {update}")

    def _lost(self, expected: int, seq: int, venue_time: int, at: int) -> list[Output]:
        self._stream.announced = False
        self._counts["lost_books"] += 1
        gap = self._gap("book", expected, seq, self.sync.fault, venue_time, at)
        return [gap, *self._ask(self.sync.fault, at)]

    def _due(self, venue_time: int) -> bool:
        return venue_time - self._stream.book_said_at >= BOOK_INTERVAL_MICROS

    def _say_joined(self, venue_time: int, at: int) -> list[Output]:
        quality = "resynced" if self._ever_announced else "ok"
        self._stream.announced = self._ever_announced = True
        return [self.status("synced", "joined", "", at), *self._say_book(quality, venue_time, at)]

    def _say_book(self, quality: str, venue_time: int, at: int) -> list[Output]:
        book = self.sync.book
        assert book is not None and self.sync.joined, "only a joined book is said"
        self._stream.book_said_at = venue_time
        last = self.sync.last
        head = self._head("book", str(last), "VenueBook", venue_time, at, last, quality)
        out: list[Output] = [events.BookTop(*head, *book.top(TOP_LEVELS))]
        measures = self.meter.measure(book, venue_time)
        if measures is not None:
            head = self._head("liquidity", str(last), "VenueLiquidity", venue_time, at, last, quality)
            out.append(events.Liquidity(*head, *measures))
            for multiple in self.meter.multiples:
                ident = f"{multiple}-{last}"
                head = self._head("grouped", ident, "VenueGroupedBook", venue_time, at, last, quality)
                out.append(events.GroupedBook(*head, multiple, *book.grouped(multiple, TOP_LEVELS)))
        if not book.knows_top(TOP_LEVELS):
            self.sync.refresh()
            out += self._ask("price left the snapshot's range", at)
        return out

    def _ask(self, reason: str, at: int) -> list[Output]:
        if not self.sync.ask():
            return []
        self._asked_at = at
        return self._resync(self.instrument.symbol, self.sync.attempts, reason)

    def _gap(self, kind: str, expected: int, seq: int, reason: str, venue_time: int, at: int) -> events.Gap:
        ident = f"{kind}-{expected}-{seq}"
        head = self._head("gap", ident, "VenueGap", venue_time, at, seq, "ok")
        return events.Gap(*head, expected, f"{kind}: {reason}"[:DETAIL_CHARS])

    def _head(
        self, kind: str, ident: str, type_: str, venue_time: int, at: int, seq: int, quality: str
    ) -> tuple[str, str, int, int, int, str, str, str, str, str, int, int, int, str]:
        return (
            f"{self._prefix}{kind}:{ident}",
            type_,
            1,
            0,
            venue_time,
            "",
            "",
            events.SOURCE,
            self._venue,
            self.instrument.symbol,
            venue_time,
            at,
            seq,
            quality,
        )
