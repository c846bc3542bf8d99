"""All simulated venues on one port, each under its name: driven by one replay, or each playing a capture of its own."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

from aiohttp import web

from services.ingestor.simulator.capture import CapturedStage
from services.ingestor.simulator.control import Control
from services.ingestor.simulator.faults import Faults
from services.ingestor.simulator.replay import Replay
from services.ingestor.simulator.server import LIFETIME_SECONDS, VenueServer
from services.ingestor.simulator.stage import Stage
from services.ingestor.simulator.stage_server import StageServer
from services.ingestor.simulator.twin import Traded, twins

RECORDED: Final = "binance-usdm"
"""The venue that a replay plays byte for byte; every other one is derived from it, unless it plays a capture."""


class Server(Protocol):
    """Something that is mounted on the host."""

    def mount(self, root: web.Application) -> None:
        """Add its endpoints."""
        ...

    async def end(self) -> None:
        """Cut its sockets."""
        ...


class Host:
    """The venues of one replay. `traded`: the symbols of each venue, none meaning its own; `faults`: by venue.

    captured: venues that play captured frames. token: whoever brings it may let prices fall (`control`). Raises
    ValueError for a venue that there is not, or is there twice.
    """

    def __init__(
        self,
        replay: Replay | None,
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
        self._replay = replay
        self._captured = captured
        self._servers: list[Server] = []
        self.stages: dict[str, Stage] = {}
        for name, symbols in traded.items():
            assert replay is not None, "what is not captured needs a recording"
            patient = not replay.pace.speed
            if name == RECORDED:
                self._servers.append(VenueServer(replay, lifetime))
                continue
            stage = Stage(twins()[name](symbols), replay.market, (faults or {}).get(name))
            replay.listeners.append(stage)
            self.stages[name] = stage
            self._servers.append(StageServer(stage, patient, lifetime, pulse_seconds))
        for each in captured:
            self.stages[each.twin.name] = each
            self._servers.append(StageServer(each, not each.speed, lifetime, pulse_seconds))
        if token and replay is not None:
            venues = {name: stage.twin.symbols for name, stage in self.stages.items()}
            self._servers.append(Control(replay, {RECORDED: [replay.market.symbol], **venues}, token))
        self._runner: web.AppRunner | None = None

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
        events += [self._replay.subscribed] if self._replay is not None else []
        waits = [asyncio.ensure_future(event.wait()) for event in events]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
                with suppress(asyncio.CancelledError):
                    await wait

    async def play(self, *, wait: bool) -> None:
        """The replay, and every capture, to their ends; with `wait` once somebody has subscribed."""
        async with asyncio.TaskGroup() as group:
            if self._replay is not None:
                group.create_task(self._replay.run(self.subscribed if wait else None))
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
