"""Numbered things in the order of their keys, from which any can be taken out at any time."""

from heapq import heapify, heappop, heappush
from typing import Final

SLACK: Final = 32


class Heap:
    """Numbers by key, smallest (key, number) first: O(log n) in and out, O(1) to look at the first.

    A number that is taken out, or gets a new key, leaves its old entry behind. Such entries are passed over when they
    come up, and swept out when they outnumber the valid ones, so they cost O(1) each.
    """

    __slots__ = ("_entries", "_keys")

    def __init__(self) -> None:
        self._entries: list[tuple[int, int]] = []
        self._keys: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, number: int) -> bool:
        return number in self._keys

    def put(self, number: int, key: int) -> None:
        """Add a number, or give one that is in a new key."""
        self._keys[number] = key
        heappush(self._entries, (key, number))
        self._sweep()

    def remove(self, number: int) -> None:
        """Take out a number that is in."""
        del self._keys[number]
        self._sweep()

    def first_key(self) -> int | None:
        """The smallest key."""
        entries, keys = self._entries, self._keys
        while entries and keys.get(entries[0][1]) != entries[0][0]:
            heappop(entries)
        return entries[0][0] if entries else None

    def take(self, bound: int) -> list[tuple[int, int]]:
        """Take out everything with key <= bound, as (key, number) in order."""
        entries, keys, taken = self._entries, self._keys, []
        while entries and entries[0][0] <= bound:
            key, number = heappop(entries)
            if keys.get(number) == key:
                del keys[number]
                taken.append((key, number))
        return taken

    def absorb(self, other: "Heap") -> None:
        """Take over everything of another heap: the smaller of the two is moved into the larger."""
        if len(other) > len(self):
            self._entries, other._entries = other._entries, self._entries
            self._keys, other._keys = other._keys, self._keys
        for number, key in other._keys.items():
            self.put(number, key)

    def _sweep(self) -> None:
        if len(self._entries) > 2 * len(self._keys) + SLACK:
            self._entries = [(key, number) for number, key in self._keys.items()]
            heapify(self._entries)
