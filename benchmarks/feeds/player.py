"""Seven venues as fast as they are read, or at a rate: `python -m benchmarks.feeds.player` prints its address.

What the simulator's venues say is made before anybody connects, so that playing it costs next to nothing: a reader is
measured that always has more to read, or one whose market neither stops nor hurries because a simulator is at work.
Clients are told the same whatever they send. `GET /clients` counts the sockets, `GET /play?rate=20000&pace=even`
begins; rate 0 is as fast as all read. Pace `market` keeps a rate on average: the market has its own bursts and pauses.
"""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from aiohttp import WSMsgType, web
from cleartide.service.memory import keep_state

from benchmarks.feeds.turn import first_on
from benchmarks.feeds.venues import LINES, SYMBOLS, asked_by, core_of
from deploy.local.venues import RECORDING
from services.ingestor.adapters.protocol import FetchSnapshot
from services.ingestor.simulator.recording import Recording
from services.ingestor.simulator.replay import Pace, Replay
from services.ingestor.simulator.stage import Member, Stage
from services.ingestor.simulator.twin import Ask, twins
from services.ingestor.tests.venues.stand import asked

MARKET_STEP_NS: Final = 20_000_000
"""How far the venues are apart at most when they play as fast as they are read."""
TICK_SECONDS: Final = 0.001
OPENING_NS: Final = 100_000_000
OPENING_SECONDS: Final = 0.5
"""A tenth of a second of the books is played ahead of the rest: in the pause after it snapshots are asked for."""
BUFFERED_BYTES: Final = 1 << 18
PLAYER_CORE: Final = 0


class Scribe(Member):
    """A client without a socket: writes down what it is told, with the market's time and its turn among all frames."""

    def __init__(self, replay: Replay, turns: Iterator[int]) -> None:
        self.topics, self.answered = set(), True
        self._replay, self._turns = replay, turns
        self.wire = bytearray()
        self.ends: list[int] = []
        self.due_ns: list[int] = []
        self.turns: list[int] = []

    async def send(self, raw: bytes) -> None:
        """One frame, as it goes over the wire."""
        size = len(raw)
        if size < 126:
            head = bytes([0x81, size])
        else:
            head = b"\x81\x7e" + size.to_bytes(2) if size < 1 << 16 else b"\x81\x7f" + size.to_bytes(8)
        self.wire += head + raw
        self.ends.append(len(self.wire))
        position = max(0, self._replay.position)
        self.turns.append(next(self._turns))
        self.due_ns.append(self._replay.recording.lines[position].after_ns)


@dataclass
class Tape:
    """One venue: what it says, and what it answers."""

    stage: Stage
    scribe: Scribe
    answers: dict[str, bytes] = field(default_factory=dict)
    transport: asyncio.WriteTransport | None = None
    sent: int = 0

    def write_until(self, limit: int, *, even: bool = False) -> int:
        """Send what is due by the market's time in ns, or with `even` by turn; how many frames."""
        ends, first = self.scribe.ends, self.sent
        last = bisect_right(self.scribe.turns if even else self.scribe.due_ns, limit, first)
        if last > first and self.transport is not None:
            begin = ends[first - 1] if first else 0
            self.transport.write(bytes(self.scribe.wire[begin : ends[last - 1]]))
        self.sent = last
        return last - first

    async def drained(self) -> None:
        """Wait until the client has read most of it."""
        while self.transport is not None and self.transport.get_write_buffer_size() > BUFFERED_BYTES:  # noqa: ASYNC110
            await asyncio.sleep(TICK_SECONDS / 2)


@dataclass
class _Snapshots:
    """Listens behind the stages: the books as they are when they begin."""

    tapes: dict[str, Tape]
    replay: Replay
    begun_ns: int = 0

    async def begin(self, number: int) -> None:  # noqa: ARG002 - the replay's signature
        """Ask for every book that comes by request."""
        self.begun_ns = self.replay.recording.lines[self.replay.position].after_ns
        for name, tape in self.tapes.items():
            for wish in core_of(name, tape.stage).resync(SYMBOLS[name], 0, ""):
                if isinstance(wish, FetchSnapshot):
                    answer = tape.stage.twin.http(asked(wish.request), tape.stage.views)
                    tape.answers[wish.request.path] = answer or b""

    async def take(self, move: Any) -> None:
        """The books move on."""


