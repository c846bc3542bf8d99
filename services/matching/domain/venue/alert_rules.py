"""The operator's alert rules: read and put in order here, watched by risk."""

from cleartide.contracts import AlertRule, AlertRuleRemoved, AlertRuleSet, RemoveAlertRule, SetAlertRule
from cleartide.contracts.alert_rules import MOST_RULES
from cleartide.rules.alerting import RuleError, read_rule

from services.matching.domain.errors import Refused
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.venue.settings import announce

SCOPE = "alert_rule"


def set_rule(state: MatchingState, command: SetAlertRule, out: Output) -> None:
    """Set a rule, or replace the one of its name.

    Refused: the same one, conditions that cannot be read (`bad_rule`), unlisted markets, more than MOST_RULES.
    """
    rules, rule = state.venue.rules, command.rule
    old = rules.get(rule.name)
    if rule == old:
        raise Refused("nothing_changed", rule.name)
    try:
        read_rule(rule)
    except RuleError as error:
        raise Refused("bad_rule", error.detail) from None
    unknown = sorted(set(rule.markets) - set(state.markets))
    if unknown:
        raise Refused("unknown_market", ", ".join(unknown))
    if old is None and len(rules) >= MOST_RULES:
        raise Refused("too_many_rules", f"the venue has {MOST_RULES}")
    rules[rule.name] = rule
    state.venue.touched_rules.add(rule.name)
    out.emit(AlertRuleSet, rule=rule, by=command.by)
    announce(state, out, command, SCOPE, rule.name, _text(old), _text(rule))


def remove_rule(state: MatchingState, command: RemoveAlertRule, out: Output) -> None:
    """Remove a rule. Refused: there is none of this name."""
    old = state.venue.rules.pop(command.name, None)
    if old is None:
        raise Refused("unknown_rule", command.name)
    state.venue.touched_rules.add(command.name)
    out.emit(AlertRuleRemoved, name=command.name, by=command.by)
    announce(state, out, command, SCOPE, command.name, _text(old), "")


def _text(rule: AlertRule | None) -> str:
    return "" if rule is None else rule.model_dump_json(exclude={"name"})
