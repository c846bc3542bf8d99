"""Webhooks on real servers: from the stream to a receiver, through whatever goes wrong."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cleartide.bus.nats import NatsBus
from cleartide.bus.streams import EVENTS

from services.gateway.domain.occurrences import ALL_KINDS
from services.gateway.edge.errors import ApiError
from services.gateway.notify import signing
from services.gateway.notify.addresses import Forbidden, GuardedResolver, Networks
from services.gateway.notify.feeder import Overtaken
from services.gateway.tests.notify_desk import LOOPBACK, Desk, Servers, made, say
from services.gateway.tests.receivers import receiver, until
from services.gateway.tests.support import START, mark_price, publish_events, trade


async def test_an_event_reaches_its_endpoints_signed_and_nobody_else(light: Servers, desk: Desk) -> None:
    """GW-HOOK-010: each endpoint gets its owner's events of its kinds, once, with an id and a signature to verify."""
    async with receiver() as his, receiver() as other:
        mine = await desk.webhooks.add_endpoint("a1", f"{his.url}/hook", ["order.filled"])
        await desk.webhooks.add_endpoint("a1", f"{his.url}/none", ["market.updated"])
        await desk.webhooks.add_endpoint("zed", f"{other.url}/x", ALL_KINDS)
        await say(light, trade(1, 618_000, 20))
        await desk.feed()
        await desk.deliver()
        await desk.deliver()
        [(headers, body)] = his.got
        said = json.loads(body)
        assert (said["id"], said["type"], said["account"]) == ("matching-1.0", "order.filled", "a1")
        assert (said["data"]["price"], said["timestamp"]) == ("61800.0", START + 1)
        assert other.got == [], "what is one's own is told to nobody else"
        key = base64.b64decode(mine["secret"].removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert await desk.states("a1", mine["id"]) == [("delivered", 1)]


def test_signatures_are_those_of_the_published_specification() -> None:
    """GW-HOOK-011: the example that the specification's own libraries are tested with."""
    signature = signing.sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        b'{"test": 2432232314}',
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_failing_receiver_is_tried_again_later_under_the_same_id(light: Servers, desk: Desk) -> None:
    """GW-HOOK-012: retries wait longer each time, carry the same id and body, and end as failed; a replay revives."""
    async with receiver(lambda number: 500 if number <= 3 else 200) as broken:
        mine = await desk.webhooks.add_endpoint("a1", broken.url, ["order.filled"])
        await say(light, trade(1, 618_000, 20))
        await desk.feed()
        await desk.deliver()
        await desk.deliver()
        assert len(broken.got) == 1, "the second attempt waits"
        desk.clock.on(1)
        await desk.deliver()
        desk.clock.on(4)
        await desk.deliver()
        assert await desk.states("a1", mine["id"]) == [("failed", 3)]
        assert len({(headers["webhook-id"], body) for headers, body in broken.got}) == 1
        assert [headers["webhook-attempt"] for headers, _ in broken.got] == ["1", "2", "3"]
        assert await desk.webhooks.replay("a1", mine["id"]) == 1
        desk.clock.on(300)
        await desk.deliver()
        assert await desk.states("a1", mine["id"]) == [("delivered", 1)]
        assert set(broken.ids) == {"matching-1.0"}


async def test_a_refusal_and_a_redirect_are_not_tried_again(light: Servers, desk: Desk) -> None:
    """GW-HOOK-013: 4xx and redirects end a delivery; nobody is led elsewhere by a Location."""
    async with receiver(lambda number: 302 if number == 1 else 404) as odd:
        mine = await desk.webhooks.add_endpoint("a1", odd.url, ["order.filled"])
        await say(light, trade(1, 618_000, 20), trade(2, 618_000, 20))
        await desk.feed()
        await desk.deliver()
        await desk.deliver()
        assert await desk.states("a1", mine["id"]) == [("failed", 1), ("failed", 1)]


async def test_an_endpoint_that_stays_dead_is_switched_off_and_keeps_its_queue(light: Servers, desk: Desk) -> None:
    """GW-HOOK-014: after failing often and long, or once with 410; switched on again, it gets what is waiting."""
    async with receiver(lambda number: 500 if number <= 20 else 200) as dead, receiver(lambda _n: 410) as gone:
        mine = await desk.webhooks.add_endpoint("a1", dead.url, ["order.filled"])
        left = await desk.webhooks.add_endpoint("a1", gone.url, ["order.filled"])
        await say(light, *(trade(seq, 618_000, 20) for seq in range(1, 12)))
        await desk.feed()
        for _ in range(20):
            await desk.deliver()
            desk.clock.on(3_600)
        assert (await desk.webhooks.get("a1", left["id"]))["reason"] == "answered 410 Gone"
        off = await desk.webhooks.get("a1", mine["id"])
        assert (off["state"], off["failures"]) == ("disabled", 20)
        waiting = [state for state, _ in await desk.states("a1", mine["id"])].count("pending")
        await desk.deliver()
        assert len(dead.got) == 20, "an endpoint that is off is left in peace"
        await desk.webhooks.change("a1", mine["id"], state="active")
        await desk.deliver()
        assert waiting
        assert len(dead.got) == 20 + waiting


async def test_a_receiver_that_hangs_keeps_nobody_waiting(light: Servers, desk: Desk) -> None:
    """GW-HOOK-015: while one endpoint holds its answer back, another gets everything."""
    async with receiver(held=True) as slow, receiver() as quick:
        await desk.webhooks.add_endpoint("a1", slow.url, ["order.filled"])
        other = await desk.webhooks.add_endpoint("a1", quick.url, ["order.filled"])
        await say(light, *(trade(seq, 618_000, 20) for seq in range(1, 31)))
        await desk.feed()
        await desk.postman.look()
        await until(lambda: len(quick.got) == 30)
        assert len(slow.got) <= 1
        assert quick.ids == [f"matching-{seq}.0" for seq in range(1, 31)], "in order, one after the other"
        slow.hold.set()
        await desk.postman.settled()
        assert await desk.states("a1", other["id"]) == [("delivered", 1)] * 30


async def test_a_receiver_that_never_answers_is_given_up_in_time(light: Servers) -> None:
    """GW-HOOK-016: an attempt has a deadline, and counts as failed when it passes."""
    async with made(light, seconds=0.2) as desk, receiver(held=True) as silent:
        mine = await desk.webhooks.add_endpoint("a1", silent.url, ["order.filled"])
        await say(light, trade(1, 618_000, 20))
        await desk.feed()
        await desk.deliver()
        [row] = await desk.webhooks.deliveries("a1", mine["id"])
        assert (row["state"], row["attempts"], row["last_status"]) == ("pending", 1, None)
        assert "Timeout" in row["last_error"]


async def test_a_new_secret_signs_beside_the_old_one_for_a_day(light: Servers, desk: Desk) -> None:
    """GW-HOOK-017: rotation loses no event: both secrets sign until a day is over."""
    async with receiver() as hook:
        mine = await desk.webhooks.add_endpoint("a1", hook.url, ["system.maintenance"])
        fresh = await desk.webhooks.rotate("a1", mine["id"])
        await desk.webhooks.ping("a1", mine["id"])
        await desk.deliver()
        desk.clock.on(24 * 3_600)
        await desk.webhooks.ping("a1", mine["id"])
        await desk.deliver()
        (both, body), (one, later) = hook.got
        at, ident = int(both["webhook-timestamp"]), both["webhook-id"]
        wanted = [signing.sign(secret, ident, at, body) for secret in (fresh["secret"], mine["secret"])]
        assert both["webhook-signature"].split(" ") == wanted
        assert one["webhook-signature"] == signing.sign(
            fresh["secret"], one["webhook-id"], int(one["webhook-timestamp"]), later
        )


async def test_every_transaction_is_all_or_nothing_and_a_stale_process_gives_way(light: Servers, desk: Desk) -> None:
    """GW-HOOK-018: of two processes at one place one is told so, and events become deliveries once."""
    async with receiver() as hook:
        mine = await desk.webhooks.add_endpoint("a1", hook.url, ["order.filled"])
        feeder = desk.feeders[0]
        place = await feeder.place()
        await say(light, trade(1, 618_000, 20))
        await feeder.step(place)
        with pytest.raises(Overtaken):
            await feeder.step(place)
        assert await desk.states("a1", mine["id"]) == [("pending", 0)]


async def test_a_stream_made_anew_is_not_told_twice(light: Servers, desk: Desk) -> None:
    """GW-HOOK-019: after a restore the same events stand at other places; what was told is passed over."""
    async with receiver() as hook:
        mine = await desk.webhooks.add_endpoint("a1", hook.url, ["order.filled"])
        await say(light, trade(1, 618_000, 20), trade(2, 618_000, 20))
        await desk.feed()
        async with light.client() as operator:
            bus = NatsBus(operator)
            config = (await bus.api(f"STREAM.INFO.{EVENTS.name}"))["config"]
            await bus.api(f"STREAM.DELETE.{EVENTS.name}")
            await bus.api(f"STREAM.CREATE.{EVENTS.name}", config)
            for seq in (1, 2, 3):
                await publish_events(operator, trade(seq, 618_000, 20))
        await desk.feed()
        await desk.deliver()
        assert hook.ids == ["matching-1.0", "matching-2.0", "matching-3.0"]
        assert await desk.states("a1", mine["id"]) == [("delivered", 1)] * 3


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://10.0.0.5/",
        "https://192.168.1.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "http://example.com/",
        "ftp://example.com/",
        "file://localhost/etc/passwd",
        "https://user:password@example.com/",
        "https:///nothing",
        "https://example.com:0/",
        "https://example.com/\nX: y",
        "https://example.com/" + "a" * 2_048,
    ],
)
def test_private_addresses_and_odd_urls_are_refused(url: str) -> None:
    """GW-HOOK-020: nothing inside can be reached by writing its address into a webhook."""
    with pytest.raises(ValueError, match=r"\w"):
        LOOPBACK.check(url)


