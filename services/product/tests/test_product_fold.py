"""What is recorded and what is not, without servers."""

import json
from typing import Any

import pytest
from cleartide.contracts import Message
from cleartide.contracts.product import FeatureUsed, PageViewed, PersonErased, RecordingAllowed

from services.product.app import SERVICE
from services.product.domain.events import KINDS, told_by
from services.product.domain.state import MOST_AHEAD_MICROS, MOST_LATE_MICROS
from services.product.queries import percentile
from services.product.tests.clients import DAY, START, delivery, person, random_events, said, told
from tests.support.fold_bench import FoldBench


class Harness(FoldBench):
    """A fresh service; what is refused is counted."""

    def __init__(self) -> None:
        super().__init__(SERVICE.fold)
        self.dead: list[dict[str, Any]] = []

    def take(self, *messages: Message, at: int = START) -> None:
        placed = delivery(messages, at)._replace(stream_seq=self.progress.stream_seq + 1)
        commit, _ = self.folder.fold(self.folder.decode([placed]), "", "stream")
        self.schema.write(commit.changes)
        self.schema.say(commit.outbox)
        self.schema.progress = commit.after
        self.dead += [row for row in map(_body, commit.outbox) if row["type"] == "DeadLettered"]

    def recorded(self) -> list[str]:
        return [row["event_id"] for row in self.rows("product_events")]


def _body(row: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(row.payload)
    return body


def test_every_kind_has_a_name_and_a_row() -> None:
    """PROD-EVENT-001"""
    events = random_events(1, 200, 1)
    assert {told_by(event).kind for event in events} == set(KINDS)
    assert all(told_by(event).name for event in events)
    assert told_by(told(PageViewed, 1, START)).name == "/"
    harness = Harness()
    harness.take(*events, at=START + DAY)
    assert len(harness.rows("product_events")) == 200


def test_an_event_told_twice_is_one() -> None:
    """PROD-ONCE-001: in one batch, in a later one, and after a restart."""
    harness = Harness()
    event = told(FeatureUsed, 1, START, feature="export")
    harness.take(event, event)
    harness.take(event)
    harness.restart()
    harness.take(event)
    assert harness.recorded() == ["e1"]


@pytest.mark.parametrize(
    ("off", "reason"),
    [(-MOST_LATE_MICROS, None), (-MOST_LATE_MICROS - 1, "too_old"), (MOST_AHEAD_MICROS + 1, "in_future")],
)
def test_what_is_too_old_or_ahead_is_refused_and_its_neighbours_are_not(off: int, reason: str | None) -> None:
    """PROD-TIME-001: a week back, ten minutes ahead, to the microsecond."""
    harness = Harness()
    wrong = told(FeatureUsed, 2, START + off, feature="export")
    harness.take(told(FeatureUsed, 1, START, feature="export"), wrong, told(FeatureUsed, 3, START, feature="export"))
    assert [letter["reason"] for letter in harness.dead] == ([] if reason is None else [reason])
    assert harness.recorded() == (["e1", "e2", "e3"] if reason is None else ["e1", "e3"])


def test_who_switches_recording_off_leaves_no_trace() -> None:
    """PROD-PRIV-001: not a row and not a dead letter, also after a restart; on again is on again."""
    harness = Harness()
    harness.take(said(RecordingAllowed, 1, 1, START, allowed=False))
    harness.restart()
    harness.take(
        told(FeatureUsed, 1, START, feature="export"),
        told(FeatureUsed, 2, START - 2 * MOST_LATE_MICROS, feature="export"),
        told(FeatureUsed, 3, START, who=2, feature="export"),
    )
    assert harness.recorded() == ["e3"]
    assert harness.dead == []
    harness.take(said(RecordingAllowed, 2, 1, START, allowed=True), told(FeatureUsed, 4, START, feature="export"))
    assert harness.recorded() == ["e4", "e3"]
    assert [(row["person"], row["allowed"]) for row in harness.rows("choices")] == [
        (person(1), no) for no in (False, True)
    ]


def test_nothing_is_recorded_under_an_erased_pseudonym() -> None:
    """PROD-PRIV-002: neither what came before it in its batch nor what comes after, also after a restart."""
    harness = Harness()
    harness.take(told(FeatureUsed, 1, START, feature="export"), said(PersonErased, 1, 1, START))
    harness.restart()
    harness.take(told(FeatureUsed, 2, START, feature="export"), said(PersonErased, 2, 1, START))
    assert harness.recorded() == []
    assert harness.rows("erasures") == [{"person": person(1), "at": START, "place": 1}]


def test_a_percentile_is_the_upper_end_of_its_bucket() -> None:
    """PROD-METRIC-001: nearest rank; never below what was measured, and at most a tenth above."""
    assert percentile([], 50) is None
    assert percentile([(0, 3)], 99) == 0
    assert [percentile([(0, 50), (25, 45), (49, 5)], share) for share in (50, 51, 95, 96)] == [0, 10, 10, 106]
