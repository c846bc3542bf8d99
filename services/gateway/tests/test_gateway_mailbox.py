"""A client's queue: bounded, in order, newest price only, and a verdict on whoever does not read."""

import asyncio

import pytest

from services.gateway.live.mailbox import Mailbox
from services.gateway.live.pump import SlowClient, pump, watch


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
