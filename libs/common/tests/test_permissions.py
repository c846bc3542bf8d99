"""Rights on a real NATS server: each user may do what its work needs, and nothing else, tried both ways."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from cleartide.bus.confirm import confirm
from cleartide.bus.nats import ApiError, NatsBus
from cleartide.bus.permissions import OPERATOR, TRADER, USERS, VIEWER, inbox_prefix, is_guest_name, users
from cleartide.bus.provision import ensure_streams
from cleartide.bus.streams import BY_NAME, COMMANDS, EVENTS, READS, RISK, SERVICES, STREAMS, Stream
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeout

from tests.support.servers import GUEST, Broker

OUTSIDERS = tuple(user for user in USERS if user != OPERATOR)
WRITERS = tuple(user for user in OUTSIDERS if user != VIEWER)


class Person:
    """One signed-in user, with every refusal that the server sent it."""

    def __init__(self, name: str, client: Client) -> None:
        self.name, self.client, self.bus = name, client, NatsBus(client)
        self.refusals: list[str] = []
        client._error_cb = self._on_error

    async def _on_error(self, error: Exception) -> None:
        self.refusals.append(str(error).lower())

    async def settled(self) -> None:
        """Everything sent so far has been answered."""
        await confirm(self.client)

    async def stored(self, subject: str) -> bool:
        """Publish to a stream and see whether it is acknowledged."""
        return await self.answered(subject, b"{}", wanted="stream")

    async def answered(self, subject: str, payload: bytes = b"", wanted: str = "") -> bool:
        """Ask; False when the server refused the question."""
        before = len(self.refusals)
        question = asyncio.ensure_future(self.client.request(subject, payload, timeout=30))
        while not question.done() and len(self.refusals) == before:
            await asyncio.wait([question], timeout=0.005)
        if not question.done():
            question.cancel()
            await asyncio.gather(question, return_exceptions=True)
            return False
        answer = json.loads(question.result().data or b"{}")
        return wanted in answer if wanted else True

    async def may_listen(self, subject: str) -> bool:
        """Subscribe and see whether the server takes it."""
        before = len(self.refusals)
        subscription = await self.client.subscribe(subject)
        await self.settled()
        allowed = len(self.refusals) == before
        await subscription.unsubscribe()
        return allowed


@pytest.fixture
async def people(broker: Broker) -> AsyncIterator[dict[str, Person]]:
    """Everybody, signed in."""
    async with AsyncExitStack() as stack:
        yield {user: Person(user, await stack.enter_async_context(broker.client(user))) for user in USERS}


def example(pattern: str) -> str:
    """A subject that a pattern covers."""
    return pattern.replace("*", "x").replace(">", "x")


def subjects_of(stream: Stream) -> list[str]:
    return sorted({example(subject) for subject in stream.subjects})


async def test_everybody_publishes_their_own_subjects_and_no_others(people: dict[str, Person]) -> None:
    """Every user against every subject of every stream: stored exactly where the stream table names the user."""
    for user in OUTSIDERS:
        for stream in STREAMS:
            mine = {example(subject) for subject in stream.writers.get(user, ())}
            for subject in {*subjects_of(stream), *mine}:
                assert await people[user].stored(subject) is (subject in mine), (user, subject)


async def test_only_the_operator_makes_changes_and_deletes_streams(people: dict[str, Person]) -> None:
    """Whoever may write a stream may still not create, update, purge, delete or trim one."""
    verbs = ("CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE", "SNAPSHOT", "RESTORE")
    for user in OUTSIDERS:
        for verb in verbs:
            assert not await people[user].answered(f"$JS.API.STREAM.{verb}.EVENTS", b"{}"), (user, verb)
        for question in (
            "$JS.API.STREAM.NAMES",
            "$JS.API.STREAM.LIST",
            "$JS.API.ACCOUNT.PURGE.X",
            "$SYS.REQ.SERVER.PING",
        ):
            assert not await people[user].answered(question, b"{}"), (user, question)
    assert await people[OPERATOR].answered("$JS.API.STREAM.NAMES")


async def test_even_the_operator_cannot_rewrite_a_ledger_stream(people: dict[str, Person]) -> None:
    """Messages are not deleted or purged from a ledger: the server itself refuses."""
    await people["matching"].stored("trading.main")
    for verb, body in (("MSG.DELETE", {"seq": 1}), ("PURGE", {})):
        with pytest.raises(ApiError):
            await people[OPERATOR].bus.api(f"STREAM.{verb}.EVENTS", body)
    assert (await people[OPERATOR].bus.state(EVENTS)).last_seq == 1


async def test_a_service_reads_its_own_input_and_nothing_else(people: dict[str, Person]) -> None:
    """Each service opens its consumer on its stream; on every other stream it may not even look."""
    for service in SERVICES:
        person, stream = people[service], READS[service]
        cursor = await person.bus.open(stream, service, 1)
        await cursor.close()
        for other in STREAMS:
            if other is not stream:
                assert not await person.answered(f"$JS.API.STREAM.INFO.{other.name}"), (service, other.name)
                create = f"$JS.API.CONSUMER.CREATE.{other.name}.{service}"
                assert not await person.answered(create, consumer(other, service)), (service, other.name)


async def test_a_service_cannot_touch_another_ones_consumer(people: dict[str, Person]) -> None:
    """Four services read EVENTS; none may pull, acknowledge, delete or replace the consumer of another."""
    readers = [service for service in SERVICES if READS[service] is EVENTS]
    for service in readers:
        await (await people[service].bus.open(EVENTS, service, 1)).close()
    for service in readers:
        for other in readers:
            if other == service:
                continue
            for question, body in {
                f"$JS.API.CONSUMER.MSG.NEXT.EVENTS.{other}": b"1",
                f"$JS.API.CONSUMER.DELETE.EVENTS.{other}": b"",
                f"$JS.API.CONSUMER.INFO.EVENTS.{other}": b"",
                f"$JS.API.CONSUMER.CREATE.EVENTS.{other}": consumer(EVENTS, other),
                f"$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.{other}": consumer(EVENTS, other),
                f"$JS.ACK.EVENTS.{other}.1.1.1.1.0": b"+ACK",
            }.items():
                assert not await people[service].answered(question, body), (service, question)
    names = (await people[OPERATOR].bus.api("CONSUMER.NAMES.EVENTS"))["consumers"]
    assert sorted(names) == sorted(readers)


async def test_a_consumer_name_in_the_request_does_not_widen_the_right(people: dict[str, Person]) -> None:
    """The subject names risk, the body names funding: the server does not make funding's consumer."""
    await (await people["funding"].bus.open(EVENTS, "funding", 5)).close()
    with pytest.raises(ApiError):
        await people["risk"].bus.api("CONSUMER.CREATE.EVENTS.risk", json.loads(consumer(EVENTS, "funding")))
    info = await people[OPERATOR].bus.api("CONSUMER.INFO.EVENTS.funding")
    assert info["config"]["opt_start_seq"] == 5