async def recorded() -> tuple[dict[str, Tape], int]:
    """Every venue's tape, and the market's time when the books began."""
    replay = Replay(Recording(RECORDING, LINES), Pace(0.0))
    tapes: dict[str, Tape] = {}
    turns = count()
    for name in SYMBOLS:
        stage = Stage(twins()[name](), replay.market)
        replay.listeners.append(stage)
        tapes[name] = Tape(stage, Scribe(replay, turns))
    snapshots = _Snapshots(tapes, replay)
    replay.listeners.append(snapshots)
    for name, tape in tapes.items():
        await tape.stage.greet(tape.scribe)
        for text in asked_by(core_of(name, tape.stage), name):
            await tape.stage.hear(tape.scribe, text)
    await replay.run()
    return tapes, snapshots.begun_ns


class Player:
    """Serves the tapes."""

    def __init__(self, tapes: dict[str, Tape], begun_ns: int) -> None:
        self._tapes = tapes
        self._begin = begun_ns + OPENING_NS
        self._end = max(tape.scribe.due_ns[-1] for tape in tapes.values())
        self._frames = sum(len(tape.scribe.ends) for tape in tapes.values())

    async def start(self) -> int:
        """Listen; the port."""
        root = web.Application()
        root.router.add_get("/clients", self._clients)
        root.router.add_get("/play", self._play)
        root.router.add_route("*", "/{venue}{path:(/.*)?}", self._serve)
        runner = web.AppRunner(root, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return int(runner.addresses[0][1])

    async def _clients(self, _request: web.Request) -> web.Response:
        return web.json_response(sum(tape.transport is not None for tape in self._tapes.values()))

    async def _play(self, request: web.Request) -> web.Response:
        rate = int(request.query["rate"])
        for tape in self._tapes.values():
            tape.sent = 0
            tape.write_until(self._begin)
        await asyncio.sleep(OPENING_SECONDS)
        if not rate:
            await self._full_speed()
            return web.json_response({"frames": self._frames})
        with first_on(PLAYER_CORE):
            return web.json_response(
                {"frames": self._frames, "sent": await self._paced(rate, request.query["pace"] == "even")}
            )

    async def _full_speed(self) -> None:
        market_ns = self._begin
        while market_ns < self._end:
            market_ns += MARKET_STEP_NS
            for tape in self._tapes.values():
                tape.write_until(market_ns)
            for tape in self._tapes.values():
                await tape.drained()

    async def _paced(self, rate: int, even: bool) -> dict[str, list[tuple[int, int]]]:
        """When each venue's frames were sent: [microseconds UTC, how many by then]."""
        sent = sum(tape.sent for tape in self._tapes.values())
        begin, end = (sent, self._frames) if even else (self._begin, self._end)
        speed = (end - begin) / ((self._frames - sent) / rate)
        log: dict[str, list[tuple[int, int]]] = {name: [] for name in self._tapes}
        started, limit = time.monotonic(), begin
        while limit < end:
            limit = min(end, begin + int((time.monotonic() - started) * speed))
            for name, tape in self._tapes.items():
                at = time.time_ns() // 1_000
                if tape.write_until(limit, even=even):
                    log[name].append((at, tape.sent))
            await asyncio.sleep(TICK_SECONDS)
        return log

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        tape = self._tapes[request.match_info["venue"]]
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request, tape)
        path = request.match_info["path"]
        ask = Ask(request.method, path, dict(request.query), await request.read(), request.host)
        answer = tape.answers.get(path) or tape.stage.twin.http(ask, tape.stage.views)
        return web.Response(body=answer, content_type="application/json", status=200 if answer is not None else 404)

    async def _socket(self, request: web.Request, tape: Tape) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert isinstance(request.transport, asyncio.WriteTransport)
        tape.transport = request.transport
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
        finally:
            tape.transport = None
        return socket


async def main() -> None:
    """Record, then serve until killed."""
    port = await Player(*await recorded()).start()
    # A collection over all of the tapes takes 90 ms, in which nothing would be sent, and then too much at once.
    keep_state()
    print(f"127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
