"""A process beside a service's fold, one of any number: tasks of the service that fold nothing, and answer no queries.

It has the service's name, user and schema, its own connections, and the pages of health that every process has.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import uvloop
from prometheus_client import CollectorRegistry

from cleartide.service.definition import Beside, Surroundings
from cleartide.service.memory import expect_batches
from cleartide.service.process import drain, exit_code, stopped_by_signals, surroundings, until_one_ends
from cleartide.settings import ServiceSettings
from cleartide.store.beside import seen_beside
from cleartide.telemetry.health import health_app, serve
from cleartide.telemetry.logs import configure_logs
from cleartide.telemetry.tracing import configure_tracing


def main_beside(name: str, role: str, tasks: Sequence[Beside]) -> None:
    """Run tasks of the service `name`, among them one with a public port, until SIGTERM or SIGINT."""
    settings = ServiceSettings()
    configure_logs(name, settings.log_level, settings.log_format)
    configure_tracing(name)
    expect_batches()
    raise SystemExit(uvloop.run(_run(name, role, tasks, settings)))


async def _run(name: str, role: str, tasks: Sequence[Beside], settings: ServiceSettings) -> int:
    stopping, registry = stopped_by_signals(), CollectorRegistry()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(seen_beside(name, settings.postgres_dsn))
        _, around = await surroundings(name, settings, registry, stopping, stack)
        server = await serve(
            health_app(lambda: _report(role, around), registry), settings.http_host, settings.http_port
        )
        stack.push_async_callback(server.cleanup)
        running = [asyncio.create_task(_alone(task, around)) for task in tasks]
        failed = await until_one_ends(running, stopping)
        await drain(running)
        return exit_code(failed)


async def _alone(task: Beside, around: Surroundings) -> None:
    await task(around)


def _report(role: str, around: Surroundings) -> dict[str, Any]:
    """Ready means: its port takes connections, and the bus is there, without which it can ask nobody."""
    connected, listening = around.nats.is_connected, around.listening.is_set()
    return {
        "service": around.name,
        "role": role,
        "ready": connected and listening and not around.stopping.is_set(),
        "phase": "serving" if listening else "starting",
        "bus": "connected" if connected else "lost",
    }
