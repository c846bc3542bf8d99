"""Trace context through message headers and outbox rows, one span per batch.

A batch's span is the child of its first message's context and links to the others', so that a trace leads from an
alert back to the trade even where many messages were folded together. Spans leave the process only when
OTEL_EXPORTER_OTLP_ENDPOINT names a collector.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import getrandbits
from typing import Final

from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.trace import Link, SpanKind, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from cleartide.bus.ports import Delivery

MAX_LINKS: Final = 32
SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
NOBODY_COLLECTS: Final = (trace.ProxyTracerProvider, trace.NoOpTracerProvider)
_propagator = TraceContextTextMapPropagator()


def configure_tracing(service: str, environment: Mapping[str, str] = os.environ) -> None:
    """Install the process's tracer provider, if somebody collects."""
    if environment.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        # Only here: without a collector nothing of it is needed, and every process starts the sooner.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider = TracerProvider(resource=Resource.create({"service.name": f"cleartide-{service}"}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)


def current_traceparent() -> str:
    """The W3C traceparent of the current span; empty outside of one."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent", "")


def _context_of(traceparent: str) -> trace.SpanContext | None:
    parts = traceparent.split("-")
    if len(parts) != 4:
        return None
    try:
        context = trace.SpanContext(
            int(parts[1], 16), int(parts[2], 16), is_remote=True, trace_flags=TraceFlags(int(parts[3], 16))
        )
    except ValueError:
        return None
    return context if context.is_valid else None


class BatchTracer:
    """Makes the spans of the recipe. Where nobody collects them only their ids are made, which lead on all the same."""

    def __init__(self, provider: trace.TracerProvider | None = None) -> None:
        """`provider`: the process's own, unless another one is given."""
        provider = provider or trace.get_tracer_provider()
        self._tracer = None if isinstance(provider, NOBODY_COLLECTS) else provider.get_tracer("cleartide")

    @contextmanager
    def batch(self, service: str, deliveries: Sequence[Delivery]) -> Iterator[str]:
        """A span around decode and fold; yields the traceparent that the batch's outbox rows carry on."""
        if self._tracer is None:
            parent = next((delivery.traceparent for delivery in deliveries if delivery.traceparent), "")
            with _following(_context_of(parent)) as traceparent:
                yield traceparent
            return
        seen = {delivery.traceparent: None for delivery in deliveries if delivery.traceparent}
        contexts = [context for text in list(seen)[:MAX_LINKS] if (context := _context_of(text)) is not None]
        parent_context = trace.set_span_in_context(trace.NonRecordingSpan(contexts[0])) if contexts else None
        with self._tracer.start_as_current_span(
            f"{service} process",
            context=parent_context,
            kind=SpanKind.CONSUMER,
            links=[Link(context) for context in contexts[1:]],
            attributes={"messaging.system": "nats", "messaging.batch.message_count": len(deliveries)},
        ):
            yield current_traceparent()


@contextmanager
def _following(parent: trace.SpanContext | None) -> Iterator[str]:
    """A span of which only the ids exist, in its parent's trace or in a new one."""
    trace_id, flags = (parent.trace_id, parent.trace_flags) if parent else (_id(128), SAMPLED)
    span = trace.SpanContext(trace_id, _id(64), is_remote=False, trace_flags=flags)
    token = attach(trace.set_span_in_context(trace.NonRecordingSpan(span)))
    try:
        yield f"00-{trace_id:032x}-{span.span_id:016x}-{flags:02x}"
    finally:
        detach(token)


def _id(bits: int) -> int:
    """A random number that is not zero, which would mean none."""
    return getrandbits(bits) or 1
