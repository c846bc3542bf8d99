"""Who came by somebody's code is told to the venue: once both have an account there, and once for good.

    signed in with a code -> waits -> a deposit opens the account -> due -> SetReferrer -> ReferrerSet: settled
                               ^                                                        -> refused: settled, or waits
                               +---- the referrer has no account yet -----------------------+

Every arrow but the command is a row that changes with what caused it. The command's id counts the refusals, so that a
process which ends behind it sends the same one again, and the sequencer takes it once.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import structlog
from cleartide.client import Client, PublishError
from cleartide.contracts import AccountRequestRejected, Message, ReferrerSet, SetReferrer
from cleartide.store.trouble import STORE_TROUBLE
from cleartide.store.truth import After, More, Row, Truth, TruthStore
from nats.aio.client import Client as Connection

from services.gateway.edge.commands import PUBLISH_SECONDS, SOURCE
from services.gateway.identity.people import now_micros

log = structlog.get_logger()

LOOK_SECONDS: Final = 1.0
ANSWER_MICROS: Final = 60_000_000
"""What is not answered by then is sent again."""
AT_ONCE: Final = 100
_NAME: Final = f"{SOURCE}-SetReferrer-signup-"
_PAID: Final = ("TransferApplied", "CollateralChanged")


class Referring:
    """Sends what is due."""

    def __init__(self, store: TruthStore, connection: Connection) -> None:
        self._store, self._client = store, Client(connection, SOURCE, PUBLISH_SECONDS)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                for row in await self.due():
                    await self.send(row)
                    await self.sent(row)
            except (*STORE_TROUBLE, PublishError) as error:
                log.warning("referrals_wait", error=f"{type(error).__name__} {error}"[:200])
            await asyncio.sleep(LOOK_SECONDS)

    async def due(self) -> Sequence[Row]:
        """Whom the venue can be told of."""
        async with self._store.acting() as truth:
            return await truth.fetch(
                "SELECT user_id, referrer, refusals FROM referrals WHERE settled_at IS NULL AND next_at <= $1 "
                "ORDER BY next_at LIMIT $2",
                now_micros(),
                AT_ONCE,
            )

    async def send(self, row: Row) -> None:
        """Tell the venue; the same twice is one command. PublishError when the bus does not take it."""
        command = SetReferrer(
            id=f"{_NAME}{row['user_id']}-{row['refusals']}",
            occurred_at=now_micros(),
            source=SOURCE,
            account=row["user_id"],
            actor=row["user_id"],
            referrer=row["referrer"],
        )
        # lint: allow one-publish: a person's command, by the library's own client; one by its id
        await self._client.publish(command)

    async def sent(self, row: Row) -> None:
        """Wait for the answer, unless it has been heard already."""
        asked = {"user_id": row["user_id"], "refusals": row["refusals"], "settled_at": None}
        async with self._store.acting() as truth:
            await truth.change("referrals", asked, next_at=now_micros() + ANSWER_MICROS)


async def hear(truth: Truth, events: Sequence[Message]) -> None:
    """What the venue says: answers, also to who names his referrer himself, and accounts that open."""
    paid_in: set[str] = set()
    for event in events:
        told: Any = event
        if event.type == "ReferrerSet":
            await _settle(truth, told)
        elif event.type == "AccountRequestRejected" and (event.causation_id or "").startswith(_NAME):
            await _refused(truth, told)
        elif event.type in _PAID and told.kind == "deposit":
            paid_in.add(told.account)
    if paid_in:
        await _open(truth, sorted(paid_in))


async def _settle(truth: Truth, event: ReferrerSet) -> None:
    """The venue's word is the last: a person may have named somebody else there than with his first sign-in."""
    open_one = {"user_id": event.account, "settled_at": None}
    await truth.change("referrals", open_one, next_at=None, settled_at=event.occurred_at)
    if await truth.first("SELECT 1 AS known FROM users WHERE id = $1 LIMIT 1", event.referrer) is not None:
        await truth.change("users", {"id": event.account}, referred_by=event.referrer)


async def _refused(truth: Truth, event: AccountRequestRejected) -> None:
    _, _, refusals = (event.causation_id or "").rpartition("-")
    asked = {"user_id": event.account, "refusals": int(refusals), "settled_at": None}
    if event.reason == "unknown_account":
        await truth.change("referrals", asked, next_at=None, refusals=More(1))
    else:
        await truth.change("referrals", asked, next_at=None, settled_at=event.occurred_at, reason=event.reason)


async def _open(truth: Truth, accounts: list[str]) -> None:
    """Their accounts are there: who waits for his own may be told of, and who was refused for want of the other's."""
    waits = {"settled_at": None, "next_at": None}
    await truth.change("referrals", {"user_id": accounts, **waits}, next_at=0)
    await truth.change("referrals", {"referrer": accounts, "refusals": After(0), **waits}, next_at=0)
