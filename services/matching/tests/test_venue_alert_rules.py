"""The operator's alert rules are put in order here: what is taken, what is refused, and the record of it."""

from typing import Any

import pytest
from cleartide.contracts import (
    AlertRule,
    AlertRuleRemoved,
    AlertRuleSet,
    RemoveAlertRule,
    SetAlertRule,
    VenueChanged,
)
from cleartide.contracts.alert_rules import MOST_RULES
from cleartide.fold import Reject

from services.matching.tests.support import MARKET, Exchange, only
from services.matching.tests.venue import operate


def rule(name: str = "thin", **fields: Any) -> AlertRule:
    return AlertRule(**{"name": name, "each": "position", "when": "equity < 50", **fields})


def test_a_rule_is_taken_changed_and_removed_with_old_and_new() -> None:
    """VENUE-RULE-001: each leaves an event for risk and a line in the record, also across a restart."""
    ex = Exchange()
    said = operate(ex, SetAlertRule, rule=rule(markets=(MARKET,)), by="ann", note="try")
    assert only(said, AlertRuleSet).rule == rule(markets=(MARKET,))
    first = only(said, VenueChanged)
    assert (first.scope, first.name, first.old, first.by, first.note) == ("alert_rule", "thin", "", "ann", "try")
    assert '"when":"equity < 50"' in first.new
    ex.restart()
    with pytest.raises(Reject, match="nothing_changed"):
        operate(ex, SetAlertRule, rule=rule(markets=(MARKET,)))
    second = only(operate(ex, SetAlertRule, rule=rule(when="equity < 60")), VenueChanged)
    assert second.old == first.new
    removed = operate(ex, RemoveAlertRule, name="thin")
    assert only(removed, AlertRuleRemoved).name == "thin"
    assert (only(removed, VenueChanged).old, only(removed, VenueChanged).new) == (second.new, "")
    ex.restart()
    with pytest.raises(Reject, match="unknown_rule"):
        operate(ex, RemoveAlertRule, name="thin")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"when": "equty < 5"}, "bad_rule.*when, column 1: unknown figure 'equty': did you mean 'equity'"),
        ({"until": "equity > leverage"}, "bad_rule.*until, column 8"),
        ({"each": "account", "markets": (MARKET,)}, "bad_rule.*markets"),
        ({"markets": ("NONE-PERP",)}, "unknown_market"),
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, Any], reason: str) -> None:
    """VENUE-RULE-002: with the place, and nothing is changed."""
    ex = Exchange()
    with pytest.raises(Reject, match=reason):
        operate(ex, SetAlertRule, rule=rule(**fields))
    assert ex.state.venue.rules == {}


def test_there_are_only_so_many_rules() -> None:
    """VENUE-RULE-003: one more is refused, one of them may still be changed."""
    ex = Exchange()
    for number in range(MOST_RULES):
        operate(ex, SetAlertRule, rule=rule(f"rule-{number}"))
    with pytest.raises(Reject, match="too_many_rules"):
        operate(ex, SetAlertRule, rule=rule("another"))
    operate(ex, SetAlertRule, rule=rule("rule-3", when="equity < 1"))
