"""The venue's endpoints on loopback: combined and raw sockets on both routes, and the REST endpoints a client needs.

As at the venue since April 2026: `/public` serves depth, bookTicker and trade, `/market` serves markPrice; without a
route everything can be subscribed to, and only what is public is served. Each symbol has a recording, which prices,
sizes and ids come from.
"""

import asyncio
import time
from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Final

from aiohttp import WSMsgType, web

from services.ingestor.domain.ranges import SPANS
from services.ingestor.simulator.bars import Bars
from services.ingestor.simulator.client import Client
from services.ingestor.simulator.market import Market, next_funding
from services.ingestor.simulator.moves import Deal, Move
from services.ingestor.simulator.recording import GRIDS
from services.ingestor.simulator.replay import Replay
from services.ingestor.simulator.venues.binance import kline, kline_stream, told

PING_SECONDS: Final = 180.0
LIFETIME_SECONDS: Final = 24 * 3600.0
PREFIX: Final = "/binance-usdm"
WEIGHT_LIMIT: Final = 2_400
OPEN_INTEREST: Final = "80123.456"
DEPTH_WEIGHTS: Final = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}


class Weights:
    """The request weight used in the running minute."""

    def __init__(self) -> None:
        self._minute, self._used = 0, 0

    def spend(self, weight: int) -> tuple[int, bool]:
        """Weight used so far in this minute, and whether that is within the limit."""
        minute = int(time.time() // 60)
        if minute != self._minute:
            self._minute, self._used = minute, 0
        self._used += weight
        return self._used, self._used <= WEIGHT_LIMIT


class Klines:
    """Listens to the replay, and tells the candles that its trades make to whoever follows them: none was captured."""

    def __init__(self, replay: Replay) -> None:
        self._replay, self._bars = replay, Bars()

    async def begin(self, number: int) -> None:
        """The book is of no matter."""

    async def take(self, move: Move) -> None:
        """One more trade."""
        symbol, clients = self._replay.market.symbol, self._replay.subscribers
        if not isinstance(move, Deal) or not clients:
            return
        streams = {span: kline_stream(symbol, span) for span in SPANS}
        wanted = [span for span, stream in streams.items() if any(each.wants(stream) for each in clients)]
        for bar in self._bars.take(move, wanted):
            for each in list(clients):
                if each.wants(streams[bar.interval]):
                    await each.send(kline(symbol, bar))


class VenueServer:
    """Serves replays, one a symbol. `lifetime`: seconds after which a socket is cut, as the venue does after a day."""

    def __init__(self, replays: Sequence[Replay], lifetime: float = LIFETIME_SECONDS) -> None:
        self._replays = {replay.market.symbol: replay for replay in replays}
        self._first = replays[0]
        for replay in replays:
            replay.listeners.append(Klines(replay))
        self._lifetime = lifetime
        self._weights = Weights()

    def app(self) -> web.Application:
        """The application with every endpoint, under the venue's name."""
        app = web.Application()
        for prefix in ("", "/public", "/market"):
            app.router.add_get(f"{prefix}/stream", self._socket)
            app.router.add_get(f"{prefix}/ws", self._socket)
            app.router.add_get(f"{prefix}/ws/{{streams:.+}}", self._socket)
        app.router.add_get("/fapi/v1/ping", self._ping)
        app.router.add_get("/fapi/v1/time", self._time)
        app.router.add_get("/fapi/v1/exchangeInfo", self._exchange_info)
        app.router.add_get("/fapi/v1/fundingInfo", self._funding_info)
        app.router.add_get("/fapi/v1/premiumIndex", self._premium_index)
        app.router.add_get("/fapi/v1/openInterest", self._open_interest)
        app.router.add_get("/fapi/v1/depth", self._depth)
        for name in ("klines", "fundingRate", "aggTrades"):
            app.router.add_get(f"/fapi/v1/{name}", self._past)
        return app

    def mount(self, root: web.Application) -> None:
        """Add the venue to a server."""
        root.add_subapp(PREFIX, self.app())

    async def end(self) -> None:
        """Cut every socket."""
        for subscriber in list(self._first.subscribers):
            await subscriber.end(1001)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS, timeout=1.0)
        await socket.prepare(request)
        first, _, rest = request.path.removeprefix(PREFIX).lstrip("/").partition("/")
        route = first if first in ("public", "market") else ""
        combined = (rest if route else first).startswith("stream")
        client = Client(socket, route, combined=combined, patient=not self._first.pace.speed)
        named = request.query.get("streams", "") or request.match_info.get("streams", "")
        client.streams = [name for name in named.split("/") if name]
        for replay in self._replays.values():
            replay.subscribers.append(client)
        self._announce(client)
        writer = asyncio.create_task(client.write())
        cut = asyncio.get_running_loop().call_later(self._lifetime, lambda: asyncio.ensure_future(client.end(1001)))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await client.answer(message.data)
                    self._announce(client)
        finally:
            cut.cancel()
            writer.cancel()
            client.forget()
            for replay in self._replays.values():
                replay.subscribers.remove(client)
        return socket

    def _announce(self, client: Client) -> None:
        for symbol, replay in self._replays.items():
            if any(stream.startswith(f"{symbol.lower()}@depth") for stream in client.streams):
                replay.subscribed.set()

    async def _ping(self, _request: web.Request) -> web.Response:
        return self._answered(1, {})

    async def _time(self, _request: web.Request) -> web.Response:
        return self._answered(1, {"serverTime": self._first.market.now_millis})

    async def _exchange_info(self, _request: web.Request) -> web.Response:
        listed = [_listed(symbol) for symbol in self._replays]
        return self._answered(1, {"timezone": "UTC", "serverTime": self._first.market.now_millis, "symbols": listed})

    async def _funding_info(self, _request: web.Request) -> web.Response:
        return self._answered(0, [])

    async def _premium_index(self, request: web.Request) -> web.Response:
        asked = request.query.get("symbol")
        if asked is not None and asked not in self._replays:
            return _refused(400, -1121, "Invalid symbol.")
        wanted = [replay.market for symbol, replay in self._replays.items() if asked in (None, symbol)]
        answers = [premium for market in wanted if (premium := _premium(market)) is not None]
        if not answers:
            return _refused(503, -1001, "No quote has been replayed yet.")
        return self._answered(1, answers[0] if asked or len(self._replays) == 1 else answers)

    async def _open_interest(self, request: web.Request) -> web.Response:
        """Not captured: always the same, in whole lots."""
        replay = self._replays.get(request.query.get("symbol", ""))
        if replay is None:
            return _refused(400, -1121, "Invalid symbol.")
        symbol, now = replay.market.symbol, replay.market.now_millis
        held = Decimal(OPEN_INTEREST).quantize(Decimal(GRIDS[symbol][1]), ROUND_DOWN)
        return self._answered(1, {"symbol": symbol, "openInterest": str(held), "time": now})

    async def _past(self, request: web.Request) -> web.Response:
        """What the venue tells of the past (`past`), which goes on until the replay's position."""
        replay = self._asked(request)
        if isinstance(replay, web.Response):
            return replay
        path = request.path.removeprefix(PREFIX)
        return self._limited(5, told("/fapi/v1", path, request.query, replay.market.now_millis))

    async def _depth(self, request: web.Request) -> web.Response:
        replay = self._asked(request)
        if isinstance(replay, web.Response):
            return replay
        limit = request.query.get("limit", "500")
        weight = DEPTH_WEIGHTS.get(int(limit)) if limit.isdigit() else None
        if weight is None:
            return _refused(400, -4021, f"{limit} is not valid depth limit.")
        return self._limited(weight, await _depth_body(replay, int(limit)))

    def _asked(self, request: web.Request) -> Replay | web.Response:
        """The replay that a request is about, or its refusal."""
        faults = self._first.faults
        if faults.refusals:
            status, seconds = faults.refusals.pop(0)
            return _refused(status, -1003, "Too many requests.", {"Retry-After": str(seconds)})
        return self._replays.get(request.query.get("symbol", "")) or _refused(400, -1121, "Invalid symbol.")

    def _answered(self, weight: int, body: object) -> web.Response:
        return self._limited(weight, web.json_response(body).body)

    def _limited(self, weight: int, body: object) -> web.Response:
        used, allowed = self._weights.spend(weight)
        headers = {"X-MBX-USED-WEIGHT-1M": str(used)}
        if not allowed:
            wait = {"Retry-After": str(60 - int(time.time()) % 60)}
            return _refused(429, -1003, "Too many requests.", {**headers, **wait})
        return web.Response(body=body, content_type="application/json", headers=headers)


