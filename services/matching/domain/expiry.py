"""Time passes: what has become due happens before the command that brings the time (domain rule R26)."""

from services.matching.domain.deadlines import Deadline
from services.matching.domain.output import Output
from services.matching.domain.resting import close
from services.matching.domain.state import MatchingState


def expire(state: MatchingState, deadline: Deadline, out: Output) -> None:
    """A GTT order's time is over: expires_at <= now."""
    close(state, out, state.expiring[deadline.number], "expired")
