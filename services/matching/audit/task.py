"""The auditor at work beside the fold: it looks, compares, and has markets halted where something does not add up."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Protocol

import nats.errors
import structlog
from cleartide.contracts import ReportDiscrepancy
from cleartide.contracts.codec import encode
from cleartide.store.trouble import STORE_TROUBLE
from prometheus_client import CollectorRegistry, Counter, Gauge

from services.matching.audit.auditor import Auditor, Steps
from services.matching.audit.evidence import Finding, View
from services.matching.audit.reader import CALM, begin, read_news, read_view

log = structlog.get_logger()

LOOK_SECONDS: Final = 1.0
WHOLE_EVERY: Final = 10
"""Looks from one sum over whole tables to the next."""
TURN_SECONDS: Final = 0.0005
"""How long the fold waits while the auditor works: for a busy second's trades at once it would be many times that."""
REST: Final = 4
"""How much longer than its own turn the auditor leaves to the fold, while there is more than one look takes in."""
REPEAT_SECONDS: Final = 30.0
"""How long a finding is not reported again; after that only while its market trades."""
MOST_REPORTS: Final = 20
"""Findings that are sent of one look: the first tell enough."""
TROUBLE: Final = (*STORE_TROUBLE, nats.errors.Error)


class JetStream(Protocol):
    """Where the alarm goes."""

    async def publish(self, subject: str, payload: bytes, *, headers: dict[str, str] | None) -> Any:
        """Store a message in its stream."""


class AuditContext(Protocol):
    """What the auditor needs of the service's context."""

    @property
    def jetstream(self) -> JetStream: ...
    @property
    def pool(self) -> Any: ...
    @property
    def registry(self) -> CollectorRegistry: ...
    @property
    def stopping(self) -> asyncio.Event: ...


class AuditMetrics:
    """What the auditor counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.looks = Counter("cleartide_audit_looks_total", "Times that the books were compared", registry=registry)
        self.findings = Counter("cleartide_audit_findings_total", "What did not add up", ("check",), registry=registry)
        self.transactions = Gauge("cleartide_audit_transaction", "Last ledger transaction audited", registry=registry)


async def audit(context: AuditContext) -> None:
    """Until the service stops. The database's troubles are waited out; what is read again is the same."""
    desk = Desk(context)
    while not context.stopping.is_set():
        pause = LOOK_SECONDS
        try:
            pause = await desk.look()
        except TROUBLE as error:
            log.warning("audit_interrupted", error=str(error)[:200])
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await context.stopping.wait()


class Desk:
    """One auditor, with what it has reported and when."""

    def __init__(self, context: AuditContext) -> None:
        self._context = context
        self._metrics = AuditMetrics(context.registry)
        self._auditor: Auditor | None = None
        self._looks = 0
        self._open: list[Finding] = []
        self._reported: dict[tuple[str, str | None], float] = {}

    async def look(self) -> float:
        """Take in what is new, and compare once nothing more is. Returns the seconds until the next look."""
        async with _snapshot(self._context.pool) as connection:
            if self._auditor is None:
                self._auditor = await begin(connection)
            auditor = self._auditor
            news = await read_news(connection, auditor.marks)
            self._open += await in_turns(auditor.taking(news), CALM if news.complete else REST)
            self._metrics.transactions.set(auditor.marks.transactions)
            if not news.complete:
                return 0
            view = await read_view(connection, auditor.wanted(), whole=self._looks % WHOLE_EVERY == 0)
        self._open += await in_turns(auditor.comparing(view), CALM)
        self._looks += 1
        self._metrics.looks.inc()
        await self._report(self._open, view)
        self._open = []
        return LOOK_SECONDS

    async def _report(self, findings: Sequence[Finding], view: View) -> None:
        """Log all, and have halted what still trades."""
        now = time.monotonic()
        for finding in findings:
            self._metrics.findings.labels(finding.check).inc()
            log.error("audit_finding", check=finding.check, market=finding.market, detail=finding.detail)
        for finding in findings[:MOST_REPORTS]:
            key = (finding.check, finding.market)
            trades = finding.market in view.trading if finding.market else bool(view.trading)
            if trades and now - self._reported.get(key, -REPEAT_SECONDS) >= REPEAT_SECONDS:
                await self._send(finding, view.position)
                self._reported[key] = now

    async def _send(self, finding: Finding, position: int) -> None:
        message = alarm(finding, position, time.time_ns() // 1_000)
        headers = {"Nats-Msg-Id": f"{message.source}.{message.id}"}
        # lint: allow one-publish: a command, as an operator gives it; what comes of it leaves through the outbox
        await self._context.jetstream.publish(message.subject, encode(message), headers=headers)


async def in_turns(steps: Steps, rest: int = REST) -> list[Finding]:
    """Make all steps, a few at a time, and rest so many times as long."""
    found, started = list[Finding](), time.perf_counter()
    for finding in steps:
        if finding is not None:
            found.append(finding)
        if (spent := time.perf_counter() - started) > TURN_SECONDS:
            await asyncio.sleep(rest * spent)
            started = time.perf_counter()
    return found


def alarm(finding: Finding, position: int, at: int) -> ReportDiscrepancy:
    """The command that has the market halted, or all markets where the finding is of none."""
    return ReportDiscrepancy(
        id=f"{finding.check}-{finding.market or 'venue'}-{position}",
        source="auditor",
        occurred_at=at,
        by="auditor",
        check=finding.check,
        market=finding.market,
        note=finding.detail[:200],
        observed_position=position,
    )


@asynccontextmanager
async def _snapshot(pool: Any) -> AsyncIterator[Any]:
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        yield connection
