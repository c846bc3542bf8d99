"""What the edge counts, in the process's registry."""

from functools import lru_cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

MOST_KEPT: Final = 4_096
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class EdgeMetrics:
    """Counters of requests, cache, limiter, upstream queries and live clients."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.requests = Histogram(
            "cleartide_http_request_seconds",
            "Time to answer a request",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=registry,
        )
        self.timed = lru_cache(MOST_KEPT)(self.requests.labels)
        """Those of a method, route and status; as few as there are of these."""
        self.cache = Counter(
            "cleartide_http_cache_total",
            "Cache lookups by outcome: hit, miss, shared, bypass",
            ("outcome",),
            registry=registry,
        )
        self.limiter = Counter(
            "cleartide_rate_limiter_total",
            "Rate limiter verdicts per address: allowed, limited; alone: counted by this process only (Redis away)",
            ("verdict",),
            registry=registry,
        )
        self.quotas = Counter(
            "cleartide_quota_total",
            "Quota verdicts by kind: allowed, limited; alone: counted by this process only (Redis away)",
            ("kind", "verdict"),
            registry=registry,
        )
        self.quota = lru_cache(MOST_KEPT)(self.quotas.labels)
        """Those of a kind and verdict."""
        self.refused = Counter(
            "cleartide_refused_total", "Requests refused at the door, by error code", ("code",), registry=registry
        )
        self.replayed = Counter(
            "cleartide_idempotent_replays_total", "Requests answered by what their first was told", registry=registry
        )
        self.upstream = Histogram(
            "cleartide_upstream_query_seconds",
            "Time of a read-model query",
            ("service", "query", "outcome"),
            buckets=_SECONDS,
            registry=registry,
        )
        self.live_clients = Gauge("cleartide_live_clients", "Connected live clients", ("transport",), registry=registry)
        self.slow_clients = Counter(
            "cleartide_slow_clients_total",
            "Live clients disconnected for reading too slowly",
            ("transport",),
            registry=registry,
        )
        self.alerts_sent = Counter("cleartide_live_alerts_total", "Alerts broadcast to live clients", registry=registry)
        self.alert_lag = Histogram(
            "cleartide_live_alert_seconds",
            "Time from hearing of an alert on the bus to broadcasting its committed row",
            buckets=_SECONDS,
            registry=registry,
        )
        self.tail_gaps = Counter(
            "cleartide_price_tail_gaps_total", "Gaps seen in the live tail of trading events", registry=registry
        )

    def cache_told(self) -> dict[str, float]:
        """Lookups of this process since its start, by outcome, and the share that was made by nobody anew."""
        samples = next(iter(self.cache.collect())).samples
        counts = {sample.labels["outcome"]: sample.value for sample in samples if sample.name.endswith("_total")}
        told = {outcome: counts.get(outcome, 0.0) for outcome in ("hit", "shared", "miss", "bypass")}
        asked = sum(told.values())
        return {**told, "rate": round((told["hit"] + told["shared"]) / asked, 4) if asked else 0.0}
