"""What a venue's protocol core takes and gives. A core owns no socket and reads no clock: the feed does both for it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from services.ingestor.adapters.events import MarketStruct, Status


class FetchSnapshot(msgspec.Struct, frozen=True, gc=False):
    """Fetch a symbol's book snapshot and give it to `snapshot`. `attempt` counts from 0 and asks for longer pauses."""

    symbol: str
    attempt: int
    reason: str


class Subscribe(msgspec.Struct, frozen=True, gc=False):
    """Send this frame on the route's connection."""

    route: str
    frame: str


class Malformed(msgspec.Struct, frozen=True, gc=False):
    """A frame that could not be used: it was counted and dropped, and the connection goes on."""

    reason: str
    detail: str


Output = MarketStruct | FetchSnapshot | Subscribe | Malformed


class VenueCore(Protocol):
    """One venue's protocol. Times are microseconds UTC; `route` names one of the venue's connections."""

    @property
    def venue(self) -> str: ...

    @property
    def routes(self) -> Mapping[str, Sequence[str]]:
        """Each connection that is needed, with its streams."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """Frames that were not plain data, by kind: malformed, repeated, late, lost books..."""
        ...

    def connected(self, route: str, at: int) -> list[Output]:
        """The route's socket is open."""
        ...

    def disconnected(self, route: str, at: int, reason: str) -> list[Output]:
        """The route's socket is gone; what it carried is no longer known."""
        ...

    def frame(self, data: bytes | str, at: int) -> list[Output]:
        """One message of any route, received at `at`."""
        ...

    def snapshot(self, symbol: str, data: bytes, at: int) -> list[Output]:
        """The answer to a FetchSnapshot."""
        ...

    def silent_micros(self, route: str, at: int) -> int:
        """How long the route has brought no data, 0 while it is down. Pings and acknowledgements are not data."""
        ...

    def heartbeat(self, at: int) -> list[Status]:
        """The state of every symbol, to be said once a second whether or not the venue speaks."""
        ...
