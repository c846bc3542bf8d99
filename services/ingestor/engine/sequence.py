"""Tells new, late and repeated ids apart in a stream whose ids rise by one."""

from collections import OrderedDict
from typing import Final, Literal, final

WINDOW: Final = 10_000

Verdict = Literal["new", "late", "repeated", "restarted"]


@final
class IdSequence:
    """Remembers the highest id and which of the WINDOW ids below it have not come yet."""

    def __init__(self) -> None:
        self.highest = 0
        self._missing: dict[int, None] = {}

    def see(self, number: int) -> Verdict:
        """`late` fills a hole that a higher id left; `restarted` lies so far below that the venue must count anew."""
        if number == self.highest + 1 or not self.highest:
            self.highest = number
            return "new"
        if number > self.highest:
            self._remember(self.highest + 1, number)
            self.highest = number
            return "new"
        if number in self._missing:
            del self._missing[number]
            return "late"
        if number > self.highest - WINDOW:
            return "repeated"
        self.highest = number
        self._missing.clear()
        return "restarted"

    def _remember(self, start: int, end: int) -> None:
        oldest = end - WINDOW
        self._missing.update(dict.fromkeys(range(max(start, oldest), end)))
        for number in [number for number in self._missing if number < oldest]:
            del self._missing[number]


@final
class RecentIds:
    """The last WINDOW ids of a venue whose trades are named, not numbered."""

    def __init__(self) -> None:
        # A plain dictionary finds its first key by passing over those that were deleted before it: thousands here.
        self._ids: OrderedDict[str, None] = OrderedDict()

    def is_new(self, ident: str) -> bool:
        """Whether the id has not come within the window; it is remembered."""
        if ident in self._ids:
            return False
        self._ids[ident] = None
        if len(self._ids) > WINDOW:
            self._ids.popitem(last=False)
        return True