def _refused(status: int, code: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"code": code, "msg": text}, status=status, headers=headers)


async def _depth_body(replay: Replay, limit: int) -> bytes:
    """Before the recorded snapshot the book is not known: such a request waits and gets the recorded one."""
    if not replay.snapshot_passed.is_set():
        await replay.snapshot_passed.wait()
        return replay.market.shift.apply(replay.recording.snapshot_raw)
    if replay.faults.stale_snapshots:
        replay.faults.stale_snapshots -= 1
        return replay.market.shift.apply(replay.recording.snapshot_raw)
    return replay.market.depth(limit)


def _listed(symbol: str) -> dict[str, object]:
    tick_size, step_size = GRIDS[symbol]
    return {
        "symbol": symbol,
        "status": "TRADING",
        "contractType": "PERPETUAL",
        "baseAsset": symbol.removesuffix("USDT"),
        "quoteAsset": "USDT",
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": tick_size},
            {"filterType": "LOT_SIZE", "stepSize": step_size},
        ],
    }


def _premium(market: Market) -> dict[str, object] | None:
    if (mark := market.mark()) is None:
        return None
    return {
        "symbol": market.symbol,
        "markPrice": mark["mark"],
        "indexPrice": mark["index"],
        "estimatedSettlePrice": mark["mark"],
        "lastFundingRate": mark["rate"],
        "nextFundingTime": next_funding(market.now_millis),
        "time": market.now_millis,
    }
