"""What a batch's time went into, by the sequencer's own metrics: the cause beside a figure that misses its aim."""

import asyncio
from collections.abc import Iterable
from typing import Final, NamedTuple, Self
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from tests.support.installation import Installation

STEPS: Final = ("fold", "commit", "publish")
LONG: Final = "0.015"
"""Seconds: a bound of the histograms, above which a step counts as long."""
SEGMENTS: Final = """
SELECT coalesce(sum(writes), 0)::bigint FROM pg_stat_io
WHERE object = 'wal' AND context = 'init' AND backend_type = 'client backend'
"""


class Step(NamedTuple):
    """Of batches so far: how many, the seconds of all, and how many were not long."""

    batches: float
    seconds: float
    short: float


class Parts(NamedTuple):
    """The counters of one moment. segments: of the database's log, made by commits that had to wait for them."""

    events: float
    steps: dict[str, Step]
    segments: int

    @classmethod
    async def read(cls, installed: Installation) -> Self:
        """As the running sequencer and its database tell them."""
        found = await asyncio.to_thread(_metrics, installed.processes["matching"].port)
        steps = {
            step: Step(
                found[f"cleartide_{step}_seconds_count", ""],
                found[f"cleartide_{step}_seconds_sum", ""],
                found[f"cleartide_{step}_seconds_bucket", LONG],
            )
            for step in STEPS
        }
        segments = await installed.fetch("matching", SEGMENTS)
        return cls(found["cleartide_batch_events_sum", ""], steps, segments[0][0])

    def since(self, before: Self) -> str:
        """What came between, in words."""
        told = []
        for step in STEPS:
            batches, seconds, short = (
                now - then for now, then in zip(self.steps[step], before.steps[step], strict=True)
            )
            told.append(f"{step} {seconds / max(1, batches) * 1000:.1f} ms ({batches - short:.0f} over 15)")
        batches = self.steps["commit"].batches - before.steps["commit"].batches
        size = (self.events - before.events) / max(1, batches)
        made = self.segments - before.segments
        return f"{batches:.0f} batches of {size:.1f}, mean {', '.join(told)}; {made} log segments made in commits"


def noted(misses: bool, parts: Iterable[str]) -> str:
    """The note of a figure that misses its aim, round by round."""
    return "; ".join(f"round {number}: {part}" for number, part in enumerate(parts, start=1)) if misses else ""


def _metrics(port: int) -> dict[tuple[str, str], float]:
    """Samples by name and histogram bound."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {(one.name, one.labels.get("le", "")): one.value for family in families for one in family.samples}