async def test_nobody_hears_what_is_not_theirs(people: dict[str, Person]) -> None:
    """`>`, other people's inboxes, other services' queries and the JetStream API stay silent for everybody."""
    for user in OUTSIDERS:
        others = [other for other in USERS if other != user]
        quiet = [">", "$JS.>", "_INBOX.>", "query.>", "*.>", *(f"{inbox_prefix(other)}.>" for other in others)]
        quiet += [f"query.{service}.>" for service in SERVICES if service != user]
        quiet += ["orders.>", "transfers.>", "dead.>", "funding.>", "earnings.>", "analytics.>", "market.>"]
        if user != "gateway":
            quiet.append("trading.>")
        for subject in quiet:
            assert not await people[user].may_listen(subject), (user, subject)
        assert await people[user].may_listen(f"{inbox_prefix(user)}.>")


async def test_queries_are_asked_by_the_gateway_and_answered_by_their_service(people: dict[str, Person]) -> None:
    """The gateway asks any service; a service answers only its own queries; nobody else may ask."""

    async def answer(message: Any) -> None:
        await message.respond(b'{"ok": true}')

    for service in SERVICES:
        await people[service].client.subscribe(f"query.{service}.state", cb=answer)
        await people[service].settled()
    for service in SERVICES:
        assert await people["gateway"].answered(f"query.{service}.state", wanted="ok")
        for user in OUTSIDERS:
            if user != "gateway":
                assert not await people[user].answered(f"query.{service}.state", wanted="ok"), (user, service)


