"""What operators see: a trace through every hop, figures that are true, and readiness that means progress."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import asyncpg
import pytest
from cleartide.bus.nats import NatsBus
from cleartide.bus.ports import Delivery
from cleartide.bus.worker import Worker
from cleartide.service import Service, progress_report
from cleartide.telemetry.health import STALLED_SECONDS, health_app, serve
from cleartide.telemetry.logs import configure_logs
from cleartide.telemetry.tracing import BatchTracer, current_traceparent
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry, generate_latest

from tests.support.bank import BANK, BANK_MIGRATION, MIRROR, MIRROR_MIGRATION, deposit
from tests.support.running import running, until
from tests.support.servers import Broker, Database

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
LONG_SECONDS: Final = 3_600.0


@pytest.fixture(params=["collected", "ids alone"])
def tracer(request: pytest.FixtureRequest) -> BatchTracer:
    """With somebody who collects spans, and without."""
    return BatchTracer(TracerProvider() if request.param == "collected" else trace.NoOpTracerProvider())


@pytest.fixture
async def bank(database: Database) -> Database:
    """The schemas of the bank and the mirror."""
    await database.migrator("matching", m0001_bank=BANK_MIGRATION).migrate()
    await database.migrator("earnings", m0001_mirror=MIRROR_MIGRATION).migrate()
    return database


async def publish(broker: Broker, number: int, traceparent: str = "") -> None:
    command = deposit(number)
    async with broker.client("trader") as client:
        headers = {"traceparent": traceparent} if traceparent else None
        await client.request(command.subject, command.model_dump_json().encode(), timeout=30, headers=headers)


async def header_of(broker: Broker, stream: str, seq: int) -> str:
    async with broker.client() as client:
        message = await client.jetstream().get_msg(stream, seq)
        return str((message.headers or {}).get("traceparent", ""))


def trace_id(traceparent: str) -> str:
    return traceparent.split("-")[1]


async def test_one_trace_leads_from_the_command_to_the_last_event(broker: Broker, bank: Database) -> None:
    """The id in the command's header is in the outbox rows and headers of every event that follows from it."""
    async with running(BANK, broker, bank), running(MIRROR, broker, bank) as (mirror, _):
        await publish(broker, 1, PARENT)
        await until(lambda: mirror.health.position == 1)
    rows = await bank.fetch("matching", "SELECT traceparent FROM outbox")
    assert [trace_id(row[0]) for row in rows] == [TRACE]
    headers = [await header_of(broker, "EVENTS", 1), await header_of(broker, "EARNINGS", 1)]
    assert [trace_id(header) for header in headers] == [TRACE, TRACE]
    assert len({PARENT, *headers}) == 3, "each hop has a span of its own"


async def test_a_command_without_a_trace_begins_one(broker: Broker, bank: Database) -> None:
    """Nobody has to send a header for events to be traceable."""
    async with running(BANK, broker, bank) as (worker, _):
        await publish(broker, 1)
        await until(lambda: worker.health.position == 1)
    assert len(trace_id(await header_of(broker, "EVENTS", 1))) == 32


@pytest.mark.parametrize("header", ["", "x", "00-1-2", "00-zz-00f067aa0ba902b7-01", f"00-{'f' * 99}-1-01", "00-0-0-00"])
def test_a_broken_trace_header_is_no_trace(tracer: BatchTracer, header: str) -> None:
    """Whatever a publisher puts there, the batch is folded under a trace of its own."""
    with tracer.batch("risk", [Delivery(1, 1, "s", b"", header, 0)]) as traceparent:
        assert traceparent == current_traceparent()
        assert TRACE not in traceparent
    assert current_traceparent() == ""


