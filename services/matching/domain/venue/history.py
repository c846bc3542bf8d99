"""Writing down changes."""

from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.venue.record import Change, Who


def record(state: MatchingState, out: Output, who: Who, scope: str, name: str, old: str, new: str) -> Change:
    """Keep one change, with who made it and when; `scope` is venue, mode:<mode>, tier:<tier>, account:<id>, ..."""
    venue = state.venue
    venue.changes += 1
    change = Change(venue.changes, out.at, out.seq, *who, scope, name, old, new)
    venue.fresh.append(change)
    return change
