"""In whose name the request in hand reads: told to the services, whose databases show no others' rows (ADR 32).

It comes of who sends the request, not of what it asks for. So a route that forgets to ask whether an account is the
sender's gets nothing of it.
"""

from contextvars import ContextVar
from typing import Final

from services.gateway.domain.access import Principal

NOBODY: Final = "-"
"""No account has this name."""
TENANT: Final[ContextVar[str]] = ContextVar("tenant", default="")
"""Empty: the gateway itself, or somebody who reads for the venue."""


def enter(principal: Principal) -> None:
    """From here on questions are asked in this principal's name."""
    TENANT.set("" if principal.has("venue:read") else principal.user or NOBODY)


def enter_as_delegate(account: str) -> None:
    """From here on they are asked for one account, which its owner has opened to the principal."""
    TENANT.set(account)


def enter_as_operator() -> None:
    """From here on they are asked for the venue: an operator was admitted, and what he does is in the audit log."""
    TENANT.set("")