def test_each_batch_is_a_step_of_its_own_in_the_trace(tracer: BatchTracer) -> None:
    """The trace and its flags are those of the first message that has one; the span is new, and the log's."""
    deliveries = [Delivery(1, 1, "s", b"", header, 0) for header in ("", PARENT.replace("-01", "-00"))]
    seen = set()
    for _ in range(3):
        with tracer.batch("risk", deliveries) as traceparent:
            assert traceparent == current_traceparent()
            assert (trace_id(traceparent), traceparent[-3:]) == (TRACE, "-00")
            seen.add(traceparent)
    assert len(seen) == 3
    assert current_traceparent() == ""


def test_a_batch_is_linked_to_everything_it_folds() -> None:
    """The batch goes on in its first message's trace, and the others can be found from it."""
    others = [f"00-{number:032x}-{number:016x}-01" for number in range(1, 100)]
    deliveries = [Delivery(1, 1, "s", b"", header, 0) for header in [PARENT, *others, *others]]
    with BatchTracer(TracerProvider()).batch("risk", deliveries) as traceparent:
        span: Any = trace.get_current_span()
        assert trace_id(traceparent) == TRACE
        assert len(span.links) == 31


async def test_the_figures_are_true(broker: Broker, bank: Database) -> None:
    """Events, dead letters, position and what waits, as Prometheus reads them."""
    async with running(BANK, broker, bank) as (worker, _):
        for number in (1, 2, 2):
            await publish(broker, number)
        await until(lambda: worker.health.position == 3)
        figures = {
            name: getattr(worker.metrics, name)._value.get() for name in ("events", "dead", "position", "pending")
        }
        assert figures == {"events": 3.0, "dead": 1.0, "position": 3.0, "pending": 0.0}
        assert worker.metrics.epochs._value.get() == 1


def report(worker: Any, *, listens: bool = False, listening: asyncio.Event | None = None) -> dict[str, Any]:
    service = Service(
        name="matching",
        reads=BANK.stream,
        handlers=BANK.handlers,
        repository=BANK.repository,
        migrations=Path("none"),
        listens=listens,
    )
    return progress_report(service, worker, listening or asyncio.Event())


def age(worker: Worker, seconds: float) -> None:
    """So much time has passed since the worker's last commit, and since what waits has come."""
    worker.health.last_commit_monotonic -= seconds
    worker.health.waiting_since -= seconds


@asynccontextmanager
async def held_up(bank: Database) -> AsyncIterator[None]:
    """No commit of matching's comes about meanwhile."""
    blocker = await asyncpg.connect(bank.admin_dsn)
    try:
        async with blocker.transaction():
            await blocker.execute("SELECT * FROM matching.consumer_position FOR UPDATE")
            yield
    finally:
        await blocker.close()


async def test_ready_means_that_the_fold_advances(broker: Broker, bank: Database) -> None:
    """Ready when idle, however long; not ready while a message waits for a commit that does not come; ready again."""
    async with running(BANK, broker, bank) as (worker, _):
        assert report(worker)["ready"] is False
        await until(lambda: bool(report(worker)["ready"]))
        await publish(broker, 1)
        await until(lambda: (worker.health.position, worker.health.pending) == (1, 0))
        age(worker, LONG_SECONDS)
        assert report(worker)["ready"] is True
        async with held_up(bank):
            await publish(broker, 2)
            await until(lambda: worker.health.pending == 1)
            assert report(worker)["ready"] is True
            age(worker, STALLED_SECONDS)
            assert report(worker)["ready"] is False
            assert report(worker)["pending"] == 1
        await until(lambda: bool(report(worker)["ready"]))
        assert (report(worker)["position"], report(worker)["pending"]) == (2, 0)


async def test_a_service_with_a_public_port_is_ready_when_that_is_open(broker: Broker, bank: Database) -> None:
    """Whoever waited for readiness can connect."""
    async with running(BANK, broker, bank) as (worker, _):
        await until(lambda: bool(report(worker)["ready"]))
        listening = asyncio.Event()
        assert report(worker, listens=True, listening=listening)["ready"] is False
        listening.set()
        assert report(worker, listens=True, listening=listening)["ready"] is True


