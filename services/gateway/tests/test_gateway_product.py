"""Events of a person's client over real HTTP: batches, the switch, the erasure, and who may see what."""

import base64
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
import pytest
from cleartide.bus.confirm import confirm
from cleartide.bus.nats import NatsBus
from cleartide.bus.provision import ensure_streams
from cleartide.bus.streams import DEAD_LETTERS, PRODUCT

from services.gateway.identity.people import now_micros
from services.gateway.tests.entrance import Entrance, entrance
from services.gateway.usage.items import KINDS, read_items
from tests.support.servers import Broker, Database

NOW = 1_800_000_000_000_000
WEEK = 7 * 86_400_000_000
PERSON = "a" * 32
GOOD: dict[str, dict[str, Any]] = {
    "action": {"name": "filter_changed", "properties": {"span": "30d"}},
    "page": {"page": "/risk.html", "referrer": "example.com", "load_micros": 120_000},
    "session_start": {"device": "mobile"},
    "session_end": {},
    "feature": {"feature": "export_csv", "uses": 2},
    "journey_step": {"journey": "first_deposit", "step": 1},
    "error": {"name": "timeout", "text": "no answer", "fatal": True},
    "performance": {"metric": "first_paint", "value": 312_000},
}


def item(kind: str, number: int, at: int = NOW, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "id": f"e{number}", "at": at, "session": "s1", **GOOD[kind], **more}


def test_every_kind_is_taken() -> None:
    """GW-PROD-001: one of each of the eight kinds, in order."""
    good, refused = read_items([item(kind, number) for number, kind in enumerate(KINDS)], PERSON, NOW)
    assert ([type(event) for event in good], refused) == (list(KINDS.values()), [])


