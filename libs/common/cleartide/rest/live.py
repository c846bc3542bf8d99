"""What happens, as it happens: the WebSocket's channels and the stream of alerts, resumed after a break."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Final, Literal
from urllib.parse import urlencode

import aiohttp

from cleartide.rest.transport import Json, Refused, Transport

Channel = Literal["alerts", "prices", "book", "trades", "auctions", "candles", "funding", "account", "portfolio"]
RESUMED: Final = frozenset({"alerts", "trades", "auctions", "account"})
ENDED: Final = 4401
FIRST_WAIT_SECONDS: Final = 0.25
LAST_WAIT_SECONDS: Final = 8.0
SILENCE_SECONDS: Final = 60.0


class Streams:
    """Both are endless: leave them by `break`. Raises Refused for what is not open to whoever asks."""

    _http: aiohttp.ClientSession
    _transport: Transport

    async def subscribe(
        self,
        channel: Channel,
        *,
        market: str | None = None,
        account: str | None = None,
        interval: int | None = None,
        topics: tuple[str, ...] | None = None,
        days: int | None = None,
        after_seq: int | None = None,
    ) -> AsyncIterator[Json]:
        """The frames of one channel: `snapshot`, then `update`. A connection that breaks is made again.

        `alerts`, `trades`, `auctions` and `account` go on after the last frame that was given; the others begin anew.
        """
        wanted: Json = {"op": "subscribe", "channel": channel, "market": market, "account": account}
        wanted |= {"interval": interval, "topics": list(topics) if topics else None, "days": days}
        asked = {name: value for name, value in wanted.items() if value is not None}
        wait = FIRST_WAIT_SECONDS
        while True:
            place = {} if after_seq is None else {"after_seq": after_seq}
            try:
                async for frame in self._frames({**asked, **place}, channel):
                    wait = FIRST_WAIT_SECONDS
                    if channel in RESUMED:
                        after_seq = frame.get("seq", after_seq)
                    yield frame
            except aiohttp.WSServerHandshakeError as error:
                if error.status in (401, 403):
                    raise Refused(error.status, "not_permitted", "The connection was not let in.") from None
            except (OSError, aiohttp.ClientConnectionError, TimeoutError):
                pass
            await asyncio.sleep(wait)
            wait = min(2 * wait, LAST_WAIT_SECONDS)

    async def _frames(self, asked: Json, channel: Channel) -> AsyncIterator[Json]:
        url = f"{self._transport.url}/api/v1/ws"
        fields = await self._transport.credentials("GET", "/api/v1/ws")
        async with self._http.ws_connect(url, headers=fields, max_msg_size=0, heartbeat=SILENCE_SECONDS / 2) as socket:
            await socket.send_json(asked)
            async for message in socket:
                frame: Json = json.loads(message.data)
                if frame["op"] == "error":
                    error = frame["error"]
                    raise Refused(0, error["code"], error["message"], error.get("detail"))
                if frame.get("channel") == channel and frame["op"] in ("snapshot", "update"):
                    yield frame
            if socket.close_code == ENDED:
                raise Refused(401, "session_ended", "What the connection was opened with has ended.")

    async def alert_events(self, *, account: str | None = None, after_seq: int | None = None) -> AsyncIterator[Json]:
        """Alerts by server-sent events, each once and in order, on from `after_seq` (None: from the newest ones)."""
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                async for alert in self._alerts(account, after_seq):
                    wait, after_seq = FIRST_WAIT_SECONDS, alert["seq"]
                    yield alert
            except (OSError, aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError):
                pass
            await asyncio.sleep(wait)
            wait = min(2 * wait, LAST_WAIT_SECONDS)

    async def _alerts(self, account: str | None, after_seq: int | None) -> AsyncIterator[Json]:
        named = {"account": account, "after_seq": after_seq}
        given = {name: value for name, value in named.items() if value is not None}
        target = "/api/v1/alerts/stream" + (f"?{urlencode(given)}" if given else "")
        fields = await self._transport.credentials("GET", target)
        timeout = aiohttp.ClientTimeout(total=None, sock_read=SILENCE_SECONDS)
        async with self._http.get(f"{self._transport.url}{target}", headers=fields, timeout=timeout) as answer:
            if answer.status != 200:
                error: dict[str, Any] = (await answer.json())["error"]
                raise Refused(answer.status, error["code"], error["message"], error.get("detail"))
            name = ""
            async for line in answer.content:
                if line.startswith(b"event: "):
                    name = line[7:].strip().decode()
                elif line.startswith(b"data: ") and name == "alert":
                    yield json.loads(line[6:])
                elif line.startswith(b"data: ") and name == "ended":
                    raise Refused(401, "session_ended", "What the stream was opened with has ended.")
