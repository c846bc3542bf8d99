"""The latest price of every market, from the live tail of trading events, and who wants to hear of it.

A tail may miss a message; the next one of the market makes it good, because a price frame holds the whole latest state.
Updates of one market leave at most every PACE_SECONDS, and a client that is behind gets only the newest. What was last
known is kept in Redis, so that a gateway that starts has something to say before the first event.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Final

import msgspec
import structlog
from cleartide.answers.shapes import LastTrade, Price

from services.gateway.edge.markets import MarketDirectory
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.redis_guard import RedisGuard, RedisUnavailable
from services.gateway.live.mailbox import Mailbox
from services.gateway.live.tail import TailEvent

log = structlog.get_logger()

REDIS_KEY: Final = "cleartide:prices"
PACE_SECONDS: Final = 0.05
KEEP_SECONDS: Final = 1.0


_price = msgspec.json.Decoder(Price)


class PriceSubscription:
    """One client's interest in one market."""

    def __init__(self, mailbox: Mailbox, market: str) -> None:
        self.mailbox, self.market = mailbox, market

    def deliver(self, frame: bytes) -> None:
        """Pass the newest state on; one that still waits in the mailbox is replaced."""
        self.mailbox.offer(frame, key=f"prices:{self.market}")


def price_frame(op: str, market: str, price: Price | None) -> bytes:
    """A frame of the prices channel."""
    seq = price["seq"] if price else 0
    return msgspec.json.encode({"op": op, "channel": "prices", "market": market, "seq": seq, "data": price})


class PriceHub:
    """Folds the tail into the latest state per market and broadcasts what changed."""

    def __init__(self, directory: MarketDirectory, guard: RedisGuard, metrics: EdgeMetrics) -> None:
        self._directory, self._guard, self._metrics = directory, guard, metrics
        self._live: defaultdict[str, set[PriceSubscription]] = defaultdict(set)
        self._dirty: set[str] = set()
        self._changed = asyncio.Event()
        self._unkept, self._kept_at = False, 0.0
        self.latest: dict[str, Price] = {}
        self.seq = 0

    async def run(self) -> None:
        """Broadcast until cancelled."""
        while True:
            try:
                async with asyncio.timeout(KEEP_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                pass
            else:
                self._changed.clear()
                self._broadcast()
                await asyncio.sleep(PACE_SECONDS)
            await self._keep()

    def join(self, subscription: PriceSubscription) -> None:
        """The latest state as a snapshot, then every change."""
        market = subscription.market
        subscription.mailbox.offer(price_frame("snapshot", market, self.latest.get(market)))
        self._live[market].add(subscription)

    def leave(self, subscription: PriceSubscription) -> None:
        """Deliver nothing more."""
        waiting = self._live[subscription.market]
        waiting.discard(subscription)
        if not waiting:
            del self._live[subscription.market]

    def hear(self, events: Sequence[TailEvent], _data: bytes) -> None:
        """What the tail says."""
        for event in events:
            if event.seq > self.seq:
                if self.seq and event.seq != self.seq + 1:
                    self._metrics.tail_gaps.inc()
                self.seq = event.seq
                self._fold(event)

    def _fold(self, event: TailEvent) -> None:
        if event.type == "MarketListed" and event.spec is not None:
            self._directory.learn(event.spec)
        elif event.market and event.type == "MarkPriceUpdated":
            self._on_mark(event, event.market)
        elif event.market and event.type == "TradeExecuted":
            self._on_trade(event, event.market)

    def _on_mark(self, event: TailEvent, market: str) -> None:
        grid = self._directory.known(market)
        if grid is None:
            return

        def text(ticks: int | None) -> str | None:
            return None if ticks is None else grid.price_text(ticks)

        before = self.latest.get(market)
        self._set(
            Price(
                market=market,
                seq=event.seq,
                at=event.occurred_at,
                mark=grid.price_text(event.mark_ticks),
                index=grid.price_text(event.index_ticks),
                index_stale=event.index_stale,
                bid=text(event.best_bid_ticks),
                ask=text(event.best_ask_ticks),
                last=text(event.last_ticks),
                open_interest=grid.size_text(event.open_interest_lots),
                last_trade=before["last_trade"] if before else None,
            )
        )

    def _on_trade(self, event: TailEvent, market: str) -> None:
        grid, before = self._directory.known(market), self.latest.get(market)
        if grid is None or before is None or event.price_ticks is None:
            return
        price = grid.price_text(event.price_ticks)
        trade = LastTrade(
            price=price, size=grid.size_text(event.size_lots), side=event.taker_side, at=event.occurred_at
        )
        self._set(Price(**{**before, "seq": event.seq, "at": event.occurred_at, "last": price, "last_trade": trade}))

    def _set(self, price: Price) -> None:
        self.latest[price["market"]] = price
        self._dirty.add(price["market"])
        self._unkept = True
        self._changed.set()

    def _broadcast(self) -> None:
        dirty, self._dirty = self._dirty, set()
        for market in dirty:
            frame = price_frame("update", market, self.latest[market])
            for subscription in self._live.get(market, ()):
                subscription.deliver(frame)

    async def _keep(self) -> None:
        """Leave the latest state in Redis, at most once a second; without Redis nothing is kept."""
        if not self._unkept or monotonic() - self._kept_at < KEEP_SECONDS:
            return
        self._unkept, self._kept_at = False, monotonic()
        kept = [term for market, price in self.latest.items() for term in (market, msgspec.json.encode(price))]
        with suppress(RedisUnavailable):
            await self._guard.ask("HSET", REDIS_KEY, *kept)

    async def recall(self) -> None:
        """Know what is left in Redis; before anybody is served, or the first would be told nothing."""
        try:
            names: list[bytes] = await self._guard.ask("HKEYS", REDIS_KEY)
            bodies: list[bytes] = await self._guard.ask("HMGET", REDIS_KEY, *names) if names else []
        except RedisUnavailable:
            return
        for name, body in zip(names, bodies, strict=True):
            try:
                self.latest.setdefault(name.decode(), _price.decode(body))
            except (msgspec.DecodeError, msgspec.ValidationError):
                log.warning("kept_price_unreadable", market=name.decode())
