"""Questions over a connection: each has its own answer, in time or not at all."""

import asyncio

import pytest
from cleartide.bus.confirm import confirm
from nats.aio.msg import Msg
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeoutError

from tests.support.servers import Broker

CROWD = 200
ASKED, SILENT, NOBODY = "query.matching.echo", "query.matching.silence", "query.matching.nobody"


async def test_each_question_has_its_own_answer(broker: Broker) -> None:
    """RUN-BUS-002."""
    async with broker.client("matching") as answering, broker.client("gateway") as asking:

        async def echo(message: Msg) -> None:
            await message.respond(message.data)

        unanswered: asyncio.Queue[Msg] = asyncio.Queue(10)
        await answering.subscribe(ASKED, cb=echo)
        await answering.subscribe(SILENT, cb=unanswered.put)
        await confirm(answering)
        questions = [asking.request(ASKED, b"%d" % number, timeout=60) for number in range(CROWD)]
        assert [one.data for one in await asyncio.gather(*questions)] == [b"%d" % number for number in range(CROWD)]
        with pytest.raises(NatsTimeoutError):
            await asking.request(SILENT, b"", timeout=0.05)
        leaving = asyncio.create_task(asking.request(SILENT, b"", timeout=60))
        late = [await unanswered.get(), await unanswered.get()]
        leaving.cancel()
        for one in late:
            await one.respond(b"too late")
        assert (await asking.request(ASKED, b"next", timeout=60)).data == b"next"
        assert leaving.cancelled()
        with pytest.raises(NoRespondersError):
            await asking.request(NOBODY, b"", timeout=60)
