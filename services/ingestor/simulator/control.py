"""A hand on the simulated markets: `GET /control` says how they stand, `POST /control/fall` lets one's prices fall.

A market is one recording, named by its symbol. Every venue falls at once there, since all are told from it; other
markets stay where they are. Answered on loopback alone, and only to whoever brings the token that the simulator was
started with; a simulator without one has no such endpoints.
"""

import hmac
from collections.abc import Mapping, Sequence
from decimal import Decimal
from ipaddress import ip_address
from typing import Final

import msgspec
from aiohttp import web

from services.ingestor.simulator.course import PPM, Course
from services.ingestor.simulator.replay import Replay

TOKEN_VARIABLE: Final = "CLEARTIDE_SIMULATOR_TOKEN"
LEAST_PPM: Final = 5_000
MOST_PPM: Final = 500_000
LEAST_SHARE: Final = Decimal("0.2")
"""Of the recorded price: below that no further fall begins."""


Venues = Mapping[str, Sequence[str]]
"""The symbols of each venue."""


class Fall(msgspec.Struct, forbid_unknown_fields=True):
    """By so many millionths of the price as it is, in so many seconds; the way back begins `rest_seconds` later.

    symbol: the recording's.
    """

    symbol: str
    ppm: int
    seconds: int
    rest_seconds: int


class RefusedError(Exception):
    """The market cannot fall so, or not now; the text says why."""


class Control:
    """Of every replay. `venues`: by recorded symbol, what each venue trades at its prices."""

    def __init__(self, replays: Sequence[Replay], venues: Mapping[str, Venues], token: str) -> None:
        self._replays = {replay.market.symbol: replay for replay in replays}
        self._venues, self._token = venues, token

    def mount(self, root: web.Application) -> None:
        """Add the endpoints."""
        root.router.add_get("/control", self._standing)
        root.router.add_post("/control/fall", self._fall)

    async def end(self) -> None:
        """It has no sockets."""

    def fall(self, asked: Fall) -> None:
        """Begin a fall. Raises RefusedError."""
        replay = self._replays.get(asked.symbol)
        if replay is None:
            raise RefusedError(f"no market {asked.symbol} is replayed; there are {', '.join(self._replays)}")
        market, best = replay.market, replay.market.best
        if not LEAST_PPM <= asked.ppm <= MOST_PPM:
            raise RefusedError("a fall is by 0.5 % to 50 %")
        if not (1 <= asked.seconds <= 600 and 0 <= asked.rest_seconds <= 600):
            raise RefusedError("a fall takes 1 to 600 seconds, and the rest at its low at most 600")
        if best is None or not market.known:
            raise RefusedError("the replay has not begun: nobody listens to it yet")
        if replay.phase == "falling":
            raise RefusedError("prices are falling already")
        base = (best[0] + best[1]) / 2
        low = market.offset - (base + market.offset) * asked.ppm / PPM
        if base + low < base * LEAST_SHARE:
            raise RefusedError("prices are too low for a further fall: wait until they are on their way back")
        seconds, rest = Decimal(asked.seconds), Decimal(asked.rest_seconds)
        replay.begin(Course(base, market.offset, low, seconds, rest, replay.recording.tick))

    async def _standing(self, request: web.Request) -> web.Response:
        return self._refusal(request) or web.json_response(self._told())

    async def _fall(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        try:
            self.fall(msgspec.json.decode(await request.read(), type=Fall))
        except msgspec.MsgspecError as error:
            return web.json_response({"error": str(error)}, status=400)
        except RefusedError as error:
            return web.json_response({"error": str(error)}, status=409)
        return web.json_response(self._told())

    def _told(self) -> dict[str, object]:
        return {"markets": {symbol: self._standing_of(symbol) for symbol in self._replays}}

    def _standing_of(self, symbol: str) -> dict[str, object]:
        replay = self._replays[symbol]
        mark = replay.market.mark()
        price = mark["mark"] if mark is not None else None
        offset = str(replay.market.offset)
        return {"phase": replay.phase, "price": price, "offset": offset, "venues": self._venues[symbol]}

    def _refusal(self, request: web.Request) -> web.Response | None:
        """None for whoever may."""
        if request.remote is None or not ip_address(request.remote).is_loopback:
            return web.json_response({"error": "loopback only"}, status=403)
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {self._token}".encode()):
            return web.json_response({"error": "the token is wrong"}, status=401)
        return None
