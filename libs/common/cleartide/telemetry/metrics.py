"""Prometheus metrics of the runner. One registry per process; labels carry the service."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.015, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_BATCH_EVENTS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500)


class WorkerMetrics:
    """What the runner counts."""

    def __init__(self, service: str, registry: CollectorRegistry) -> None:
        labels = ("service",)

        def counter(name: str, text: str) -> Counter:
            return Counter(f"cleartide_{name}", text, labels, registry=registry).labels(service)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"cleartide_{name}", text, labels, registry=registry).labels(service)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            made = Histogram(f"cleartide_{name}", text, labels, buckets=buckets, registry=registry)
            return made.labels(service)

        self.events = counter("events_total", "Events folded and committed")
        self.skipped = counter("events_skipped_total", "Events seen before and skipped")
        self.dead = counter("dead_letters_total", "Events sent to the dead letters")
        self.gaps = counter("gaps_total", "Gaps found in the input, each followed by a re-read")
        self.epochs = counter("epochs_total", "Epochs started")
        self.fold_seconds = histogram("fold_seconds", "Time to decode and fold one batch", _SECONDS)
        self.commit_seconds = histogram("commit_seconds", "Time of one commit", _SECONDS)
        self.publish_seconds = histogram("publish_seconds", "Time to publish one batch", _SECONDS)
        self.batch_events = histogram("batch_events", "Events per committed batch", _BATCH_EVENTS)
        self.position = gauge("position", "Committed position in the input stream")
        self.pending = gauge("pending_messages", "Messages waiting behind the last one taken")
        self.active = gauge("active", "1 for the process that commits, 0 for a standby")
        self.last_commit = gauge("last_commit_timestamp_seconds", "Unix time of the last commit")

    def followed(self, position: int, behind: int) -> None:
        """A standby is there, and so far behind."""
        self.position.set(position)
        self.pending.set(behind)

    def committed(self, *, events: int, dead: int, skipped: int, seconds: float, position: int, pending: int) -> None:
        """One batch was committed."""
        self.events.inc(events)
        self.dead.inc(dead)
        self.skipped.inc(skipped)
        self.commit_seconds.observe(seconds)
        self.batch_events.observe(events)
        self.position.set(position)
        self.pending.set(pending)
        self.last_commit.set_to_current_time()
