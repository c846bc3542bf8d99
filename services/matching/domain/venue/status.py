"""How a market trades now, and which states may follow which.

    trading ----- breaker, operator ----> post_only ---- pause over ----+
       ^  \\                                                             |
       |   +----- operator -----> reduce_only, halted                   v
       +--------- resume --------------------------- auction (if the book is crossed, or asked for)

    any of them <---- operator ----> delisting ---- notice over ----> delisted

Orders match in trading, reduce_only and delisting. In post_only and auction they wait, so the book may be crossed
there; it is uncrossed before it matches again. Nothing but cancelling goes on in halted.
"""

from collections.abc import Mapping
from typing import Final

from cleartide.contracts import MarketState

from services.matching.domain.errors import Refused

TRANSITIONS: Final[Mapping[MarketState, tuple[MarketState, ...]]] = {
    "trading": ("post_only", "auction", "reduce_only", "halted", "delisting"),
    "post_only": ("trading", "auction", "reduce_only", "halted", "delisting"),
    "auction": ("trading", "post_only", "reduce_only", "halted", "delisting"),
    "reduce_only": ("trading", "post_only", "auction", "halted", "delisting"),
    "halted": ("trading", "post_only", "auction", "reduce_only", "delisting"),
    "delisting": ("halted", "delisted"),
    "delisted": (),
}
MATCHING: Final[frozenset[MarketState]] = frozenset({"trading", "reduce_only", "delisting"})
"""States in which orders trade as they come."""


class Status:
    """A market's state. `ends_at`: sequenced time in microseconds at which it ends by itself, None for never.

    version: of the market's rules.
    """

    __slots__ = ("ends_at", "since", "state", "version")

    def __init__(self) -> None:
        self.state: MarketState = "trading"
        self.since, self.version = 0, 1
        self.ends_at: int | None = None

    @property
    def matches(self) -> bool:
        """Whether orders trade as they come."""
        return self.state in MATCHING

    def require_next(self, state: MarketState) -> None:
        """Raises Refused when this state may not follow the present one."""
        if state not in TRANSITIONS[self.state]:
            raise Refused("bad_transition", f"from {self.state} to {state}")
