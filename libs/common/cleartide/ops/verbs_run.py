"""What the verbs of `cleartide` on a running system do; `verbs` has their options."""

import argparse
import asyncio
import json
import shutil
import sys
import textwrap
from datetime import UTC, datetime
from typing import Any, Final

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from cleartide.bus.api import ApiError
from cleartide.bus.confirm import confirm
from cleartide.bus.nats import NatsBus
from cleartide.bus.ports import Delivery
from cleartide.bus.streams import BY_NAME, COMMANDS, Stream
from cleartide.client import Client, PublishError
from cleartide.contracts.codec import Decoder, Refusal
from cleartide.ops.ask import ask_archive
from cleartide.ops.chain import chain_of, events_of, told
from cleartide.ops.place import find_place
from cleartide.store.asking import ArchiveQueryError
from cleartide.store.objects import ObjectStoreError

HELD: Final = 10_000
READ_AT_ONCE: Final = 200
FOLLOW_SECONDS: Final = 0.25
LONGEST_WAIT: Final = 5.0
LONGEST_LINE: Final = 160
LEAST_COLUMNS: Final = 60
MOST_COLUMNS: Final = 160
OPERATOR: Final = "operator"
FAILURES: Final = (NatsError, ApiError, PublishError, ValueError, ObjectStoreError, ArchiveQueryError)


async def sub(arguments: argparse.Namespace) -> int:
    """Print what is said on a subject, from now on."""
    said: asyncio.Queue[Msg] = asyncio.Queue(HELD)

    async def hear(message: Msg) -> None:
        if not said.full():
            said.put_nowait(message)

    async with find_place().bus(arguments.user) as client:
        await client.subscribe(arguments.subject, cb=hear)
        await confirm(client)
        print(f"listening on {arguments.subject}", file=sys.stderr, flush=True)
        left = arguments.count
        while True:
            message = await said.get()
            for event in events_of(message.data):
                print(json.dumps(event) if arguments.json else _line(message.subject, event), flush=True)
            left -= 1
            if left == 0:
                return 0


async def ask(arguments: argparse.Namespace) -> int:
    """Print what SQL over the archive gives."""
    return await ask_archive(arguments)


async def crash(arguments: argparse.Namespace) -> int:
    """Let a sandbox's market crash."""
    from cleartide.ops.demo.crash import crash as run

    return await run(arguments)


async def kill(arguments: argparse.Namespace) -> int:
    """Kill a service, and tell what its coming back was like."""
    from cleartide.ops.demo.kill import kill as run

    return await run(arguments)


async def pub(arguments: argparse.Namespace) -> int:
    """Publish one command; it is held against its contract before it leaves."""
    text = sys.stdin.read() if arguments.message == "-" else arguments.message
    [command] = Decoder(COMMANDS.contracts, public=True).decode(text.encode())
    if isinstance(command, Refusal):
        print(f"not sent, {command.reason}: {command.error}", file=sys.stderr)
        return 1
    user = arguments.user or (OPERATOR if command.subject.startswith("admin.") else "trader")
    async with Client.connect(find_place().nats_as(user)) as client:
        # lint: allow one-publish: the client is the door, and this its command line
        receipt = await client.publish(command)
    again = " (a duplicate: the first one counts)" if receipt.duplicate else ""
    print(f"{receipt.message_id} is #{receipt.stream_seq} of the sequence{again}")
    return 0


async def tail(arguments: argparse.Namespace) -> int:
    """The last messages of a stream; --follow goes on."""
    stream = _stream(arguments.stream)
    async with find_place().bus(OPERATOR) as client:
        bus = NatsBus(client)
        bounds = await bus.state(stream)
        place = max(bounds.first_seq, bounds.last_seq - arguments.last + 1, 1)  # an empty stream begins at 0
        while True:
            found = await bus.read(stream, place, READ_AT_ONCE)
            for delivery in found:
                _show(delivery, as_json=arguments.json)
                place = delivery.stream_seq + 1
            if not found and not arguments.follow:
                return 0
            if not found:
                await asyncio.sleep(FOLLOW_SECONDS)


