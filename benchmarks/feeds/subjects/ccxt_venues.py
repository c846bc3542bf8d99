"""ccxt.pro on many venues at once, by its own sockets: `python -m benchmarks.feeds.subjects.ccxt_venues FILE`.

FILE is JSON, by venue: {"exchange", "url", "frames", "market"}: who reads it, where it is, what subscribes, and the
market as the library has it. Prints what it took when no more comes. Each of its futures is awaited again and again, as
its `watch` calls do, and books are cut to their length; what it says goes nowhere. It is spared work: best quotes of
Hyperliquid, Lighter and Paradex, which it ignores, and KuCoin's first snapshot. It takes KuCoin's changes for old ones
when their numbers are larger than their times, as the recording's are, and so its book is given number 0 before each.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import ccxt.pro
import uvloop

QUIET_SECONDS: Final = 2.0


class Followers:
    """A task for each of a client's futures, as its callers are."""

    def __init__(self, client: Any) -> None:
        self._client, self._resolve = client, client.resolve
        self._tasks: dict[str, asyncio.Task[None]] = {}
        client.resolve = self._resolved

    def _resolved(self, result: Any, name: str) -> Any:
        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(self._follow(name))
        return self._resolve(result, name)

    async def _follow(self, name: str) -> None:
        while True:
            found = await self._client.future(name)
            if "orderbook" in name:
                found.limit()

    def end(self) -> None:
        """Follow no more."""
        for task in self._tasks.values():
            task.cancel()


class Frames:
    """How many came, and the errors of those that could not be handled."""

    def __init__(self) -> None:
        self.count = 0
        self.errors: list[str] = []

    def counted(self, exchange: Any) -> None:
        """Count what the exchange handles."""
        handle = exchange.handle_message
        renumbered = list(exchange.orderbooks.values())

        def count(client: Any, message: Any) -> None:
            self.count += 1
            for book in renumbered:
                book["nonce"] = 0
            try:
                handle(client, message)
            except Exception as error:
                self.errors.append(f"{exchange.id}: {error!r}"[:120])

        exchange.handle_message = count


def best(book: Any) -> list[float]:
    """Bid and ask, as far as there are."""
    return [side[0][0] for side in (book["bids"], book["asks"]) if side]


async def main() -> None:
    """Follow every venue until none sends any more."""
    frames, exchanges = Frames(), []
    for told in json.loads(Path(sys.argv[1]).read_text()).values():
        # Uncompressed, as the other side reads them.
        exchange = getattr(ccxt.pro, told["exchange"])({"newUpdates": True, "options": {"ws": {"compress": 0}}})
        exchange.set_markets([told["market"]])
        if told["exchange"] == "kucoin":
            exchange.orderbooks[told["market"]["symbol"]] = exchange.order_book()
        frames.counted(exchange)
        exchanges.append((exchange, told))
    clients = []
    for exchange, told in exchanges:
        exchange.open()
        client = exchange.client(told["url"])
        await client.connect(exchange.session)
        clients.append((client, told["frames"], Followers(client)))
    started, before = time.process_time(), -1
    for client, asked, _ in clients:
        for text in asked:
            await client.send(text)
    while frames.count != before or not before:
        before = frames.count
        await asyncio.sleep(QUIET_SECONDS)
    seconds = time.process_time() - started
    books = {told["exchange"]: [best(book) for book in exchange.orderbooks.values()] for exchange, told in exchanges}
    print(json.dumps({"frames": frames.count, "seconds": seconds, "errors": frames.errors[:5], "books": books}))
    for _, _, followers in clients:
        followers.end()
    for exchange, _ in exchanges:
        await exchange.close()


if __name__ == "__main__":
    uvloop.run(main())
