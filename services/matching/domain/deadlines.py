"""What is due at a moment of sequenced time. Nothing is stored: whoever set a deadline sets it again at a restart.

A deadline that is dropped stays in the heap until it comes up, or until the dropped ones are more than half of it.
"""

from heapq import heappop, heappush
from typing import Final, Literal, NamedTuple

NEVER: Final = 2**63
_SLACK: Final = 64

Kind = Literal["batch", "deposit_timeout", "order_expiry", "slot", "vault_queue", "withdrawal_timeout"]


class Deadline(NamedTuple):
    """At or after `at` (microseconds) something of a kind is due; what is due at once is done by kind, then number."""

    at: int
    kind: Kind
    number: int


class Deadlines:
    """Deadlines by time. Setting and dropping cost O(log n)."""

    __slots__ = ("_heap", "_set")

    def __init__(self) -> None:
        self._heap: list[Deadline] = []
        self._set: set[Deadline] = set()

    def __len__(self) -> int:
        return len(self._set)

    def __contains__(self, deadline: Deadline) -> bool:
        return deadline in self._set

    @property
    def held(self) -> int:
        """Entries in memory, dropped ones included."""
        return len(self._heap)

    @property
    def next_at(self) -> int:
        """No deadline is due before this."""
        return self._heap[0].at if self._heap else NEVER

    def set(self, deadline: Deadline) -> None:
        """Have it come up in `due`; setting it twice is setting it once."""
        if deadline not in self._set:
            self._set.add(deadline)
            heappush(self._heap, deadline)

    def drop(self, deadline: Deadline) -> None:
        """Have it not come up; one that is not set is nothing to drop."""
        self._set.discard(deadline)
        if len(self._heap) > 2 * len(self._set) + _SLACK:
            self._heap = sorted(self._set)

    def due(self, at: int) -> Deadline | None:
        """Take the first one that is due, if any."""
        while self._heap and self._heap[0].at <= at:
            deadline = heappop(self._heap)
            if deadline in self._set:
                self._set.remove(deadline)
                return deadline
        return None
