"""Tasks that belong together: the first failure ends them all, is the one that is told, and leaves nobody behind."""

import asyncio

import pytest
from cleartide.bus.together import end, run_together


async def test_all_that_end_well_are_waited_for() -> None:
    """The group ends with its last member."""
    ended: list[int] = []

    async def work(number: int) -> None:
        await asyncio.sleep(number / 100)
        ended.append(number)

    await run_together(work(3), work(1), work(2))
    assert ended == [1, 2, 3]


async def test_a_group_of_nobody_ends_at_once() -> None:
    """There is nothing to wait for."""
    await run_together()


async def test_the_first_failure_ends_the_others() -> None:
    """The rest is cancelled and has ended before the failure is told."""
    ended: list[str] = []

    async def fail() -> None:
        await asyncio.sleep(0.01)
        raise ValueError("first")

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")

    with pytest.raises(ValueError, match="first"):
        await run_together(wait(), fail(), wait())
    assert ended == ["cancelled", "cancelled"]


async def test_of_two_failures_at_once_the_same_one_is_always_told() -> None:
    """The order of the members decides, not chance."""

    async def fail(name: str) -> None:
        raise ValueError(name)

    for _ in range(20):
        with pytest.raises(ValueError, match="one"):
            await run_together(fail("one"), fail("two"))


async def test_a_member_that_forgets_a_cancellation_is_asked_again() -> None:
    """A reply that comes at the moment of the cancellation must not keep the group alive."""
    forgotten = 0

    async def fail() -> None:
        raise ValueError("end")

    async def forget() -> None:
        nonlocal forgotten
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                forgotten += 1
                if forgotten == 3:
                    raise

    with pytest.raises(ValueError, match="end"):
        await asyncio.wait_for(run_together(forget(), fail()), 5)
    assert forgotten == 3


async def test_the_end_of_the_group_is_the_end_of_its_members() -> None:
    """Whoever cancels the group leaves no member running."""
    members: list[asyncio.Task[None] | None] = []

    async def wait() -> None:
        members.append(asyncio.current_task())
        await asyncio.sleep(60)

    group = asyncio.create_task(run_together(wait(), wait()))
    await asyncio.sleep(0.01)
    group.cancel()
    with pytest.raises(asyncio.CancelledError):
        await group
    assert [member is not None and member.done() for member in members] == [True, True]


async def test_who_cancels_an_end_waits_for_it() -> None:
    """A group within a group is cancelled again while it ends its members: they have ended when it has."""
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.02)
            ended.append("slow")

    members = [asyncio.create_task(slow())]
    await asyncio.sleep(0)
    ending = asyncio.create_task(end(members))
    for _ in range(3):
        await asyncio.sleep(0)
        ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert members[0].done()
