"""The feed's figures for Prometheus, read when they are scraped."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.ingestor.adapters.protocol import VenueCore
from services.ingestor.transport.publisher import Publisher
from services.ingestor.transport.rest import VenueRest

LABELS: Final = ("venue", "kind")


class FeedCollector(Collector):
    """Counts of one venue's feed, core, publisher and REST client; `frames` tells how many messages have come."""

    def __init__(self, core: VenueCore, publisher: Publisher, rest: VenueRest, frames: Callable[[], int]) -> None:
        self._core, self._publisher, self._rest, self._frames = core, publisher, rest, frames

    def collect(self) -> Iterator[Metric]:
        """Every figure, now."""
        frames = CounterMetricFamily("cleartide_venue_frames", "Messages on the venue's sockets", labels=("venue",))
        frames.add_metric((self._core.venue,), self._frames())
        yield frames
        yield self._counter("venue_irregularities", "Frames that were not plain data, by kind", self._core.counts)
        yield self._counter("market_published", "Publishing to the MARKET stream", self._publisher.counts)
        yield self._counter("venue_requests", "REST requests to the venue", self._rest.counts)
        pending = GaugeMetricFamily(
            "cleartide_market_pending_events", "Events that wait for an acknowledgement", labels=("venue",)
        )
        pending.add_metric((self._core.venue,), self._publisher.pending)
        yield pending

    def _counter(self, name: str, text: str, counts: Mapping[str, int]) -> Metric:
        family = CounterMetricFamily(f"cleartide_{name}", text, labels=LABELS)
        for kind, count in sorted(counts.items()):
            family.add_metric((self._core.venue, kind), count)
        return family