async def test_the_books_are_for_the_public(people: dict[str, Person]) -> None:
    """LIB-BOOK-008: viewers, traders and the gateway hear changes and ask for snapshots; services have no need to."""

    async def answer(message: Any) -> None:
        await message.respond(b'{"ok": true}')

    await people["matching"].client.subscribe("query.matching.*", cb=answer)
    await people["matching"].settled()
    for user in OUTSIDERS:
        allowed = user in (VIEWER, TRADER, "gateway")
        for feed in ("books.>", "auctions.>"):
            assert await people[user].may_listen(feed) is allowed, (user, feed)
        for name in ("auctions", "book", "depth", "impact"):
            assert await people[user].answered(f"query.matching.{name}", wanted="ok") is allowed, (user, name)
        assert await people[user].answered("query.matching.account", wanted="ok") is (user == "gateway"), user
    assert await people["matching"].stored("books.BTC-PERP")


async def test_a_viewer_hears_alerts_with_a_plain_client_and_reads_them_back(people: dict[str, Person]) -> None:
    """Subscribing to `risk.alerts.>` needs nothing but NATS; what was missed is read by its sequence number."""
    heard: list[str] = []

    async def on_alert(message: Any) -> None:
        heard.append(message.subject)

    viewer = people[VIEWER]
    await viewer.client.subscribe("risk.alerts.>", cb=on_alert)
    await viewer.settled()
    assert await people["risk"].stored("risk.alerts.critical.alice")
    assert await people["risk"].stored("risk.alerts.resolved.alice")
    await viewer.settled()
    assert heard == ["risk.alerts.critical.alice", "risk.alerts.resolved.alice"]
    reply = await viewer.client.request("$JS.API.DIRECT.GET.RISK", b'{"seq": 2}', timeout=30)
    assert reply.headers is not None
    assert (reply.headers["Nats-Subject"], reply.headers["Nats-Sequence"]) == ("risk.alerts.resolved.alice", "2")


async def test_a_viewer_reads_and_does_nothing_else(people: dict[str, Person]) -> None:
    """No publishing, no consumers, no other stream, not even another stream's direct get."""
    viewer = people[VIEWER]
    questions = {
        "risk.alerts.critical.alice": b"{}",
        "$JS.API.CONSUMER.CREATE.RISK": consumer(RISK, "peek"),
        "$JS.API.CONSUMER.CREATE.RISK.peek": consumer(RISK, "peek"),
        "$JS.API.CONSUMER.MSG.NEXT.RISK.gateway": b"1",
        "$JS.API.STREAM.MSG.GET.RISK": b'{"seq": 1}',
        "$JS.API.DIRECT.GET.EVENTS": b'{"seq": 1}',
        "$JS.API.DIRECT.GET.COMMANDS": b'{"seq": 1}',
    }
    for question, body in questions.items():
        assert not await viewer.answered(question, body), question
    for name in BY_NAME:
        assert not await viewer.answered(f"$JS.API.STREAM.INFO.{name}"), name