async def test_a_message_after_a_long_silence_is_no_stall(broker: Broker, bank: Database) -> None:
    """The clock of a stall begins with the waiting message, not with the last commit."""
    async with running(BANK, broker, bank) as (worker, _):
        await publish(broker, 1)
        await until(lambda: (worker.health.position, worker.health.pending) == (1, 0))
        age(worker, LONG_SECONDS)
        async with held_up(bank):
            await publish(broker, 2)
            await until(lambda: worker.health.pending == 1)
            assert report(worker)["ready"] is True


async def test_not_ready_before_the_state_is_loaded_and_after_the_stop(broker: Broker, bank: Database) -> None:
    """Load balancers and gates see a service only while it really works."""
    async with running(BANK, broker, bank) as (worker, task):
        assert report(worker)["phase"] == "starting"
        await until(lambda: bool(report(worker)["ready"]))
        worker.stop()
        await task
        assert (report(worker)["ready"], report(worker)["phase"]) == (False, "stopped")


@pytest.fixture
async def http() -> AsyncIterator[tuple[dict[str, Any], str]]:
    """The health pages of a service whose report is this dictionary."""
    shown: dict[str, Any] = {"ready": True, "position": 7}
    registry = CollectorRegistry()
    runner = await serve(health_app(lambda: shown, registry), "127.0.0.1", 0)
    host, port = runner.addresses[0][:2]
    yield shown, f"http://{host}:{port}"
    await runner.cleanup()


async def test_the_health_pages(http: tuple[dict[str, Any], str]) -> None:
    """Live while the loop turns; ready by status code, with the figures; metrics in Prometheus's format."""
    shown, url = http
    async with aiohttp.ClientSession() as session:

        async def get(path: str) -> tuple[int, str]:
            async with session.get(url + path) as answer:
                return answer.status, await answer.text()

        assert await get("/health/live") == (200, '{"status": "live"}')
        status, text = await get("/health/ready")
        assert (status, json.loads(text)) == (200, shown)
        shown["ready"] = False
        assert (await get("/health/ready"))[0] == 503
        assert (await get("/health/progress"))[0] == 200
        assert (await get("/metrics"))[1] == generate_latest(CollectorRegistry()).decode()


def test_log_lines_carry_the_service_and_the_trace(capsys: pytest.CaptureFixture[str]) -> None:
    """A JSON line per event, with the fields a search needs."""
    import structlog

    configure_logs("risk", "info", "json")
    try:
        with BatchTracer().batch("risk", [Delivery(1, 1, "s", b"", PARENT, 0)]):
            structlog.get_logger().info("batch_committed", events=3)
        structlog.get_logger().debug("not shown")
        (line,) = capsys.readouterr().err.splitlines()
        fields = json.loads(line)
        assert {key: fields[key] for key in ("event", "service", "trace_id", "events", "level")} == {
            "event": "batch_committed",
            "service": "risk",
            "trace_id": TRACE,
            "events": 3,
            "level": "info",
        }
    finally:
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()


async def test_the_acknowledged_position_is_visible_on_the_bus(broker: Broker, bank: Database) -> None:
    """The consumer's lag, which any NATS tool shows, follows the commits."""
    async with running(BANK, broker, bank) as (worker, _):
        await publish(broker, 1)
        await until(lambda: worker.health.position == 1)
    async with broker.client() as client:
        info = await NatsBus(client).api("CONSUMER.INFO.COMMANDS.matching")
        assert info["ack_floor"]["stream_seq"] == 1


def test_without_a_collector_nothing_of_the_collecting_is_loaded() -> None:
    """Every process of the system starts the sooner, and is the smaller."""
    asked = (
        "import os, sys; os.environ.pop('OTEL_EXPORTER_OTLP_ENDPOINT', None); import cleartide.service; "
        "from cleartide.telemetry.tracing import BatchTracer, configure_tracing; configure_tracing('x'); "
        "BatchTracer(); "
        "print(sorted(name for name in sys.modules if name.startswith('opentelemetry.sdk')))"
    )
    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