async def replay(arguments: argparse.Namespace) -> int:
    """Stored messages again, in their order and at their pace."""
    stream, place, before = _stream(arguments.stream), arguments.first, 0
    async with find_place().bus(OPERATOR) as client:
        bus = NatsBus(client)
        last = min(arguments.last or 2**62, (await bus.state(stream)).last_seq)
        while place <= last and (found := await bus.read(stream, place, READ_AT_ONCE)):
            for delivery in found:
                if delivery.stream_seq > last:
                    return 0
                if before and arguments.speed:
                    await asyncio.sleep(min((delivery.at - before) / 1e6 / arguments.speed, LONGEST_WAIT))
                before, place = delivery.at, delivery.stream_seq + 1
                _show(delivery, as_json=arguments.json)
    return 0


async def trace(arguments: argparse.Namespace) -> int:
    """An alert back to the frame that caused it, with the milliseconds of each step."""
    async with find_place().bus(OPERATOR) as client:
        links = await chain_of(NatsBus(client), arguments.id)
    if not links:
        print(f"there is no message {arguments.id} in the streams", file=sys.stderr)
        return 1
    if arguments.json:
        fields = [
            dict(zip(("stream", "stream_seq", "stored_at", "subject", "event"), _parts(link), strict=True))
            for link in links
        ]
        print(json.dumps(fields, indent=2))
        return 0
    began = links[-1].stored_at
    for depth, link in enumerate(reversed(links)):
        after = (link.stored_at - began) / 1000
        where = f"{link.stream} #{link.stream_seq}  {link.event['id']}"
        _within(f"{after:+9.3f} ms  {'  ' * depth}", f"{link.event['type']}  {where}")
        _within(f"{'':13}  {'  ' * depth}", told(link.event))
    print(f"{len(links)} messages, {_time(began)} to {_time(links[0].stored_at)}")
    return 0


def _within(lead: str, text: str) -> None:
    """Print a text behind its lead, on as many lines as the terminal's width asks for."""
    width = max(LEAST_COLUMNS, shutil.get_terminal_size((MOST_COLUMNS, 0)).columns)
    for number, line in enumerate(
        textwrap.wrap(text, max(LEAST_COLUMNS // 2, width - len(lead)), break_on_hyphens=False)
    ):
        print((lead if number == 0 else " " * len(lead)) + line)


def _parts(link: Any) -> tuple[Any, ...]:
    return (link.stream, link.stream_seq, link.stored_at, link.subject, link.event)


async def doctor(arguments: argparse.Namespace) -> int:
    """Check the system, and say of each fault what to do."""
    from cleartide.ops.doctor import examine

    findings = await examine(find_place())
    if arguments.json:
        print(json.dumps([finding._asdict() for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{finding.state:5} {finding.name:24} {finding.detail}")
            if finding.state != "ok":
                print(f"      {'':24} -> {finding.remedy}")
        bad = [sum(finding.state == state for finding in findings) for state in ("ok", "warn", "fail")]
        print(f"{len(findings)} checks: {bad[0]} ok, {bad[1]} to look at, {bad[2]} failed")
    return 1 if any(finding.state == "fail" for finding in findings) else 0


def _show(delivery: Delivery, *, as_json: bool) -> None:
    for event in events_of(delivery.payload):
        line = json.dumps(event) if as_json else f"#{delivery.stream_seq} {_time(delivery.at)} {_line('', event)}"
        print(line, flush=True)


def _line(subject: str, event: dict[str, Any]) -> str:
    said = textwrap.shorten(told(event), LONGEST_LINE, placeholder=" …")
    return f"{subject} {event.get('type', '?')} {event.get('id', '')} {said}".strip()


def _time(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1e6, UTC).strftime("%H:%M:%S.%f")


def _stream(name: str) -> Stream:
    if (stream := BY_NAME.get(name.upper())) is None:
        raise ValueError(f"there is no stream {name}: choose from {', '.join(sorted(BY_NAME))}")
    return stream