BAD: list[tuple[Any, str]] = [
    (7, "not_an_object"),
    ({}, "unknown_kind"),
    ({**item("page", 1), "kind": ["page"]}, "unknown_kind"),
    (item("page", 1, page="risk"), "invalid_event"),
    (item("page", 1, page="/x?email=a@b.c"), "invalid_event"),
    (item("page", 1, surprise=1), "invalid_event"),
    (item("page", 1, person="b" * 32), "invalid_event"),
    (item("page", 1, source="matching"), "invalid_event"),
    ({**item("page", 1), "at": "now"}, "invalid_event"),
    (item("page", 1, at=True), "invalid_event"),
    ({"kind": "page", "at": NOW, "session": "s1"}, "invalid_event"),
    (item("action", 1, properties={f"p{n}": "x" for n in range(17)}), "invalid_event"),
    (item("action", 1, properties={"a": {"b": 1}}), "invalid_event"),
    (item("feature", 1, uses=0), "invalid_event"),
    (item("performance", 1, value=-1), "invalid_event"),
    (item("error", 1, text="x" * 201), "invalid_event"),
    (item("page", 1, at=NOW - WEEK), "too_old"),
    (item("page", 1, at=NOW + 300_000_001), "in_future"),
    (item("page", 0), "repeated"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_a_bad_item_costs_its_neighbours_nothing(bad: Any, reason: str) -> None:
    """GW-PROD-002: it is named by its place and a reason; the others are taken."""
    good, refused = read_items([item("page", 0), bad, item("page", 2)], PERSON, NOW)
    assert [event.event_id for event in good] == ["e0", "e2"]
    assert [(each.index, each.reason) for each in refused] == [(1, reason)]


@pytest.fixture
async def door(database: Database, broker: Broker) -> AsyncIterator[Entrance]:
    async with broker.client("operator") as operator:
        await ensure_streams(NatsBus(operator))
    async with entrance(database, broker) as found:
        yield found


async def _messages(broker: Broker, stream: Any) -> list[Any]:
    async with broker.client("operator") as operator:
        found = await NatsBus(operator).read(stream, 1, 100)
    return [msgspec.json.decode(delivery.payload) for delivery in found]


async def test_a_batch_becomes_one_message_under_a_pseudonym(door: Entrance, broker: Broker) -> None:
    """GW-PROD-003: the good items in one message that does not say who; the bad ones as letters that do not either."""
    ann = await door.sign_in()
    batch = [item("page", 1, at=now_micros()), {"kind": "page", "id": "bad"}, item("error", 2, at=now_micros())]
    status, answer, _ = await ann.ask("POST", "product/events", {"events": batch})
    assert (status, answer["accepted"], [each["index"] for each in answer["refused"]]) == (202, 2, [1])
    person = (await ann.ask("GET", "me/privacy"))[1]["person"]
    (message,) = await _messages(broker, PRODUCT)
    assert [(event["type"], event["person"]) for event in message] == [
        ("PageViewed", person),
        ("ErrorReported", person),
    ]
    (letter,) = await _messages(broker, DEAD_LETTERS)
    assert (letter["service"], letter["reason"], letter["index_in_message"]) == ("gateway", "invalid_event", 1)
    assert msgspec.json.decode(base64.b64decode(letter["payload_base64"])) == batch[1]
    for secret in (ann.user, person):
        assert secret not in str(letter)
    assert ann.user not in str(message)
    bad = [{"kind": "page", "id": f"b{number}"} for number in range(40)]
    assert len((await ann.ask("POST", "product/events", {"events": bad}))[1]["refused"]) == 40
    assert len(await _messages(broker, DEAD_LETTERS)) == 11


async def test_a_person_switches_recording_off_and_erases(door: Entrance, broker: Broker) -> None:
    """GW-PROD-004: off sends nothing more, on does again; erasing tells it and draws another pseudonym."""
    ann, ben = await door.sign_in(), await door.sign_in()
    first = (await ann.ask("GET", "me/privacy"))[1]
    assert first["recording"] is True
    assert first["person"] != (await ben.ask("GET", "me/privacy"))[1]["person"]
    assert (await ann.ask("PUT", "me/privacy", {"recording": False}))[1]["recording"] is False
    batch = {"events": [item("page", 1, at=now_micros()), 5]}
    assert (await ann.ask("POST", "product/events", batch))[1] == {"recording": False, "accepted": 0, "refused": []}
    assert (await ann.ask("PUT", "me/privacy", {"recording": True}))[1]["person"] == first["person"]
    status, after, _ = await ann.ask("DELETE", "me/privacy/recorded")
    assert (status, after["recording"]) == (202, True)
    assert after["person"] != first["person"]
    told = [event for message in await _messages(broker, PRODUCT) for event in message]
    kinds = ["RecordingAllowed", "RecordingAllowed", "PersonErased"]
    assert [(event["type"], event["person"]) for event in told] == [(kind, first["person"]) for kind in kinds]
    assert await _messages(broker, DEAD_LETTERS) == []


NOTHING: Final[dict[str, Any]] = {
    "from_day": "2026-11-16",
    "to_day": "2026-11-22",
    "totals": {
        **dict.fromkeys(("events", "page_views", "features", "errors", "sessions", "short_sessions"), 0),
        "session_seconds": 0,
        "mean_session_seconds": None,
        "conversions": 0,
    },
    "days": [],
    "used": {},
    "visits": [],
}


async def test_who_may_ask(door: Entrance, broker: Broker) -> None:
    """GW-PROD-005: strangers nothing, a person his own, the platform only those who read for the venue."""
    asked: list[dict[str, Any]] = []

    async def answer(message: Any) -> None:
        asked.append({"query": message.subject, **msgspec.json.decode(message.data)})
        await message.respond(msgspec.json.encode({"ok": True, "data": NOTHING}))

    ann = await door.sign_in()
    calls = [("POST", "product/events", {"events": [1]}), ("PUT", "me/privacy", {"recording": True})]
    for method, path, body in [*calls, ("GET", "me/product", None), ("DELETE", "me/privacy/recorded", None)]:
        assert (await door.ask(method, path, body))[0] == 401, path
    assert (await ann.ask("GET", "product/platform"))[0] == 403
    wrong: tuple[Any, ...] = ({"events": []}, {"events": [1] * 201}, {"events": [1], "person": PERSON})
    for bad_body in wrong:
        assert (await ann.ask("POST", "product/events", bad_body))[0] == 422
    assert (await ann.ask("GET", "me/product?days=8"))[0] == 422
    person = (await ann.ask("GET", "me/privacy"))[1]["person"]
    async with broker.client("product") as product:
        await product.subscribe("query.product.>", cb=answer)
        await confirm(product)
        status, own, _ = await ann.ask("GET", "me/product?days=7")
    assert status == 200, own
    assert (own["totals"], own["privacy"]["person"]) == (NOTHING["totals"], person)
    assert asked == [{"query": "query.product.person", "person": person, "days": 7}]