async def test_a_trader_sends_orders_and_sees_nothing(people: dict[str, Person]) -> None:
    """An outside publisher's message is stored; it cannot read the stream it writes to."""
    trader = people[TRADER]
    assert await trader.stored("orders.BTC-PERP")
    assert not await trader.answered("$JS.API.STREAM.INFO.COMMANDS")
    assert not await trader.answered("$JS.API.DIRECT.GET.COMMANDS", b'{"seq": 1}')
    assert (await people[OPERATOR].bus.state(COMMANDS)).last_seq == 1


async def test_a_guest_reads_trading_events_and_answers_its_own_queries(
    broker: Broker, people: dict[str, Person]
) -> None:
    """LIB-GUEST-001."""

    async def answer(message: Any) -> None:
        await message.respond(b'{"ok": true}')

    assert await people["matching"].stored("trading.main")
    async with broker.client(GUEST) as client:
        guest = Person(GUEST, client)
        cursor = await guest.bus.open(EVENTS, GUEST, 1)
        assert [delivery.subject for delivery in await cursor.fetch()] == ["trading.main"]
        await cursor.close()
        assert [delivery.stream_seq for delivery in await guest.bus.read(EVENTS, 1, 10)] == [1]
        await client.subscribe(f"query.{GUEST}.state", cb=answer)
        await guest.settled()
        assert await people["gateway"].answered(f"query.{GUEST}.state", wanted="ok")
        assert not await people[TRADER].answered(f"query.{GUEST}.state", wanted="ok")
        for stream in STREAMS:
            for subject in subjects_of(stream):
                assert not await guest.stored(subject), subject
            if stream is not EVENTS:
                assert not await guest.answered(f"$JS.API.STREAM.INFO.{stream.name}"), stream.name
                assert not await guest.answered(f"$JS.API.DIRECT.GET.{stream.name}", b'{"seq": 1}'), stream.name
        for verb in ("MSG.NEXT", "DELETE", "INFO", "CREATE"):
            assert not await guest.answered(f"$JS.API.CONSUMER.{verb}.EVENTS.risk", consumer(EVENTS, "risk")), verb
        quiet = (">", "trading.>", "query.>", "query.risk.>", "_INBOX.>", f"{inbox_prefix('risk')}.>", "dead.>")
        for subject in quiet:
            assert not await guest.may_listen(subject), subject


@pytest.mark.parametrize("name", ["", "risk", "operator", "public", "risk_2", "a.b", ">", "Turnover", "x" * 32, "1st"])
def test_a_guest_takes_nobody_elses_name(name: str) -> None:
    """LIB-GUEST-002: neither that of a user or a pool, nor one that is more than a word in a subject or in SQL."""
    assert not is_guest_name(name)
    with pytest.raises(ValueError, match="name"):
        users({**dict.fromkeys(USERS, ""), name: ""}, (name,))


@pytest.mark.parametrize(("user", "password"), [("", ""), ("risk", "wrong"), ("stranger", "nats-stranger")])
async def test_without_the_right_password_nobody_gets_in(broker: Broker, user: str, password: str) -> None:
    """Anonymous, wrong and unknown sign-ins end at the door."""
    client = Client()

    async def on_error(_error: Exception) -> None:
        return None

    with pytest.raises((NatsError, OSError)):
        await client.connect(
            broker.server.url, user=user or None, password=password or None, allow_reconnect=False, error_cb=on_error
        )
    await client.close()


async def test_provisioning_again_changes_nothing(people: dict[str, Person]) -> None:
    """A second set-up finds every stream as the table says."""
    assert await ensure_streams(people[OPERATOR].bus) == []


async def test_a_silent_server_is_not_mistaken_for_a_refusal(people: dict[str, Person]) -> None:
    """The check itself: a question that is allowed and never answered raises instead of counting as refused."""
    with pytest.raises((NatsTimeout, NatsError)):
        await people[OPERATOR].answered("nobody.listens.here")


def consumer(stream: Stream, name: str) -> bytes:
    """The request that makes a consumer."""
    return json.dumps(
        {
            "stream_name": stream.name,
            "action": "create",
            "config": {"durable_name": name, "name": name, "ack_policy": "all"},
        }
    ).encode()
