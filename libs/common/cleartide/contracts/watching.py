"""What an account's owner says to the watch over it: limits of his own, and what became of an alert."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from cleartide.contracts.alert_rules import RULE_COMMANDS, RULE_EVENTS
from cleartide.contracts.base import Message
from cleartide.contracts.trading import TradingEvent
from cleartide.contracts.types import AccountId, NonNegativeQuanta, PositiveDecimal

AlertNumber = Annotated[int, Field(ge=1, lt=2**40, description="number of the alert among its account's")]
AlertNote = Annotated[str, StringConstraints(max_length=200)]
AlertAnswer = Literal["acknowledge", "resolve"]


class SetRiskLimits(Message):
    """Set all limits that an account wants to be alerted at; a limit that is null is taken back.

    Amounts in quote. They alert and never stop an order: what stops orders is set with SetLeverage and by the venue.
    """

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["SetRiskLimits"] = "SetRiskLimits"
    version: Literal[1] = 1
    account: AccountId
    max_position: PositiveDecimal | None = None
    max_leverage: int | None = Field(default=None, ge=1, le=1_000)
    max_daily_loss: PositiveDecimal | None = None
    max_drawdown: PositiveDecimal | None = None
    max_value_at_risk: PositiveDecimal | None = None
    actor: AccountId | None = None


class AnswerAlert(Message):
    """Say of an alert, by its number among its account's, that it was seen, or that it is dealt with."""

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["AnswerAlert"] = "AnswerAlert"
    version: Literal[1] = 1
    account: AccountId
    alert: AlertNumber
    answer: AlertAnswer
    note: AlertNote = ""
    actor: AccountId | None = None


class RiskLimitsSet(TradingEvent):
    """The limits of an account from here on, in quanta; null is no limit."""

    type: Literal["RiskLimitsSet"] = "RiskLimitsSet"
    version: Literal[1] = 1
    account: AccountId
    max_position_quanta: NonNegativeQuanta | None
    max_leverage: int | None = Field(ge=1, le=1_000)
    max_daily_loss_quanta: NonNegativeQuanta | None
    max_drawdown_quanta: NonNegativeQuanta | None
    max_value_at_risk_quanta: NonNegativeQuanta | None


class AlertAnswered(TradingEvent):
    """An account's answer to one of its alerts was taken; `actor` gave it."""

    type: Literal["AlertAnswered"] = "AlertAnswered"
    version: Literal[1] = 1
    account: AccountId
    alert: AlertNumber
    answer: AlertAnswer
    note: AlertNote
    actor: AccountId


WATCHING_COMMANDS: tuple[type[Message], ...] = (SetRiskLimits, AnswerAlert, *RULE_COMMANDS)
WATCHING_EVENTS: tuple[type[Message], ...] = (RiskLimitsSet, AlertAnswered, *RULE_EVENTS)
