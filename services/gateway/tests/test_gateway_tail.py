"""The live tail reads every event that matching may say, whatever the event has in place of a market or a price."""

import pytest
from cleartide.contracts import TRADING_EVENTS, Message
from cleartide.contracts.codec import encode
from cleartide.contracts.examples import EXAMPLES

from services.gateway.live.tail import read_tail


@pytest.mark.parametrize("contract", TRADING_EVENTS, ids=lambda contract: contract.__name__)
def test_no_event_hides_the_prices_beside_it(contract: type[Message]) -> None:
    """GW-LIVE-009: every trading event is read, also one without market or price: it hides none beside it."""
    example = EXAMPLES[contract]
    nothing = {
        name: None
        for name, field in contract.model_fields.items()
        if name not in ("id", "seq") and type(None) in getattr(field.annotation, "__args__", ())
    }
    for event in (example, example.model_copy(update=nothing)):
        [read] = read_tail(b"[" + encode(event) + b"]")
        assert (read.type, read.seq) == (event.type, event.seq)
