"""The closed list of reason codes, as it is documented."""

import re
from functools import cache
from pathlib import Path
from typing import Final

from cleartide.contracts import Message

LIST: Final = Path(__file__).parents[3] / "docs" / "reasons.md"
LINE: Final = re.compile(r"^- `(?P<code>[a-z][a-z0-9_]*)` \S", re.MULTILINE)

ANSWERS: Final = ("Rejected", "OrderClosed", "OrdersCanceled")


@cache
def documented() -> frozenset[str]:
    """Every code that docs/reasons.md explains."""
    return frozenset(LINE.findall(LIST.read_text()))


def undocumented(event: Message) -> str | None:
    """The code of an event that refuses something, or says why an order ended, and that no document explains."""
    reason = getattr(event, "reason", None) if event.type.endswith(ANSWERS) else None
    return reason if reason not in documented() else None
