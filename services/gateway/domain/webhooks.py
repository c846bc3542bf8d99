"""How webhooks are tried again and given up: pure rules. Instants and durations are microseconds."""

from dataclasses import dataclass
from typing import Final, Literal

SECOND: Final = 1_000_000
LONGEST_WAIT: Final = 3_600 * SECOND
LONGEST_PAUSE: Final = 300 * SECOND
RETRIED_REFUSALS: Final = frozenset({408, 409, 425, 429})
GONE: Final = 410

Outcome = Literal["delivered", "retry", "failed", "gone"]


@dataclass(frozen=True, slots=True)
class Policy:
    """attempts: of one delivery. An endpoint that fails this often in a row, for this long, is switched off."""

    attempts: int = 8
    disable_failures: int = 20
    disable_after: int = 3_600 * SECOND


@dataclass(frozen=True, slots=True)
class Standing:
    """How an endpoint has done lately: attempts failed in a row, since when, and until when it is left in peace."""

    failures: int = 0
    failing_since: int | None = None
    resume_at: int = 0

    def after(self, outcome: Outcome, at: int) -> "Standing":
        """A refusal says that somebody is there; only what may pass by itself makes the endpoint rest."""
        if outcome == "delivered":
            return Standing()
        failures, since = self.failures + 1, at if self.failing_since is None else self.failing_since
        pause = min(backoff(failures), LONGEST_PAUSE) if outcome == "retry" else 0
        return Standing(failures, since, at + pause)

    def is_hopeless(self, policy: Policy, at: int) -> bool:
        """Whether to switch the endpoint off: a short outage under load, however many attempts it cost, is none."""
        if self.failing_since is None or self.failures < policy.disable_failures:
            return False
        return at - self.failing_since >= policy.disable_after


def backoff(failures: int) -> int:
    """1, 4, 16, 64 ... seconds after the first, second, third ... failure; an hour at most."""
    return min(SECOND << 2 * min(failures - 1, 10), LONGEST_WAIT)


def outcome_of(status: int | None, attempts: int, policy: Policy) -> Outcome:
    """What an answer means. `status` null: none came. `attempts` counts this one.

    2xx is delivered; a redirect is not followed and, like a refusal of the 4xx, will not mend by itself.
    """
    if status is not None and 200 <= status < 300:
        return "delivered"
    if status == GONE:
        return "gone"
    if status is not None and 300 <= status < 500 and status not in RETRIED_REFUSALS:
        return "failed"
    return "retry" if attempts < policy.attempts else "failed"
