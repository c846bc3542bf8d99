"""One symbol of Binance USD-M: its book, its trades, its quotes, and what of them is worth saying."""

from collections import Counter
from typing import Final

from cleartide.money import MoneyError, to_grid

from services.ingestor.adapters import binance_frames as wire
from services.ingestor.adapters import events
from services.ingestor.adapters.booksync import BookSync
from services.ingestor.adapters.protocol import FetchSnapshot, Malformed, Output
from services.ingestor.adapters.scale import Instrument
from services.ingestor.adapters.sequence import IdSequence

VENUE: Final = "binance-usdm"
SNAPSHOT_LEVELS: Final = 1_000
TOP_LEVELS: Final = 20
BOOK_INTERVAL_MICROS: Final = 250_000
MICROS_PER_MILLI: Final = 1_000
ONE_PPB: Final = "0.000000001"
MAX_RATE_PPB: Final = 10**12
DETAIL_CHARS: Final = 120


class BinanceSymbol:
    """Takes the symbol's decoded frames in the order they came. Raises MoneyError for a number that is off the grid."""

    def __init__(self, instrument: Instrument, counts: Counter[str]) -> None:
        self._instrument = instrument
        self._counts = counts
        self._prefix = f"{VENUE}:{instrument.symbol}:"
        self.sync = BookSync(instrument)
        self._trades = IdSequence()
        self._quote_update = 0
        self._quote_time = 0
        self._announced = False
        self._ever_announced = False
        self._book_said_at = -BOOK_INTERVAL_MICROS
        self._venue_time = 0
        self.heard: dict[str, int] = {}

    @property
    def synced(self) -> bool:
        """Whether the book is complete and current."""
        return self.sync.joined

    def resume_trades(self, highest: int) -> None:
        """The highest trade id that an earlier run has recorded: what came between will show as missing."""
        self._trades.highest = highest

    def reset_book(self) -> None:
        """The socket that fed the book is gone."""
        self._announced = False
        self.sync.reset()

    def on_depth(self, frame: wire.Depth, at: int) -> list[Output]:
        """Carry the book on; a break in the chain is said at once and a snapshot asked for."""
        self.heard["depth"] = at
        self._venue_time = venue_time = frame.T * MICROS_PER_MILLI
        expected = self.sync.last
        step = self.sync.difference(frame)
        if step in ("applied", "joined"):
            if not self._announced:
                return self._say_joined(venue_time, at)
            due = venue_time - self._book_said_at >= BOOK_INTERVAL_MICROS
            return self._say_book("ok", venue_time, at) if due else []
        if step == "lost":
            self._announced = False
            self._counts["lost_books"] += 1
            gap = self._gap("book", expected, frame.final, self.sync.fault, venue_time, at)
            return [gap, *self._fetch(self.sync.fault)]
        if step == "waiting":
            return self._fetch("no book yet")
        self._counts["repeated"] += 1
        return []

    def on_snapshot(self, body: wire.Snapshot, at: int) -> list[Output]:
        """Join the snapshot with the frames kept since it was asked for; ask again when it does not fit."""
        step = self.sync.snapshot(body.last, body.bids, body.asks, SNAPSHOT_LEVELS)
        if step == "lost":
            return self._fetch(self.sync.fault)
        if step != "joined" or self._announced:
            return []
        return self._say_joined(max(self._venue_time, body.T * MICROS_PER_MILLI), at)

    def unreadable_snapshot(self) -> list[Output]:
        """The answer could not be read: ask again."""
        self.sync.unanswered()
        return self._fetch("unreadable snapshot")

    def on_ticker(self, frame: wire.BookTicker, at: int) -> list[Output]:
        """Best bid and ask. A crossed quote is withheld."""
        self.heard["bookTicker"] = at
        update, venue_time = frame.u, frame.T * MICROS_PER_MILLI
        if update == self._quote_update:
            self._counts["repeated"] += 1
            return []
        prices, sizes = self._instrument.prices, self._instrument.sizes
        bid, bid_lots, ask, ask_lots = prices[frame.b], sizes[frame.B], prices[frame.a], sizes[frame.A]
        if bid >= ask:
            self._counts["crossed_quotes"] += 1
            return [Malformed("crossed", f"{frame.s} bid {frame.b} ask {frame.a} at {update}")]
        quality = "ok"
        if update < self._quote_update and venue_time <= self._quote_time:
            quality = self._late()
        else:
            self._quote_update, self._quote_time = update, venue_time
            self._venue_time = max(self._venue_time, venue_time)
        head = self._head("ticker", str(update), "VenueTicker", venue_time, at, update, quality)
        return [events.Ticker(*head, bid, bid_lots, ask, ask_lots)]

    def on_raw_trade(self, frame: wire.RawTrade, at: int) -> list[Output]:
        """One fill; those of the insurance fund and of deleveraging only move the id on."""
        if frame.X == "MARKET":
            return self._trade(frame.t, str(frame.t), frame, at)
        self._counts["off_book_trades"] += 1
        _, gap = self._see_trade(frame.t, frame.T * MICROS_PER_MILLI, at)
        return gap

    def on_aggregate_trade(self, frame: wire.AggregateTrade, at: int) -> list[Output]:
        """Fills of one order at one price, as one trade."""
        return self._trade(frame.a, f"agg-{frame.a}", frame, at)

    def on_mark_price(self, frame: wire.MarkPrice, at: int) -> list[Output]:
        """Mark, index and funding rate, once a second."""
        self.heard["markPrice"] = at
        instrument, venue_time = self._instrument, frame.E * MICROS_PER_MILLI
        head = self._head("funding", str(frame.E), "VenueFunding", venue_time, at, frame.E, "ok")
        return [
            events.Funding(
                *head,
                instrument.nearest_ticks(frame.p),
                instrument.nearest_ticks(frame.i),
                to_grid(frame.r, ONE_PPB, MAX_RATE_PPB, "rate"),
                instrument.funding_interval_micros,
                frame.T * MICROS_PER_MILLI,
            )
        ]

    def status(self, status: str, tag: str, detail: str, at: int) -> events.Status:
        """A state of the symbol; `tag` makes the id unique among those said at the same time."""
        head = self._head("status", f"{tag}-{at}", "VenueStatus", self._venue_time, at, 0, "ok")
        return events.Status(*head, status, detail[:DETAIL_CHARS])

    def _trade(self, number: int, trade_id: str, frame: wire.RawTrade | wire.AggregateTrade, at: int) -> list[Output]:
        ticks, lots = self._instrument.prices[frame.p], self._instrument.sizes[frame.q]
        if not lots:
            raise MoneyError("not_positive", f"size {frame.q}")
        venue_time = frame.T * MICROS_PER_MILLI
        quality, out = self._see_trade(number, venue_time, at)
        if not quality:
            return out
        head = self._head("trade", trade_id, "VenueTrade", venue_time, at, number, quality)
        out.append(events.Trade(*head, trade_id, ticks, lots, "sell" if frame.m else "buy"))
        return out

    def _see_trade(self, number: int, venue_time: int, at: int) -> tuple[str, list[Output]]:
        """Quality of the trade, "" for one seen before, and the gap that it reveals, if any."""
        self.heard["trade"] = at
        highest = self._trades.highest
        verdict = self._trades.see(number)
        if verdict == "repeated":
            self._counts["repeated"] += 1
            return "", []
        if verdict == "late":
            return self._late(), []
        if verdict == "restarted":
            return "ok", [self._gap("trade", highest + 1, number, "ids start anew", venue_time, at)]
        missing = number - highest - 1
        if not highest or not missing:
            return "ok", []
        self._counts["missing_trades"] += missing
        return "ok", [self._gap("trade", highest + 1, number, f"{missing} missing", venue_time, at)]

    def _late(self) -> str:
        self._counts["late"] += 1
        return "late"

    def _say_joined(self, venue_time: int, at: int) -> list[Output]:
        quality = "resynced" if self._ever_announced else "ok"
        self._announced = self._ever_announced = True
        return [self.status("synced", "joined", "", at), *self._say_book(quality, venue_time, at)]

    def _say_book(self, quality: str, venue_time: int, at: int) -> list[Output]:
        book = self.sync.book
        assert book is not None and self.sync.joined, "only a joined book is said"
        self._book_said_at = venue_time
        last = self.sync.last
        head = self._head("book", str(last), "VenueBook", venue_time, at, last, quality)
        out: list[Output] = [events.BookTop(*head, *book.top(TOP_LEVELS))]
        if not book.knows_top(TOP_LEVELS):
            self.sync.refresh()
            out += self._fetch("price left the snapshot's range")
        return out

    def _fetch(self, reason: str) -> list[Output]:
        if not self.sync.ask():
            return []
        return [FetchSnapshot(self._instrument.symbol, self.sync.attempts, reason)]

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
            VENUE,
            self._instrument.symbol,
            venue_time,
            at,
            seq,
            quality,
        )
