"""Who signs in by somebody's code is known to the venue as referred, on matching as it is; each step made by hand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from services.gateway.notify.referrals import Referring
from services.gateway.tests.entrance import Installed, Person, serving
from services.gateway.tests.notify_desk import Desk, made
from services.gateway.tests.trading import Floor
from tests.support.installation import Installation
from tests.support.traffic import Traffic

SECONDS = 60


@pytest.fixture
async def floor(installed: Installation) -> AsyncIterator[Floor]:
    """Matching, which knows of accounts and referrers."""
    await installed.start("matching")
    async with installed.client() as operator, serving(Installed(installed), installed) as door:
        yield Floor(installed, door, Traffic(operator, accounts=()))


async def _brought(floor: Floor, by: Person) -> Person:
    """Somebody who signs in for the first time, with a person's code."""
    code = (await by.ask("GET", "me/referrals"))[1]["code"]
    return await floor.door.sign_in(referral_code=code)


async def _row(floor: Floor, person: Person) -> dict[str, Any]:
    [row] = await floor.door.rows("SELECT * FROM referrals WHERE user_id = $1 LIMIT 1", person.user)
    return dict(row)


async def _heard(desk: Desk, met: Callable[[], Awaitable[bool]]) -> None:
    """Read what the venue says until this is so."""
    async with asyncio.timeout(SECONDS):
        while True:
            await desk.feed()
            if await met():
                return
            await asyncio.sleep(0.02)


async def _fees(person: Person, position: int) -> dict[str, Any]:
    status, told, _ = await person.ask("GET", f"accounts/{person.user}/fees", Cleartide_After=str(position))
    assert status == 200, told
    return dict(told)


async def check_a_code_at_the_first_sign_in_makes_a_referrer(floor: Floor, desk: Desk) -> None:
    """GW-REFER-002: known to the venue once both have an account there, and once, whatever was sent twice."""
    ann = await floor.trader()
    ben = await _brought(floor, ann)
    referring = Referring(desk.store, desk.nats)
    await desk.feed()
    assert list(await referring.due()) == [], "he has no account yet"
    await floor.traffic.deposit(ben.user, "100")

    async def due() -> bool:
        return bool(await referring.due())

    await _heard(desk, due)
    for _ in range(2):  # a process that ends before it notes that it has sent sends again
        [row] = await Referring(desk.store, desk.nats).due()
        await referring.send(row)
    await referring.sent(row)
    assert list(await referring.due()) == [], "its answer is waited for"

    async def settled() -> bool:
        return bool((await _row(floor, ben))["settled_at"])

    await _heard(desk, settled)
    place = await floor.traffic.deposit(ben.user, "1")
    assert (await _fees(ben, place))["referrer"] == ann.user
    assert (await _fees(ann, place))["referees"] == 1
    assert ((await _row(floor, ben))["refusals"], (await _row(floor, ben))["reason"]) == (0, "")
    assert (await ann.ask("GET", "me/referrals"))[1]["referred"] == 1
    again = await floor.door.sign_in()
    assert await floor.door.rows("SELECT 1 FROM referrals WHERE user_id = $1 LIMIT 1", again.user) == []


async def check_who_has_no_account_yet_is_waited_for(floor: Floor, desk: Desk) -> None:
    """GW-REFER-003: a referrer without an account becomes one with his first deposit, by the task that runs."""
    ann = await floor.door.sign_in()
    ben = await _brought(floor, ann)
    running = asyncio.create_task(Referring(desk.store, desk.nats).run())
    try:
        await floor.traffic.deposit(ben.user, "100")

        async def refused() -> bool:
            return int((await _row(floor, ben))["refusals"]) == 1

        await _heard(desk, refused)
        await floor.traffic.deposit(ben.user, "1")
        await floor.traffic.deposit(ann.user, "100")

        async def settled() -> bool:
            return bool((await _row(floor, ben))["settled_at"])

        await _heard(desk, settled)
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert (await _fees(ben, await floor.traffic.deposit(ben.user, "1")))["referrer"] == ann.user


async def check_what_the_person_says_himself_stands(floor: Floor, desk: Desk) -> None:
    """GW-REFER-004: who has named another by his code meanwhile keeps that one, here and at the venue."""
    ann, cat = await floor.trader(), await floor.trader()
    ben = await _brought(floor, ann)
    await floor.traffic.deposit(ben.user, "100")
    code = (await cat.ask("GET", "me/referrals"))[1]["code"]
    status, told, _ = await ben.ask("PUT", f"accounts/{ben.user}/referrer", {"code": code})
    assert (status, told["events"][0]["type"]) == (200, "ReferrerSet"), told

    async def settled() -> bool:
        return bool((await _row(floor, ben))["settled_at"])

    await _heard(desk, settled)
    assert (await ben.ask("GET", "me"))[1]["referred_by"] == cat.user
    assert [(await one.ask("GET", "me/referrals"))[1]["referred"] for one in (ann, cat)] == [0, 1]
    await Referring(desk.store, desk.nats).send(await _row(floor, ben))  # what was on its way comes late
    place = await floor.traffic.deposit(ben.user, "1")
    assert (await _fees(ben, place))["referrer"] == cat.user
    await desk.feed()
    assert (await _row(floor, ben))["reason"] == ""


async def test_a_referral_code_reaches_the_venue(floor: Floor, installed: Installation) -> None:
    """GW-REFER-002, GW-REFER-003, GW-REFER-004"""
    async with made(installed) as desk:
        await check_a_code_at_the_first_sign_in_makes_a_referrer(floor, desk)
        await check_who_has_no_account_yet_is_waited_for(floor, desk)
        await check_what_the_person_says_himself_stands(floor, desk)
