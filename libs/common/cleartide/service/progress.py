"""The figures behind `/health`."""

import asyncio
import time
from typing import Any, Final

from cleartide.bus.health import Health
from cleartide.bus.worker import Worker
from cleartide.service.definition import Service
from cleartide.telemetry.health import STALLED_SECONDS

BLIND_SECONDS: Final = 5.0


def progress_report(service: Service, worker: Worker, listening: asyncio.Event) -> dict[str, Any]:
    """Ready means: an active process folds and, if messages wait, advances; a standby sees the active one and keeps up.

    The active process of a service with a public port must be listening on it too; a standby opens it on taking over.

    For a standby, `pending` is how many messages it is behind, and `warm` whether it holds the state in memory.
    """
    health = worker.health
    now = time.monotonic()
    idle = now - health.last_commit_monotonic if health.last_commit_monotonic else None
    return {
        "service": service.name,
        "role": health.role,
        "ready": is_ready(health, now) and _door_open(service, health, listening),
        "phase": health.phase,
        "stream": service.reads.name,
        "position": health.position,
        "pending": health.pending,
        "warm": health.warm,
        "seconds_since_commit": None if idle is None else round(idle, 3),
        "commits": health.commits,
        "epoch": health.epoch,
        "gaps": health.gaps,
        "restarts": health.restarts,
        "last_error": health.last_error,
    }


def _door_open(service: Service, health: Health, listening: asyncio.Event) -> bool:
    return not service.listens or not health.epoch or listening.is_set()


def is_ready(health: Health, now: float) -> bool:
    """By the monotonic clock."""
    if health.pending > 0 and now - health.waiting_since > STALLED_SECONDS:
        return False
    if health.phase == "following":
        return now - health.looked < BLIND_SECONDS
    return health.phase == "running"
