"""Whether the slow form of the venues' books is in use is for all to see."""

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.ingestor.app import SERVICE
from services.ingestor.engine import COMPILED
from services.ingestor.startup import METRIC, announce_books


@pytest.mark.parametrize(
    ("because", "value", "said"),
    [
        ("", 1, {"event": "venue_books_compiled", "log_level": "info"}),
        ("no compiler", 0, {"event": "venue_books_interpreted", "reason": "no compiler", "log_level": "warning"}),
    ],
)
def test_the_form_and_the_reason_are_logged_and_measured(because: str, value: int, said: dict[str, str]) -> None:
    """ING-ENG-003"""
    registry = CollectorRegistry()
    with capture_logs() as logs:
        announce_books(registry, because)
    assert logs == [said]
    assert registry.get_sample_value(METRIC) == value


def test_the_service_says_it_when_it_starts() -> None:
    """ING-ENG-003: what it says is so."""
    registry = CollectorRegistry()
    for say in SERVICE.starting:
        say(registry)
    assert registry.get_sample_value(METRIC) == COMPILED
