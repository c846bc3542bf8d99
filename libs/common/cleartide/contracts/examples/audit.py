"""Examples of an alarm: alice's cash is not what was posted to it."""

from typing import Any, Final

from cleartide.contracts.audit import DiscrepancyReported, ReportDiscrepancy
from cleartide.contracts.base import Message
from cleartide.contracts.examples.story import MARKET, OPENED, said, sent

_FOUND: Final[dict[str, Any]] = {"check": "position", "market": MARKET, "observed_position": 1_000}
_FIGURES: Final = "alice holds 5 lots for -50000, its trades make 4 for -40000"
AUDIT_EXAMPLES: Final[tuple[Message, ...]] = (
    sent(ReportDiscrepancy, "position-BTC-PERP-1000", "auditor", by="auditor", note=_FIGURES, **_FOUND),
    said(DiscrepancyReported, "matching", "events", 24, OPENED, "position-BTC-PERP-1000", detail=_FIGURES, **_FOUND),
)
