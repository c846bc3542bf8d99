"""What a venue's protocol core takes and gives. A core owns no socket and reads no clock: the feed does both for it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from services.ingestor.adapters.events import InstrumentTerms, MarketStruct, Status


class Request(msgspec.Struct, frozen=True, gc=False):
    """A REST request; `body` is JSON, for a POST. `weight` is what it costs of the venue's budget."""

    path: str
    parameters: Mapping[str, str | int] = {}
    method: str = "GET"
    body: str = ""
    weight: int = 1


class FetchSnapshot(msgspec.Struct, frozen=True, gc=False):
    """Make this request and give the answer to `snapshot`. `attempt` counts from 0 and asks for longer pauses."""

    symbol: str
    attempt: int
    reason: str
    request: Request


class Poll(msgspec.Struct, frozen=True, gc=False):
    """Make this request every so often and give the answer to `polled`: for what the venue does not send."""

    symbol: str
    request: Request
    seconds: float


class Send(msgspec.Struct, frozen=True, gc=False):
    """Send these frames on the route's connection, in order. `attempt` > 0 asks for a pause before the first."""

    route: str
    frames: tuple[str, ...]
    attempt: int = 0


class Malformed(msgspec.Struct, frozen=True, gc=False):
    """A frame that could not be used: it was counted and dropped, and the connection goes on."""

    reason: str
    detail: str


Output = MarketStruct | FetchSnapshot | Send | Malformed


class Keepalive(msgspec.Struct, frozen=True, gc=False):
    """What the venue wants to hear every so often, on top of the socket's own pings."""

    seconds: float
    frame: str


class RouteSpec(msgspec.Struct, frozen=True, gc=False):
    """One connection that the venue needs.

    `path` follows the venue's socket address. With a `ticket` the request is made first, and `VenueCore.address` reads
    the address from its answer. `silent_seconds`: without data for longer than this the socket is given up.
    """

    name: str
    path: str = ""
    keepalive: Keepalive | None = None
    ticket: Request | None = None
    silent_seconds: float = 10.0


class VenueCore(Protocol):
    """One venue's protocol. Times are microseconds UTC; `route` names one of the venue's connections."""

    @property
    def venue(self) -> str: ...

    @property
    def routes(self) -> Sequence[RouteSpec]:
        """Each connection that is needed."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """Frames that were not plain data, by kind: malformed, repeated, late, lost books..."""
        ...

    def address(self, route: str, ticket: bytes) -> str:
        """Where the route is, from the answer to its ticket. Raises ValueError when that cannot be read."""
        ...

    def resume_trades(self, highest: Mapping[str, int]) -> None:
        """Highest trade number recorded by an earlier run, by symbol."""
        ...

    def measure_liquidity(self, every: int, multiples: Sequence[int] = ()) -> None:
        """Say what the books can bear, at most once in `every` microseconds of venue time; 0 = with every change.

        With it the books are told in steps of each of `multiples` ticks.
        """
        ...

    def judge_stale(self, micros: int) -> None:
        """Call a stream stale that is quiet for longer than this, if its rate is known."""
        ...

    def terms(self, at: int) -> list[InstrumentTerms]:
        """What each instrument is, to be said once an hour."""
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

    @property
    def polls(self) -> Sequence[Poll]:
        """What is to be asked for every so often."""
        ...

    def polled(self, symbol: str, data: bytes, at: int) -> list[Output]:
        """The answer to a Poll."""
        ...

    def silent_micros(self, route: str, at: int) -> int:
        """How long the route has brought no data, 0 while it is down. Pings and acknowledgements are not data."""
        ...

    def heartbeat(self, at: int) -> list[Status]:
        """The state of every symbol, to be said once a second whether or not the venue speaks."""
        ...

    def overdue(self, at: int) -> list[Output]:
        """Asks again for what was promised and did not come; to be looked after once a second."""
        ...