def test_what_the_operator_names_is_allowed() -> None:
    """GW-HOOK-021: loopback where it was named, the public internet by https, nothing else by default."""
    assert LOOPBACK.check("http://127.0.0.1:9000/hook")
    assert LOOPBACK.check("https://hooks.example.com/in?x=1")
    with pytest.raises(ValueError, match="private"):
        Networks([]).check("https://127.0.0.1:9000/hook")


@pytest.mark.parametrize("name", ["localhost", "2130706433", "127.1", "0x7f.1"])
async def test_a_name_that_leads_inside_is_not_called(name: str) -> None:
    """GW-HOOK-022: the address that is connected to is judged, whatever was written."""
    with pytest.raises(OSError, match=r"\w") as refused:
        await GuardedResolver(Networks([])).resolve(name, 80)
    assert isinstance(refused.value, Forbidden) or name != "localhost"


async def test_a_webhook_to_a_name_that_leads_inside_reaches_nobody(light: Servers) -> None:
    """GW-HOOK-023: at delivery too: a name that was public when it was written down gains nothing."""
    async with made(light, Networks([])) as desk, receiver() as inside:
        port = inside.url.rpartition(":")[2]
        mine = await desk.webhooks.add_endpoint("a1", f"http://localhost:{port}/", ["order.filled"])
        await say(light, trade(1, 618_000, 20))
        await desk.feed()
        await desk.deliver()
        assert inside.got == []
        assert [state for state, _ in await desk.states("a1", mine["id"])] == ["pending"]


