"""One simulated venue: its clients, its topics, its faults. What happens on the market comes from a replay."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from aiohttp import web

from services.ingestor.domain.ranges import SPANS
from services.ingestor.simulator.bars import Bars
from services.ingestor.simulator.client import Outbox
from services.ingestor.simulator.faults import Faults
from services.ingestor.simulator.moves import Change, Deal, Move, Quote, kind_of, shifted
from services.ingestor.simulator.twin import CLIENT, NUMBER, Topic, Traded, Twin, View, candles_of
from services.ingestor.simulator.views import BookSource, MarketView, translated

PPM: Final = 1_000_000
_NUMBER: Final = f'"{NUMBER}"'.encode()
_CLIENT: Final = f'"{CLIENT}"'.encode()


class Member(Outbox):
    """A client of the stage, its topics, and whether it has answered the last heartbeat.

    numbered: the frames of venues that count those of a client. connection: its number among all there were.
    """

    numbered = 0
    connection = 0

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.BaseTransport | None, patient: bool) -> None:
        super().__init__(socket, patient)
        self._transport = transport
        self.topics: set[Topic] = set()
        self.answered = True

    async def say(self, frame: bytes) -> None:
        """Send a frame, numbered where the venue numbers it."""
        await self.send(self.number(frame))

    def number(self, frame: bytes) -> bytes:
        """The frame with its number, which is then used up."""
        if _NUMBER not in frame:
            return frame
        self.numbered += 1
        named = frame.replace(_CLIENT, b'"sim-%d"' % self.connection, 1)
        return named.replace(_NUMBER, b"%d" % (self.numbered - 1), 1)

    def play_dead(self) -> None:
        """Stay open without reading or writing: not even a ping is answered."""
        self.silence()
        if isinstance(self._transport, asyncio.ReadTransport):
            self._transport.pause_reading()


class Stage:
    """Plays one venue to its clients. books: of the symbols that have another market's than `source`.

    Frames are numbered from 0 as the venue would send them, whether or not anybody listens; faults go by that number.
    `subscribed` is set once clients have asked for everything that there is, be it on several connections.
    """

    def __init__(
        self,
        twin: Twin,
        source: BookSource,
        faults: Faults | None = None,
        books: Mapping[str, BookSource] | None = None,
    ) -> None:
        self.twin = twin
        self.faults = faults or Faults()
        self.members: list[Member] = []
        self.subscribed = asyncio.Event()
        self.count = 0
        self._greeted = 0
        self._sources: dict[str, BookSource] = {**dict.fromkeys(twin.symbols, source), **(books or {})}
        self.views: dict[str, View] = {
            each.symbol: MarketView(self._sources[each.symbol], twin, each) for each in twin.traded
        }
        self._bars = {each.symbol: Bars() for each in twin.traded}
        self._waiting: list[tuple[Member, str]] = []
        self._withheld: dict[int, list[tuple[Member, bytes]]] = {}
        self._old: dict[str, Sequence[bytes]] = {}
        self._turn = asyncio.Lock()

    async def greet(self, member: Member) -> None:
        """A socket was opened."""
        self.members.append(member)
        self._greeted += 1
        member.connection = self._greeted
        for frame in self.twin.greeting():
            await member.say(frame)

    async def hear(self, member: Member, text: str) -> None:
        """A client's message."""
        if self.twin.is_pulse(text):
            member.answered = True
            return
        async with self._turn:
            reply = self.twin.reply(text)
            for frame in reply.frames:
                await member.say(frame)
            member.topics -= set(reply.left)
            for kind, symbol in reply.joined:
                member.topics.add((kind, symbol))
                if kind == "candle":
                    continue
                if kind == "book":
                    await self._open_book(member, symbol)
                for frame in self.twin.opening((kind, symbol)):
                    await member.say(frame)
            wanted = {(kind, symbol) for kind in self.twin.kinds for symbol in self.twin.symbols}
            if wanted <= {topic for each in self.members for topic in each.topics}:
                self.subscribed.set()

    async def begin(self, number: int, symbols: Sequence[str] = ()) -> None:
        """The book of one market is known from here on; whoever subscribed to it before gets it now.

        symbols: those of that market, none meaning all.
        """
        async with self._turn:
            for symbol in symbols or self.views:
                self.twin.numbers[symbol] = number
                self._old[symbol] = self.twin.snapshot(symbol, self.views[symbol])
            waiting, self._waiting = self._waiting, []
            for member, symbol in waiting:
                await self._open_book(member, symbol)

    async def take(self, move: Move, symbols: Sequence[str] = ()) -> None:
        """Something happened on the market of these symbols, or of all."""
        moved = [each for each in self.twin.traded if not symbols or each.symbol in symbols]
        if isinstance(move, Change) and not self._sources[moved[0].symbol].known:
            return
        async with self._turn:
            await self._misbehave()
            for traded in moved:
                altered = self._altered(traded.symbol, move)
                for raw in self._render(traded, altered):
                    await self._send((kind_of(move), traded.symbol), raw)
                if isinstance(altered, Deal):
                    await self._say_candles(traded, altered)

    async def end(self) -> None:
        """Cut every socket."""
        for member in list(self.members):
            await member.end(1001)

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _open_book(self, member: Member, symbol: str) -> None:
        if not self._sources[symbol].known:
            self._waiting.append((member, symbol))
            return
        frames = self.twin.snapshot(symbol, self.views[symbol])
        if frames and self.faults.stale_snapshots and symbol in self._old:
            self.faults.stale_snapshots -= 1
            frames = self._old[symbol]
        for frame in frames:
            await member.say(frame)

    def _render(self, traded: Traded, move: Move) -> Sequence[bytes]:
        twin, symbol = self.twin, traded.symbol
        if twin.delisted:
            return ()
        if traded.offset:
            move = shifted(move, traded.offset)
        if isinstance(move, Change):
            bids, asks = (translated(side, twin) for side in (move.bids, move.asks))
            return twin.change(symbol, Change(bids, asks, move.millis), self.views[symbol])
        if isinstance(move, Quote):
            bid, ask = translated((move.bid, move.ask), twin)
            twin.newest[symbol].quote = quote = Quote(bid, ask, move.millis)
            return twin.quote(symbol, quote)
        if isinstance(move, Deal):
            return twin.deal(symbol, move._replace(size=twin.size(move.size, move.price)))
        twin.newest[symbol].figures = move
        return twin.figures(symbol, move)

    async def _say_candles(self, traded: Traded, deal: Deal) -> None:
        """What the trade makes of the candles that somebody follows."""
        twin, symbol = self.twin, traded.symbol
        topics = {topic for member in self.members for topic in member.topics if topic[0] == "candle"}
        wanted = [interval for interval in SPANS if candles_of(symbol, interval) in topics]
        if twin.delisted or not wanted:
            return
        moved = shifted(deal, traded.offset)
        assert isinstance(moved, Deal)
        for bar in self._bars[symbol].take(moved, wanted):
            if bar.closed and not twin.ends_candles:
                continue
            sized = bar._replace(volume=twin.size(bar.volume, bar.prices[3]))
            for raw in twin.candle(symbol, sized):
                await self._send(candles_of(symbol, bar.interval), raw)

    async def _misbehave(self) -> None:
        """The faults that are not of one frame."""
        faults, number = self.faults, self.count
        if faults.due(faults.silencing, number):
            for member in self.members:
                member.silence()
        if faults.due(faults.deadening, number):
            for member in self.members:
                member.play_dead()
        if (code := faults.due_value(faults.closing, number)) is not None:
            for member in list(self.members):
                await member.end(code)
        if (delay := faults.due_value(faults.delayed, number)) is not None:
            await asyncio.sleep(delay)
        if faults.due(faults.restarting, number):
            for traded in self.twin.traded:
                self.twin.numbers[traded.symbol] = 0
            for member in self.members:
                member.numbered = 0
        if faults.due(faults.delisting, number):
            self.twin.delisted = True
        if (skew := faults.due_value(faults.skewed, number)) is not None:
            for view in self.views.values():
                assert isinstance(view, MarketView)
                view.skew = skew

    def _altered(self, symbol: str, move: Move) -> Move:
        """The faults of what is said, not of how."""
        faults, number = self.faults, self.count
        view = self.views[symbol]
        if isinstance(view, MarketView) and view.skew:
            move = move._replace(millis=move.millis + view.skew)
        if isinstance(move, Change):
            self.twin.wrong_checksum = faults.due(faults.miscounted, number)
            if faults.due(faults.crossing, number):
                best = min(self._sources[symbol].asks, key=Decimal)
                move = move._replace(bids=[*move.bids, (best, "1.000")])
        elif (ppm := faults.spike_at(number)) and isinstance(move, Quote | Deal):
            price = Decimal(move.bid[0] if isinstance(move, Quote) else move.price)
            move = shifted(move, (price * ppm / PPM).quantize(Decimal("0.1")))
        elif isinstance(move, Quote | Deal) and faults.refined is not None and number >= faults.refined:
            move = shifted(move, Decimal("0.01"))
        return move

    async def _send(self, topic: Topic, raw: bytes) -> None:
        """One frame, or what the faults make of it."""
        number, self.count = self.count, self.count + 1
        sent = [(member, member.number(raw)) for member in self.members if topic in member.topics]
        after = self.faults.swapped.get(number)
        if after is not None and after > number:
            self._withheld[after] = sent
            return
        for member, frame in sent:
            for each in self.faults.frames(number, frame):
                await member.send(each)
        for member, frame in self._withheld.pop(number, ()):
            await member.send(frame)
