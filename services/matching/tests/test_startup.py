"""Which form of the engine keeps the books is for all to see."""

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.matching.app import SERVICE
from services.matching.engine import COMPILED, INTERPRETED_BECAUSE
from services.matching.startup import METRIC, announce_engine


@pytest.mark.parametrize(
    ("because", "value", "said"),
    [
        ("", 1, {"event": "engine_compiled", "log_level": "info"}),
        (
            "there is no C compiler",
            0,
            {"event": "engine_interpreted", "reason": "there is no C compiler", "log_level": "warning"},
        ),
    ],
)
def test_match_eng_025_the_form_and_the_reason_are_logged_and_measured(
    because: str, value: int, said: dict[str, str]
) -> None:
    """MATCH-ENG-025"""
    registry = CollectorRegistry()
    with capture_logs() as logs:
        announce_engine(registry, because)
    assert logs == [said]
    assert registry.get_sample_value(METRIC) == value


def test_match_eng_025_the_service_says_it_when_it_starts() -> None:
    """MATCH-ENG-025: what it says is so."""
    registry = CollectorRegistry()
    for say in SERVICE.starting:
        say(registry)
    assert registry.get_sample_value(METRIC) == COMPILED == (not INTERPRETED_BECAUSE)