async def test_endpoints_are_their_owners_alone_and_not_without_number(light: Servers, desk: Desk) -> None:
    """GW-HOOK-024: another owner finds nothing, and of many made at once no more than twenty stay."""
    mine = await desk.webhooks.add_endpoint("a1", "http://127.0.0.1:1/", ["order.filled"])
    assert "secret" not in await desk.webhooks.get("a1", mine["id"])
    calls: list[Callable[[], Any]] = [
        lambda: desk.webhooks.get("zed", mine["id"]),
        lambda: desk.webhooks.change("zed", mine["id"], state="disabled"),
        lambda: desk.webhooks.rotate("zed", mine["id"]),
        lambda: desk.webhooks.replay("zed", mine["id"]),
        lambda: desk.webhooks.ping("zed", mine["id"]),
        lambda: desk.webhooks.deliveries("zed", mine["id"]),
        lambda: desk.webhooks.remove("zed", mine["id"]),
    ]
    for call in calls:
        with pytest.raises(ApiError) as refused:
            await call()
        assert refused.value.status == 404
    at_once = (desk.webhooks.add_endpoint("a1", "http://127.0.0.1:1/", ["order.filled"]) for _ in range(25))
    made_now = await asyncio.gather(*at_once, return_exceptions=True)
    assert sum(isinstance(one, dict) for one in made_now) == 19
    assert len(await desk.webhooks.endpoints("a1")) == 20


async def test_a_price_alert_fires_once_at_the_first_mark_that_reaches_it(light: Servers, desk: Desk) -> None:
    """GW-HOOK-025: at or beyond the price, by the mark, once for all; it comes as webhook and as notification."""
    async with receiver() as hook:
        await desk.webhooks.add_endpoint("a1", hook.url, ["price.alert"])
        await desk.people.add_price_alert("a1", "a1", "BTC-PERP", "above", "62000")
        await desk.people.add_price_alert("a1", "a1", "BTC-PERP", "below", "50000")
        await say(light, mark_price(1, 619_999), mark_price(2, 620_000), mark_price(3, 640_000))
        await desk.feed()
        await say(light, mark_price(4, 650_000))
        await desk.feed()
        await desk.deliver()
        [said] = [json.loads(body) for _, body in hook.got]
        assert (said["data"]["mark"], said["timestamp"]) == ("62000.0", START + 2)
        assert (await desk.people.inbox("a1"))["notifications"][0]["title"] == "Price alert"
        fired = {row["direction"]: row["fired_at"] for row in await desk.people.price_alerts("a1")}
        assert fired == {"above": START + 2, "below": None}
