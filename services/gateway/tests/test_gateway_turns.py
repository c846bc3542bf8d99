"""In which order requests begin, and what else is heard meanwhile."""

import asyncio
from functools import partial
from itertools import pairwise

from services.gateway.edge.turns import AT_ONCE, Turns

CROWD = 10 * AT_ONCE + 7


async def test_a_crowd_begins_in_order_and_others_are_heard_between() -> None:
    """GW-TURN-001"""
    turns, whole, begun, heard = Turns(), asyncio.Event(), list[int](), list[int]()

    def look() -> None:
        heard.append(len(begun))
        if len(begun) < CROWD:
            asyncio.get_running_loop().call_soon(look)

    look()
    for number in range(CROWD):
        turns.begin(partial(begun.append, number))
    turns.begin(whole.set)
    async with asyncio.timeout(60):
        await whole.wait()
    assert begun == list(range(CROWD))
    steps = [after - before for before, after in pairwise(heard)]
    assert max(steps) == AT_ONCE


async def test_who_comes_alone_begins_at_once_and_behind_a_crowd_after_it() -> None:
    """GW-TURN-002"""
    turns, whole, begun = Turns(), asyncio.Event(), list[int]()
    turns.begin(partial(begun.append, -1))
    assert begun == [-1]
    for number in range(2 * AT_ONCE):
        turns.begin(partial(begun.append, number))
    await asyncio.sleep(0)
    turns.begin(partial(begun.append, CROWD))
    turns.begin(whole.set)
    async with asyncio.timeout(60):
        await whole.wait()
    assert begun == [-1, *range(2 * AT_ONCE), CROWD]
