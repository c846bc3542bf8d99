"""Notifications on real servers: from the stream to inbox, mailbox and chat."""

from typing import Any

import pytest
from cleartide.contracts import VenueChanged
from cleartide.contracts.examples import EXAMPLES

from services.gateway.edge.errors import ApiError
from services.gateway.notify.sender import Sender, address_of
from services.gateway.tests.notify_desk import Desk, Servers, say
from services.gateway.tests.receivers import mailbox, receiver
from services.gateway.tests.support import START, alert, publish_alerts

pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")
"""What a library of mail's encryption imports, of which no use is made."""


async def test_alerts_come_into_the_inbox_and_are_read(light: Servers, desk: Desk) -> None:
    """GW-NOTE-020: what is important is told to everybody; read is read; another's inbox stays empty."""
    async with light.client() as client:
        said = (alert(1, level="critical"), alert(2, level="watch"), alert(3, "a1--sub", "warning"))
        await publish_alerts(client, *said)
    await desk.feed()
    inbox = await desk.people.inbox("a1")
    assert {row["account"] for row in inbox["notifications"]} == {"a1", "a1--sub"}
    assert (inbox["unread"], len(inbox["notifications"])) == (2, 2)
    assert await desk.people.read("a1", [inbox["notifications"][0]["id"]]) == 1
    assert (await desk.people.inbox("a1", unread=True))["unread"] == 1
    assert await desk.people.read("zed") == 0
    assert await desk.people.inbox("zed") == {"notifications": [], "unread": 0}


async def test_mail_push_and_chat_are_sent_where_the_owner_wants_them(light: Servers, desk: Desk) -> None:
    """GW-NOTE-021: through real mail and HTTP servers, once each; quiet hours hold back what is not urgent."""
    async with mailbox() as mail, receiver() as services:
        port = services.url.rpartition(":")[2]
        places = {
            "email": f"mailto://127.0.0.1:{mail.port}?mode=insecure&from=venue@cleartide.example&to={{target}}",
            "push": f"ntfy://127.0.0.1:{port}/{{target}}",
            "chat": f"mmost://127.0.0.1:{port}/{{target}}",
        }
        sender = Sender(desk.store, places, clock=desk.clock)
        addresses = {"email": "ann@mail.example", "push": "anns-topic", "chat": "abcdefghijklmnopqrstuvwxyz"}
        everything = (["in_app", "email", "push", "chat"], "low")
        await desk.people.set_profile("a1", addresses=addresses, choices={"risk": everything}, quiet=None)
        quiet_all_day = ("00:00", "23:59", "UTC")
        await desk.people.set_profile("a2", addresses=addresses, choices={"risk": everything}, quiet=quiet_all_day)
        async with light.client() as client:
            await publish_alerts(client, alert(1, level="watch"), alert(2, "a2", "watch"), alert(3, "a2", "critical"))
        await desk.feed()
        desk.clock.on(1)
        assert [await sender.send_due(channel) for channel in ("email", "push", "chat")] == [2, 2, 2]
        assert [await sender.send_due(channel) for channel in ("email", "push", "chat")] == [0, 0, 0]
        assert [recipient for recipient, _ in mail.mails] == ["ann@mail.example"] * 2
        assert any("Risk watch" in text for _, text in mail.mails)
        assert len(services.got) == 4
        assert any("abcdefghijklmnopqrstuvwxyz" in path for path in services.paths)
        desk.clock.on(24 * 3_600)
        assert await sender.send_due("email") == 1, "what had waited for the end of the quiet hours"


async def test_a_mail_server_that_is_away_is_tried_again_and_then_given_up(light: Servers, desk: Desk) -> None:
    """GW-NOTE-022: states pending, sent and failed say how it stands."""
    place = "mailto://127.0.0.1:1?mode=insecure&from=a@b.example&to={target}"
    sender = Sender(desk.store, {"email": place}, clock=desk.clock)
    choices = {"risk": (["email"], "low")}
    await desk.people.set_profile("a1", addresses={"email": "ann@mail.example"}, choices=choices, quiet=None)
    async with light.client() as client:
        await publish_alerts(client, alert(1, level="watch"))
    await desk.feed()
    desk.clock.on(1)
    tried = 0
    for _ in range(8):
        tried += await sender.send_due("email")
        desk.clock.on(3_600)
    async with desk.store.acting() as truth:
        [send] = await truth.fetch("SELECT state, attempts, last_error FROM notification_sends LIMIT 5")
        [note] = await truth.fetch("SELECT state FROM notifications LIMIT 5")
    assert (tried, send["state"], send["attempts"], note["state"]) == (6, "failed", 6, "failed")


@pytest.mark.parametrize(
    ("channel", "text"),
    [("email", "a@b"), ("email", "a@b.example?to=x"), ("push", "../etc"), ("push", "a/b"), ("chat", "x&y=z")],
)
def test_an_address_cannot_leave_its_place(channel: str, text: str) -> None:
    """GW-NOTE-023: nothing that somebody writes as his address changes where or how the operator sends."""
    with pytest.raises(ValueError, match="no address"):
        address_of(channel, text)


async def test_profiles_say_what_is_wrong_with_them(desk: Desk) -> None:
    """GW-NOTE-024: unknown types, channels, zones and hours are refused as a whole, and what was kept stays."""
    night = ("22:00", "07:00", "Europe/Berlin")
    good: dict[str, Any] = {"addresses": {"email": "a@b.example"}, "choices": {}, "quiet": night}
    kept = await desk.people.set_profile("a1", **good)
    assert kept["quiet_hours"] == {"begin": "22:00", "end": "07:00", "time_zone": "Europe/Berlin"}
    bad: list[dict[str, Any]] = [
        {"quiet": ("25:00", "07:00", "UTC")},
        {"quiet": ("22:00", "07:00", "Mars/Olympus")},
        {"quiet": ("22:00", "07:00", "../../etc/passwd")},
        {"choices": {"gossip": (["email"], "low")}},
        {"choices": {"risk": (["pigeon"], "low")}},
        {"addresses": {"email": "nobody"}},
    ]
    for wrong in bad:
        with pytest.raises(ApiError) as refused:
            await desk.people.set_profile("a1", **{**good, **wrong})
        assert refused.value.status == 422
    assert await desk.people.profile("a1") == kept


async def test_maintenance_is_told_to_everybody_who_wants_it(light: Servers, desk: Desk) -> None:
    """GW-NOTE-025: the venue's own settings reach every endpoint of that kind and every profile."""
    async with receiver() as hook:
        for owner in ("a1", "zed"):
            await desk.webhooks.add_endpoint(owner, f"{hook.url}/{owner}", ["system.maintenance"])
            await desk.people.set_profile(owner, addresses={}, choices={}, quiet=None)
        on = EXAMPLES[VenueChanged].model_copy(
            update={
                "id": "matching-1",
                "seq": 1,
                "occurred_at": START,
                "scope": "venue",
                "name": "maintenance",
                "old": "off",
                "new": "on",
            }
        )
        await say(light, on)
        await desk.feed()
        await desk.deliver()
        assert sorted(hook.paths) == ["/a1", "/zed"]
        assert {owner: (await desk.people.inbox(owner))["unread"] for owner in ("a1", "zed")} == {"a1": 1, "zed": 1}
