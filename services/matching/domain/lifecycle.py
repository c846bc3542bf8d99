r"""The life of an order as a table: which step leads from which state to which; any other step is a fault.

    accepted --rest--> open --fill--> partially_filled --complete--> filled
       |                 \________________\____ cancel | expire ____/
       `--arm--> armed --trigger--> accepted

`accepted` lasts no longer than the command that brings it: it is never stored. A command that is refused has no order.
"""

from collections.abc import Mapping
from typing import Final, Literal

from services.matching.domain.errors import InvariantBroken

OrderState = Literal["accepted", "armed", "open", "partially_filled", "filled", "canceled", "expired", "rejected"]
Step = Literal["arm", "trigger", "rest", "fill", "amend", "complete", "cancel", "expire", "reject"]

OPEN: Final[frozenset[OrderState]] = frozenset({"armed", "open", "partially_filled"})
"""States in which an order is stored and may be canceled."""

TRANSITIONS: Final[Mapping[Step, Mapping[OrderState, OrderState]]] = {
    "arm": {"accepted": "armed"},
    "trigger": {"armed": "accepted"},
    "rest": {"accepted": "open", "open": "open", "partially_filled": "partially_filled"},
    "fill": dict.fromkeys(("accepted", "open", "partially_filled"), "partially_filled"),
    "amend": {"armed": "armed", "open": "open", "partially_filled": "partially_filled"},
    "complete": {"partially_filled": "filled"},
    "cancel": dict.fromkeys(("accepted", "armed", "open", "partially_filled"), "canceled"),
    "expire": dict.fromkeys(("armed", "open", "partially_filled"), "expired"),
    "reject": {"armed": "rejected", "accepted": "rejected"},
}

_ENDS: Final[Mapping[str, Step]] = {"filled": "complete", "expired": "expire"}


def after(state: OrderState, step: Step) -> OrderState:
    """The state after a step. Raises InvariantBroken for a step that the table does not have."""
    try:
        return TRANSITIONS[step][state]
    except KeyError:
        raise InvariantBroken(f"an order that is {state} cannot {step}") from None


def end_of(reason: str) -> Step:
    """The step by which an order closes for a reason: a fill, its time, or else a cancel."""
    return _ENDS.get(reason, "cancel")
