"""The auditor's alarm: what does not add up halts its market, in sequence like everything else."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from cleartide.contracts.base import Message
from cleartide.contracts.trading import TradingEvent
from cleartide.contracts.types import MarketId, ReasonCode, Seq
from cleartide.contracts.venue import AdminCommand

Check = Annotated[ReasonCode, Field(description="the check that failed, as balance, position, fee, sum")]


class ReportDiscrepancy(AdminCommand):
    """Say that committed rows contradict each other; the figures are in `note`. Sent by matching's auditor.

    The market is halted, or every market where the finding is of none. `observed_position` is the place in COMMANDS up
    to which the rows were committed.
    """

    subject_template: ClassVar[str] = "admin.audit"
    type: Literal["ReportDiscrepancy"] = "ReportDiscrepancy"
    version: Literal[1] = 1
    check: Check
    market: MarketId | None = None
    observed_position: Seq


class DiscrepancyReported(TradingEvent):
    """Committed rows contradict each other; `MarketStateChanged` says what was halted for it."""

    type: Literal["DiscrepancyReported"] = "DiscrepancyReported"
    version: Literal[1] = 1
    check: Check
    market: MarketId | None
    detail: str
    observed_position: Seq


AUDIT_COMMANDS: tuple[type[Message], ...] = (ReportDiscrepancy,)
AUDIT_EVENTS: tuple[type[Message], ...] = (DiscrepancyReported,)
