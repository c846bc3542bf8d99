"""A client's queue: bounded, in order, newest price only, and a verdict on whoever does not read."""

import asyncio
from collections.abc import Sequence

import pytest
from websockets.frames import Frame, Opcode

from services.gateway.edge.frames import head
from services.gateway.live.mailbox import Mailbox
from services.gateway.live.pump import SlowClient, pump, pump_together, watch


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


async def test_what_comes_together_leaves_together() -> None:
    """GW-LIVE-030: a frame goes at once; of a steady stream what has come leaves in one write, in order, whole."""
    mailbox, writes = Mailbox(1_000), list[list[bytes]]()

    async def send(frames: Sequence[bytes]) -> None:
        writes.append([*frames])

    pumping = asyncio.create_task(pump_together(mailbox, send, send_seconds=30))
    mailbox.offer(b"first")
    async with asyncio.timeout(30):
        while not writes:  # noqa: ASYNC110 - the pump has no event for it
            await asyncio.sleep(0)
        for number in range(400):
            mailbox.offer(b"%d" % number)
            await asyncio.sleep(0)
        while sum(map(len, writes)) < 401:  # noqa: ASYNC110 - the pump has no event for it
            await asyncio.sleep(0.01)
    pumping.cancel()
    assert writes[0] == [b"first"]
    assert [frame for write in writes for frame in write] == [b"first", *(b"%d" % number for number in range(400))]
    assert len(writes) < 401


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, 70_000])
def test_messages_are_framed_as_the_standard_says(length: int) -> None:
    """GW-LIVE-031: what is framed here is what the WebSocket library makes of it."""
    text = b"x" * length
    assert head(length) + text == Frame(Opcode.TEXT, text).serialize(mask=False)
