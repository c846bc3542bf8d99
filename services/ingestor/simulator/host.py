"""All simulated venues on one port, each under its name: driven by replays, or each playing a capture of its own."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, Protocol

from aiohttp import web

from services.ingestor.simulator.capture import CapturedStage
from services.ingestor.simulator.control import Control
from services.ingestor.simulator.faults import Faults
from services.ingestor.simulator.moves import Move
from services.ingestor.simulator.recording import GRIDS
from services.ingestor.simulator.replay import Replay
from services.ingestor.simulator.server import LIFETIME_SECONDS, VenueServer
from services.ingestor.simulator.stage import Stage
from services.ingestor.simulator.stage_server import StageServer
from services.ingestor.simulator.twin import Traded, twins

RECORDED: Final = "binance-usdm"
"""The venue that replays play byte for byte; every other one is derived from them, unless it plays a capture."""


class Server(Protocol):
    """Something that is mounted on the host."""

    def mount(self, root: web.Application) -> None:
        """Add its endpoints."""
        ...

    async def end(self) -> None:
        """Cut its sockets."""
        ...


class Part:
    """The symbols of a stage that one market moves."""

    def __init__(self, stage: Stage, symbols: Sequence[str]) -> None:
        self._stage, self._symbols = stage, symbols

    async def begin(self, number: int) -> None:
        """Their book is known."""
        await self._stage.begin(number, self._symbols)

    async def take(self, move: Move) -> None:
        """Something happened on their market."""
        await self._stage.take(move, self._symbols)


class Host:
    """The venues of some replays. `traded`: the symbols of each venue, none meaning its own; `faults`: by venue.

    replays: one for each recorded symbol. captured: venues that play captured frames. token: whoever brings it may let
    prices fall (`control`). Raises ValueError for a venue or a recording that there is not, or is there twice.
    """

    def __init__(
        self,
        replays: Sequence[Replay],
        traded: Mapping[str, Sequence[Traded]],
        faults: Mapping[str, Faults] | None = None,
        *,
        captured: Sequence[CapturedStage] = (),
        lifetime: float = LIFETIME_SECONDS,
        pulse_seconds: float | None = None,
        token: str = "",
    ) -> None:
        unknown = sorted(set(traded) - set(every_venue()))
        if unknown:
            raise ValueError(f"no venue {', '.join(unknown)}; there are {', '.join(every_venue())}")
        twice = sorted(each.twin.name for each in captured if each.twin.name in traded)
        if twice:
            raise ValueError(f"{', '.join(twice)}: either of the recording or of a capture")
        self._replays = {replay.market.symbol: replay for replay in replays}
        if len(self._replays) < len(replays):
            raise ValueError("two recordings are of one symbol")
        self._told: dict[str, dict[str, Sequence[str]]] = {symbol: {} for symbol in self._replays}
        self._captured = captured
        self._servers: list[Server] = []
        self.stages: dict[str, Stage] = {}
        for name, symbols in traded.items():
            assert replays, "what is not captured needs a recording"
            if name == RECORDED:
                self._servers.append(VenueServer(replays, lifetime))
                for symbol, venues in self._told.items():
                    venues[name] = [symbol]
                continue
            self.stages[name] = stage = self._staged(name, symbols, (faults or {}).get(name))
            self._servers.append(StageServer(stage, not replays[0].pace.speed, lifetime, pulse_seconds))
        for each in captured:
            self.stages[each.twin.name] = each
            self._servers.append(StageServer(each, not each.speed, lifetime, pulse_seconds))
        if token and replays:
            self._servers.append(Control(replays, self._told, token))
        self._runner: web.AppRunner | None = None

    def _staged(self, name: str, symbols: Sequence[Traded], faults: Faults | None) -> Stage:
        """A venue that is derived, each of its symbols from its replay."""
        first = next(iter(self._replays.values()))
        told = {each.symbol: self._followed(each) for each in symbols} or {twins()[name].symbol: first}
        listed = [each if told[each.symbol] is first else _gridded(each, told[each.symbol]) for each in symbols]
        books = {symbol: replay.market for symbol, replay in told.items()}
        stage = Stage(twins()[name](listed), first.market, faults, books)
        for replay in self._replays.values():
            if moved := [symbol for symbol, followed in told.items() if followed is replay]:
                replay.listeners.append(Part(stage, moved))
                self._told[replay.market.symbol][name] = moved
        return stage

    def _followed(self, traded: Traded) -> Replay:
        if traded.recorded and traded.recorded not in self._replays:
            raise ValueError(f"{traded.symbol}: no recording is of {traded.recorded}")
        own = self._replays.get(traded.recorded or traded.symbol)
        return own or next(iter(self._replays.values()))

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> int:
        """Listen, on loopback unless told otherwise; returns the port."""
        root = web.Application()
        for server in self._servers:
            server.mount(root)
        self._runner = web.AppRunner(root, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        return int(self._runner.addresses[0][1])

    async def subscribed(self) -> None:
        """Until some client of any venue has subscribed to all that it has."""
        events = [stage.subscribed for stage in self.stages.values()]
        events += [replay.subscribed for replay in self._replays.values()]
        waits = [asyncio.ensure_future(event.wait()) for event in events]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
                with suppress(asyncio.CancelledError):
                    await wait

    async def play(self, *, wait: bool) -> None:
        """The replays, and every capture, to their ends; with `wait` once somebody has subscribed."""
        async with asyncio.TaskGroup() as group:
            for replay in self._replays.values():
                group.create_task(replay.run(self.subscribed if wait else None))
            for each in self._captured:
                group.create_task(each.play(wait=wait))

    async def stop(self) -> None:
        """Cut every socket and stop listening."""
        for server in self._servers:
            await server.end()
        if self._runner is not None:
            await self._runner.cleanup()


def every_venue() -> list[str]:
    """Every venue that can be simulated."""
    return sorted({RECORDED, *twins()})


def _gridded(traded: Traded, replay: Replay) -> Traded:
    """With the grid of its recording, unless it was given one: the twin's is that of its own symbol."""
    tick, lot = GRIDS[replay.market.symbol]
    return replace(traded, tick=traded.tick or tick, lot=traded.lot or lot)
