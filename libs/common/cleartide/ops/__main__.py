"""Command line of the operator's tools."""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg

from cleartide.bus.streams import services
from cleartide.connect import connected, nats_broker
from cleartide.contracts.pools import MOST_POOLS
from cleartide.ops import vaults
from cleartide.ops.dead import dead_letters, redrive
from cleartide.ops.rebuild import rebuild
from cleartide.ops.registry import definition
from cleartide.ops.restore import restore
from cleartide.ops.set_aside import RebuildError, take_back_all
from cleartide.ops.settings import OpsSettings
from cleartide.ops.setup import migrator, setup
from cleartide.ops.venue import add_parsers
from cleartide.ops.venue import run as run_venue
from cleartide.store.digest import schema_digests
from cleartide.store.migrations import MigrationError
from cleartide.store.names import enter_schema

Command = Callable[[OpsSettings, argparse.Namespace], Awaitable[None]]


async def _setup(settings: OpsSettings, _arguments: argparse.Namespace) -> None:
    for line in await setup(settings):
        print(line)


async def _status(settings: OpsSettings, arguments: argparse.Namespace) -> None:
    for service in arguments.services or settings.services:
        for line in await migrator(settings, service).status():
            print(f"{service:10} {line.version:8} {line.name:32} {line.state}")


async def _verify(settings: OpsSettings, arguments: argparse.Namespace) -> None:
    for service in arguments.services or settings.services:
        await migrator(settings, service).verify()
        print(f"{service}: every migration is applied and unchanged")


async def _migrate(settings: OpsSettings, arguments: argparse.Namespace) -> None:
    for line in await take_back_all(settings.admin_dsn, arguments.services or settings.services):
        print(line)
    for service in arguments.services or settings.services:
        for migration in await migrator(settings, service).migrate():
            print(f"{service}: {migration.version}_{migration.name} applied")


async def _digest(settings: OpsSettings, arguments: argparse.Namespace) -> None:
    connection = await asyncpg.connect(settings.admin_dsn)
    try:
        for service in arguments.services or settings.services:
            await enter_schema(connection, service)
            digests = await schema_digests(connection, definition(service).compared)
            print(json.dumps({"service": service, **digests}))
            await connection.execute("RESET ROLE")
    finally:
        await connection.close()


async def _rebuild(settings: OpsSettings, arguments: argparse.Namespace) -> None:
    for service in arguments.services or settings.services:
        done = await rebuild(settings, service, adopt=arguments.adopt)
        rate = done.position / done.seconds if done.seconds else 0
        equal = len(done.digests) - len(done.adopted)
        adopted = f"; adopted: {', '.join(done.adopted)}" if done.adopted else ""
        print(
            f"{service}: rebuilt to position {done.position} in {done.seconds:.2f} s ({rate:,.0f}/s), "
            f"{equal} digests equal{adopted}"
        )


async def _restore(settings: OpsSettings, _arguments: argparse.Namespace) -> None:
    for stream, count in (await restore(settings)).items():
        print(f"{stream}: made anew, {count} messages republished")


async def _dead(settings: OpsSettings, arguments: argparse.Namespace) -> None:
    broker = nats_broker(settings.nats_url, settings.nats_admin_user, settings.nats_admin_password, "cleartide-dead")
    client = await connected(broker, give_up_after=10)
    try:
        if arguments.redrive:
            print(f"#{arguments.redrive} published again on {await redrive(client, arguments.redrive)}")
            return
        async for seq, letter in dead_letters(client, arguments.after):
            print(f"#{seq} {letter.service} {letter.reason} {letter.subject_of_origin} {letter.error}")
    finally:
        await broker.stop()


COMMANDS: dict[str, tuple[Command, str]] = {
    "setup": (_setup, "make roles, schemas and streams, apply migrations; harmless to repeat"),
    "migrate": (_migrate, "apply pending migrations"),
    "status": (_status, "list every migration with its state"),
    "verify": (_verify, "fail unless every migration is applied and unchanged"),
    "digest": (_digest, "print the digests of the services' tables and outboxes"),
    "rebuild": (_rebuild, "fold a service's input again and prove the result equal (the service must be stopped)"),
    "restore": (_restore, "make missing streams anew from the outboxes (the services must be stopped)"),
    "dead": (_dead, "list dead letters, or publish one again"),
}


FAILURES: Final = (MigrationError, RebuildError, ValueError, OSError, LookupError, asyncpg.PostgresError, TimeoutError)


def main(arguments: list[str]) -> int:
    """Run one command; a failure is one line and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m cleartide.ops", description="Cleartide's operator tools")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name in ("migrate", "status", "verify", "digest", "rebuild"):
            command.add_argument(
                "services", nargs="*", choices=(*services(MOST_POOLS), []), help="default: every service"
            )
        if name == "rebuild":
            command.add_argument("--adopt", action="store_true", help="take what comes out also where it is different")
        if name == "dead":
            command.add_argument("--after", type=int, default=0, help="list only letters after this number")
            command.add_argument("--redrive", type=int, default=0, help="publish this letter's message again")
    add_parsers(commands)
    vaults.add_parser(commands)
    parsed = parser.parse_args(arguments)
    run = COMMANDS[parsed.command][0] if parsed.command in COMMANDS else run_venue
    try:
        asyncio.run(_awaited(run(OpsSettings(), parsed)))
    except FAILURES as error:
        print(f"{parsed.command}: {error or type(error).__name__}", file=sys.stderr)
        return 1
    return 0


async def _awaited(work: Awaitable[None]) -> None:
    await work


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
