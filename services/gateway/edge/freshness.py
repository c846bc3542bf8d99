"""Which event a kept answer was made after: the next event about the same account or market makes it unfindable.

Every process hears every trading event, so the place of the last one about an account or a market is the same in all
of them, and is part of the name under which an answer is kept. Nothing has to be deleted, and no process has to tell
another. What read models may not know yet is kept no longer than before: for SETTLED_SECONDS after an event answers
have the short life that their route gives them, then KEPT_MS, or until the next event.
"""

from collections.abc import Callable, Iterable
from time import monotonic
from typing import Final, NamedTuple

import msgspec

KEPT_MS: Final = 10_000
SETTLED_SECONDS: Final = 2.0
_KEPT_SECONDS: Final = KEPT_MS / 1_000
_SWEEP_SEQS: Final = 10_000
_MARKS: Final = "marks"
_OF_ACCOUNT: Final = ("account",)
_VALUED: Final = ("account", _MARKS)
_OF_MARKET: Final = ("market",)
RULES: Final[dict[str, tuple[str, ...]]] = {
    "account": _VALUED,
    "book": _OF_MARKET,
    "depth": _OF_MARKET,
    "ledger": _OF_ACCOUNT,
    "limits": _VALUED,
    "margin": _VALUED,
    "open_transfers": _OF_ACCOUNT,
    "orders": _OF_ACCOUNT,
    "trades": _OF_MARKET,
    "transfers": _OF_ACCOUNT,
}
"""By what events an answer changes, by the name of its key, whose second part is the account or market; with marks: by
every mark price. What changes by the clock or by other streams is not here, and is kept by age alone."""


class Place(msgspec.Struct):
    """Where an event stands, and whom it concerns."""

    type: str
    seq: int = 0
    market: str | None = None
    account: str | None = None
    buyer: str | None = None
    seller: str | None = None


class Version(NamedTuple):
    """What an answer made now is named after, and for how long it may be kept, in milliseconds."""

    name: str
    kept_ms: int


class Freshness:
    """The last event of every account and market that had one lately."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._touched: dict[str, tuple[int, float]] = {}
        self._sure_from = clock() + _KEPT_SECONDS
        self._swept_at = 0

    def hear(self, places: Iterable[Place]) -> None:
        """Events, in order."""
        now = self._clock()
        for place in places:
            for whose in {place.account, place.buyer, place.seller} - {None}:
                self._touched[f"account:{whose}"] = (place.seq, now)
            if place.market is not None:
                self._touched[f"market:{place.market}"] = (place.seq, now)
            if place.type == "MarkPriceUpdated":
                self._touched[_MARKS] = (place.seq, now)
            if place.seq - self._swept_at >= _SWEEP_SEQS:
                self._sweep(place.seq, now)

    def missed(self) -> None:
        """Events did not come: until all that was kept meanwhile is gone, answers are kept by age alone."""
        self._sure_from = self._clock() + _KEPT_SECONDS

    def version(self, key: tuple[object, ...], short_ms: int) -> Version | None:
        """Of an answer by its key; None when it is kept by age alone."""
        rule = RULES.get(str(key[0]))
        now = self._clock()
        if rule is None or len(key) < 2 or now < self._sure_from:
            return None
        seq, at = 0, -_KEPT_SECONDS
        for one in rule:
            if (last := self._touched.get(one if one == _MARKS else f"{one}:{key[1]}")) is not None:
                seq, at = max(seq, last[0]), max(at, last[1])
        return Version(str(seq), KEPT_MS if now - at >= SETTLED_SECONDS else short_ms)

    def _sweep(self, seq: int, now: float) -> None:
        """What had no event for longer than an answer is kept may as well never have had one."""
        self._swept_at = seq
        self._touched = {name: held for name, held in self._touched.items() if now - held[1] <= 2 * _KEPT_SECONDS}
