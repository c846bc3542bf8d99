"""A bounded queue of frames for one client. Whoever does not read in time is cut off, and nobody else waits for it."""

import asyncio
from collections import deque
from dataclasses import dataclass

from services.gateway.edge.frames import Batch, Line, framed


@dataclass(slots=True)
class _Slot:
    frame: bytes
    key: str


class Mailbox:
    """Frames in order. A frame with a key replaces one of the same key that has not been taken yet.

    With a line, frames for which nobody waits go straight to the connection; only what it does not take waits here.
    """

    def __init__(self, capacity: int, line: Line | None = None) -> None:
        self._capacity, self._line = capacity, line
        # lint: allow bounded-queue: `offer` keeps it within `capacity` and says so when it is full
        self._slots: deque[_Slot] = deque()
        self._keyed: dict[str, _Slot] = {}
        self._filled, self._drained = asyncio.Event(), asyncio.Event()
        self.overflowed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._slots)

    def offer(self, frame: bytes, key: str = "") -> None:
        """Add a frame without waiting. When the mailbox is full the client is too slow: `overflowed` is set."""
        if self._line is None or self._slots or not self._line.take(framed((frame,))):
            self._keep(frame, key)

    def offer_all(self, batch: Batch) -> None:
        """The same of frames that others are told too: their bytes are the same for all."""
        if self._line is None or self._slots or not self._line.take(batch.frames):
            for text in batch.texts:
                self._keep(text, "")

    def _keep(self, frame: bytes, key: str) -> None:
        if key and (slot := self._keyed.get(key)) is not None:
            slot.frame = frame
            return
        if len(self._slots) >= self._capacity:
            self.overflowed.set()
            return
        self._append(_Slot(frame, key))

    def holds(self, key: str) -> bool:
        """Whether a frame of this key has not been taken yet."""
        return key in self._keyed

    async def room(self) -> None:
        """Wait until at most half of the mailbox is filled: for history, which is read at the client's own pace."""
        while len(self._slots) > self._capacity // 2:
            self._drained.clear()
            await self._drained.wait()

    async def filled(self) -> None:
        """Until a frame waits."""
        while not self._slots:
            self._filled.clear()
            await self._filled.wait()

    async def take(self) -> bytes:
        """The next frame; waits for one."""
        await self.filled()
        return self._pop()

    def take_all(self, most: int) -> list[bytes]:
        """The frames that wait, at most so many."""
        return [self._pop() for _ in range(min(most, len(self._slots)))]

    def _pop(self) -> bytes:
        slot = self._slots.popleft()
        if slot.key:
            del self._keyed[slot.key]
        self._drained.set()
        return slot.frame

    def _append(self, slot: _Slot) -> None:
        if slot.key:
            self._keyed[slot.key] = slot
        self._slots.append(slot)
        self._filled.set()
