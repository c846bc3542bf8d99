"""Alert rules of the operator's own: what to watch, put in order by matching, watched by risk."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from cleartide.contracts.base import Contract, Message
from cleartide.contracts.trading import TradingEvent
from cleartide.contracts.types import MarketId
from cleartide.contracts.venue import AdminCommand, Note, Operator

MOST_RULES = 16
RuleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,47}$")]
ConditionText = Annotated[str, StringConstraints(max_length=200)]
RuleSubject = Literal["account", "position", "market"]
RuleLevel = Literal["watch", "warning", "critical"]


class AlertRule(Contract):
    """For each account, position or market: alert when a condition becomes true, resolve when it ends.

    `when`, `until`: conditions over named figures (`cleartide.rules.alerting`). Without `until` the alert ends when
    `when` is no longer true; with it, when `until` is true as well. After an alert the same subject is alerted again
    no sooner than `cooldown_seconds` later, by sequenced time. `markets`: only these; none is all.
    """

    name: RuleName
    level: RuleLevel = "warning"
    each: RuleSubject
    when: ConditionText
    until: ConditionText = ""
    markets: tuple[MarketId, ...] = Field(default=(), max_length=32)
    cooldown_seconds: int = Field(default=0, ge=0, le=86_400)
    note: Note = ""


class SetAlertRule(AdminCommand):
    """Watch by a rule from this place in the sequence on; one of the same name is replaced."""

    subject_template: ClassVar[str] = "admin.venue"
    type: Literal["SetAlertRule"] = "SetAlertRule"
    version: Literal[1] = 1
    rule: AlertRule


class RemoveAlertRule(AdminCommand):
    """Watch by a rule no longer; the alerts of it that hold are resolved."""

    subject_template: ClassVar[str] = "admin.venue"
    type: Literal["RemoveAlertRule"] = "RemoveAlertRule"
    version: Literal[1] = 1
    name: RuleName


class AlertRuleSet(TradingEvent):
    """This rule is watched from here on; what held by an earlier one of its name is resolved."""

    type: Literal["AlertRuleSet"] = "AlertRuleSet"
    version: Literal[1] = 1
    rule: AlertRule
    by: Operator


class AlertRuleRemoved(TradingEvent):
    """The rule of this name is watched no longer."""

    type: Literal["AlertRuleRemoved"] = "AlertRuleRemoved"
    version: Literal[1] = 1
    name: RuleName
    by: Operator


RULE_COMMANDS: tuple[type[Message], ...] = (SetAlertRule, RemoveAlertRule)
RULE_EVENTS: tuple[type[Message], ...] = (AlertRuleSet, AlertRuleRemoved)
