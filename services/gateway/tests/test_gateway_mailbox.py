"""A client's queue: bounded, in order, newest price only, and a verdict on whoever does not read."""

import asyncio

import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from services.gateway.edge.frames import Batch, framed, head
from services.gateway.live.mailbox import Mailbox
from services.gateway.live.pump import SlowClient, drain, pump, watch
from services.gateway.live.rooms import Beat, Room, Seat, Told


async def test_frames_leave_in_order_and_a_newer_price_replaces_the_waiting_one() -> None:
    """GW-LIVE-001: a client that is behind gets the newest price, at the place of the one that it has not read."""
    mailbox = Mailbox(10)
    mailbox.offer(b"price 1", key="prices:BTC-PERP")
    mailbox.offer(b"alert 1")
    mailbox.offer(b"price 2", key="prices:BTC-PERP")
    assert [await mailbox.take() for _ in range(2)] == [b"price 2", b"alert 1"]
    mailbox.offer(b"price 3", key="prices:BTC-PERP")
    assert await mailbox.take() == b"price 3"
    assert len(mailbox) == 0


async def test_a_full_mailbox_takes_no_more_and_says_so() -> None:
    """GW-LIVE-002: memory per client is bounded; the overflow is noticed even while a send hangs."""
    mailbox = Mailbox(3)

    async def hanging(_frame: bytes) -> None:
        await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch(mailbox))
            tasks.create_task(pump(mailbox, hanging, send_seconds=30))
            for number in range(20):
                mailbox.offer(b"%d" % number)
                await asyncio.sleep(0)
    assert raised.group_contains(SlowClient)
    assert len(mailbox) <= 3


async def test_a_send_that_hangs_ends_the_client() -> None:
    """GW-LIVE-003: a frame that cannot be sent in time ends the client."""
    mailbox = Mailbox(3)
    mailbox.offer(b"frame")

    async def hanging(_frame: bytes) -> None:
        await asyncio.Event().wait()

    with pytest.raises(SlowClient):
        await pump(mailbox, hanging, send_seconds=0.01)


async def test_history_waits_for_room() -> None:
    """GW-LIVE-004: history comes at the client's own pace, it never counts as too slow."""
    mailbox = Mailbox(4)
    for number in range(4):
        mailbox.offer(b"%d" % number)
    waiting = asyncio.create_task(mailbox.room())
    await mailbox.take()
    await asyncio.sleep(0)
    assert not waiting.done()
    await mailbox.take()
    await asyncio.wait_for(waiting, 30)
    assert not mailbox.overflowed.is_set()


class Wire:
    """A connection that takes frames, or for a while does not."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self._takes = asyncio.Event()
        self._takes.set()

    def take(self, frames: bytes) -> bool:
        if self._takes.is_set():
            self.writes.append(frames)
        return self._takes.is_set()

    async def taking(self) -> None:
        await self._takes.wait()

    def pause(self) -> None:
        self._takes.clear()

    def resume(self) -> None:
        self._takes.set()

    @property
    def messages(self) -> list[bytes]:
        """What the client reads."""
        reader, found = StreamReader(), list[bytes]()
        reader.feed_data(b"".join(self.writes))
        while len(reader.buffer):
            try:
                next(parsing := Frame.parse(reader.read_exact, mask=False))
            except StopIteration as done:
                found.append(bytes(done.value.data))
            else:
                raise AssertionError(f"not a whole frame: {parsing}")
        return found


def seats(count: int, capacity: int = 1_000) -> list[tuple[Wire, Seat]]:
    """Clients of a room, who know nothing yet."""
    wires = [Wire() for _ in range(count)]
    return [(wire, Seat(Mailbox(capacity, wire), "trades", "BTC-PERP", 0)) for wire in wires]


async def test_what_comes_together_leaves_together() -> None:
    """GW-LIVE-030: a frame goes at once; of a steady stream what has come leaves in one write, in order, whole."""
    room, beat, guests = Room(), Beat(), seats(3)
    room.seats.update(seat for _, seat in guests)

    async def said(first: int, last: int) -> None:
        for number in range(first, last + 1):
            room.add(Told(number, "other", b"%d" % number))
            beat.add(room)
            await asyncio.sleep(0)
        async with asyncio.timeout(30):
            while sum(len(wire.messages) for wire, _ in guests) < 3 * last:  # noqa: ASYNC110 - no event for it
                await asyncio.sleep(0.001)

    await said(1, 1)
    assert [wire.messages for wire, _ in guests] == [[b"1"]] * 3
    await said(2, 401)
    for wire, _ in guests:
        assert wire.messages == [b"%d" % number for number in range(1, 402)]
        assert len(wire.writes) < 401
    assert all(one is other for one, other in zip(guests[0][0].writes, guests[1][0].writes, strict=True))


async def test_whoever_is_behind_or_choosy_is_told_what_is_his() -> None:
    """GW-LIVE-032: of a batch each is told what is new to him and of his topics; who is slow waits alone, in order."""
    room, [(early, _), (late, knows), (choosy, picks), (slow, _)] = Room(), (guests := seats(4))
    knows.cursor, picks.topics = 2, frozenset({"fills"})
    room.seats.update(seat for _, seat in guests)
    slow.pause()
    for number in range(1, 5):
        room.add(Told(number, "fills" if number % 2 else "orders", b"%d" % number))
    room.tell()
    assert early.messages == [b"1", b"2", b"3", b"4"]
    assert late.messages == [b"3", b"4"]
    assert choosy.messages == [b"1", b"3"]
    assert slow.messages == []
    slow_box = guests[3][1].mailbox
    assert len(slow_box) == 4
    draining = asyncio.create_task(drain(slow_box, slow, send_seconds=30))
    slow.resume()
    slow_box.offer(b"5")
    async with asyncio.timeout(30):
        while len(slow_box):  # noqa: ASYNC110 - a mailbox has no event for being empty
            await asyncio.sleep(0)
    slow_box.offer(b"6")
    draining.cancel()
    assert slow.messages == [b"%d" % number for number in range(1, 7)]


async def test_a_line_that_takes_nothing_fills_the_mailbox_and_ends_the_client() -> None:
    """GW-LIVE-033: who takes nothing has a full mailbox at its bound, or is ended when his time to take is over."""
    [(wire, seat)] = seats(1, capacity=3)
    wire.pause()
    with pytest.raises(SlowClient):
        seat.mailbox.offer(b"1")
        await drain(seat.mailbox, wire, send_seconds=0.01)
    seat.mailbox.offer_all(Batch([b"2", b"3", b"4"], framed([b"2", b"3", b"4"])))
    assert len(seat.mailbox) == 3
    assert seat.mailbox.overflowed.is_set()


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, 70_000])
def test_messages_are_framed_as_the_standard_says(length: int) -> None:
    """GW-LIVE-031: what is framed here is what the WebSocket library makes of it."""
    text = b"x" * length
    assert head(length) + text == Frame(Opcode.TEXT, text).serialize(mask=False)
