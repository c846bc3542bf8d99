"""docs/tutorials/add-a-venue.md: the module in it is a venue."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from services.ingestor.adapters import events
from services.ingestor.adapters.protocol import Send
from services.ingestor.adapters.venue import Venue
from services.ingestor.tests.venues.kit import said

TUTORIAL = Path(__file__).resolve().parents[4] / "docs" / "tutorials" / "add-a-venue.md"


@pytest.fixture
def tidepool() -> Iterator[Venue]:
    """The venue of the tutorial, from its text."""
    code = re.findall(r"```python\n(.*?)```", TUTORIAL.read_text(), re.DOTALL)
    assert len(code) == 1
    module = ModuleType("tidepool")
    sys.modules[module.__name__] = module
    exec(compile(code[0], str(TUTORIAL), "exec"), module.__dict__)
    (venue,) = module.VENUES
    yield venue
    del sys.modules[module.__name__]


def test_the_frames_of_the_tutorial_become_events(tidepool: Venue) -> None:
    """ING-VENUE-005"""
    frames = re.findall(r"^    (\{\"k\".*\})$", TUTORIAL.read_text(), re.MULTILINE)
    assert len(frames) == 3
    instruments = tidepool.instruments([b'{"symbols":["BTC-P"]}'], ["BTC-P"], {})
    core = tidepool.core(instruments, {})
    assert [each.frames for each in core.connected("all", 1) if isinstance(each, Send)] == [("listen BTC-P",)]
    snapshot, delta, trade = (core.frame(raw, 2) for raw in frames)
    assert [(book.bids, book.asks) for book in said(snapshot, events.BookTop)] == [([(200, 2)], [(201, 1)])]
    assert said(delta, events.Gap) == []
    assert [(each.price_ticks, each.taker_side) for each in said(trade, events.Trade)] == [(201, "buy")]
    lost = core.frame(frames[1].replace('"n": 8', '"n": 10'), 3)
    assert len(said(lost, events.Gap)) == 1
    assert [each.frames for each in lost if isinstance(each, Send)] == [("listen BTC-P",)]
