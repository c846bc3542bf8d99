"""A stage's endpoints on loopback: any path under the venue's name is its socket or its HTTP."""

import asyncio
from typing import Final

import msgspec
from aiohttp import WSMsgType, web

from services.ingestor.simulator.stage import Member, Stage
from services.ingestor.simulator.twin import Ask, Heartbeat

PING_SECONDS: Final = 180.0
UNANSWERED_CODE: Final = 1008


class StageServer:
    """Serves one stage under /<venue>. `patient`: wait for slow clients. `pulse_seconds`: how often hearts beat."""

    def __init__(self, stage: Stage, patient: bool, lifetime: float, pulse_seconds: float | None = None) -> None:
        self._stage = stage
        self._patient = patient
        self._lifetime = lifetime
        beat = stage.twin.heartbeat
        self._heartbeat = beat._replace(seconds=pulse_seconds) if beat is not None and pulse_seconds else beat

    def mount(self, root: web.Application) -> None:
        """Add the venue to a server."""
        root.router.add_route("*", f"/{self._stage.twin.name}{{path:(/.*)?}}", self._serve)

    async def end(self) -> None:
        """Cut every socket."""
        await self._stage.end()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request)
        faults = self._stage.faults
        if faults.refusals:
            status, seconds = faults.refusals.pop(0)
            return web.json_response(
                {"msg": "Too many requests."}, status=status, headers={"Retry-After": str(seconds)}
            )
        path, body = request.match_info["path"], await request.read()
        ask = Ask(request.method, path, dict(request.query), body, request.host)
        views = {symbol: self._stage.views[symbol] for symbol in self._stage.twin.symbols}
        answer = self._stage.twin.http(ask, views)
        if answer is None:
            return web.json_response({"msg": f"nothing at {path}"}, status=404)
        return web.Response(body=answer, content_type="application/json")

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS, timeout=1.0)
        await socket.prepare(request)
        member = Member(socket, request.transport, self._patient)
        await self._stage.greet(member)
        tasks = [asyncio.create_task(member.write()), asyncio.create_task(self._cut(member))]
        if self._heartbeat is not None:
            tasks.append(asyncio.create_task(self._beat(member, self._heartbeat)))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._hear(member, message.data)
        finally:
            for task in tasks:
                task.cancel()
            member.forget()
            self._stage.members.remove(member)
        return socket

    async def _hear(self, member: Member, text: str) -> None:
        try:
            await self._stage.hear(member, text)
        except (msgspec.MsgspecError, TypeError, ValueError):
            await member.send(b'{"error":{"code":400,"message":"cannot be read"}}')

    async def _cut(self, member: Member) -> None:
        await asyncio.sleep(self._lifetime)
        await member.end(1001)

    async def _beat(self, member: Member, heartbeat: Heartbeat) -> None:
        while True:
            await asyncio.sleep(heartbeat.seconds)
            if not member.answered:
                await member.end(UNANSWERED_CODE)
                return
            member.answered = False
            await member.send(heartbeat.frame)
