"""The hand on a sandbox's market: the control of the simulator that the stack of this folder runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from cleartide.ops.place import LOOPBACK, Place

ANSWER_SECONDS: Final = 5.0
SIMULATOR: Final = "simulator"
SANDBOX: Final = "sandbox"
READY: Final = "ready"
NOT_FOUND: Final = 404


class DemoError(ValueError):
    """It cannot be done here or now; the text says why, and what to do."""


@dataclass(frozen=True)
class Hand:
    """Address and token of the control."""

    url: str
    token: str

    @classmethod
    def on(cls, place: Place) -> "Hand":
        """The hand on the sandbox of this folder. Raises DemoError where none runs on a replay."""
        units = {str(unit["name"]): unit for unit in place.units}
        if not any(unit.get("state") == READY for unit in units.values()):
            raise DemoError("no sandbox runs here: start one with `make up`")
        if SIMULATOR not in units:
            raise DemoError("prices come from real venues (FEED=live): a crash is for the replay alone, `make up`")
        for name in (SIMULATOR, SANDBOX):
            if units.get(name, {}).get("state") != READY:
                raise DemoError(f"no {name} runs here: `make ps` shows what does; `make up` without SANDBOX=0")
        return cls(f"http://{LOOPBACK}:{units[SIMULATOR]['port']}/control", place.simulator_token)

    async def standing(self) -> Mapping[str, Any]:
        """`markets`: by recorded symbol, phase, price, offset, and `venues`, the symbols by venue."""
        return await self._asked("")

    async def fall(self, symbol: str, ppm: int, seconds: int, rest_seconds: int) -> None:
        """Let a recording's prices fall. Raises DemoError with the simulator's own words."""
        await self._asked("/fall", {"symbol": symbol, "ppm": ppm, "seconds": seconds, "rest_seconds": rest_seconds})

    async def recorded(self, market: str, sources: Sequence[Mapping[str, Any]]) -> str:
        """The recording that moves the market's index: every source of it is told from that one.

        Raises DemoError where there is none such.
        """
        for symbol, told in (await self.standing())["markets"].items():
            if sources and all(one["symbol"] in told["venues"].get(one["venue"], ()) for one in sources):
                return str(symbol)
        named = ", ".join(f"{one['symbol']} of {one['venue']}" for one in sources) or "no venue"
        raise DemoError(f"the index of {market} is made from {named}, which no one recording of the replay tells")

    async def _asked(self, path: str, body: object = None) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        url, timeout = self.url + path, aiohttp.ClientTimeout(ANSWER_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as http,
            http.get(url) if body is None else http.post(url, json=body) as response,
        ):
            if response.status == NOT_FOUND:
                raise DemoError("the simulator takes no orders: it was started without a token")
            answer: dict[str, Any] = await response.json(content_type=None)
            if not response.ok:
                raise DemoError(str(answer.get("error")))
            return answer
