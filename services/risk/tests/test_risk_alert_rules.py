"""The operator's alert rules: what begins and ends, whose turn it is, and that a fold again says the same."""

from collections.abc import Sequence
from typing import Any

import pytest
from cleartide.contracts import (
    AlertRule,
    AlertRuleRemoved,
    AlertRuleSet,
    FundingSettled,
    Message,
    RuleAlertRaised,
)
from cleartide.contracts.alert_rules import RuleSubject
from cleartide.fold import Reject
from cleartide.rules.alerting import FIGURES
from hypothesis import given, settings
from hypothesis import strategies as st

from services.risk.domain.rule_figures import VALUES
from services.risk.domain.rules import LOOKS
from services.risk.domain.ruling import RESOLVED_AT_ONCE
from services.risk.tests.support import Venue, funding_body
from services.risk.tests.test_risk_alerts import BTC, ETH
from services.risk.tests.test_risk_pools import pools_of

QUOTE = 1_000_000


def rule(name: str = "thin", **fields: Any) -> AlertRule:
    return AlertRule(**{"name": name, "each": "account", "when": "equity < 50", **fields})


def set_rule(venue: Venue, name: str = "thin", **fields: Any) -> list[RuleAlertRaised]:
    """The operator sets a rule."""
    return told(venue.say(AlertRuleSet, rule=rule(name, **fields), by="ann"))


def told(messages: Sequence[Message]) -> list[RuleAlertRaised]:
    """The alerts by rules."""
    return [one for one in messages if isinstance(one, RuleAlertRaised)]


def levels(messages: Sequence[Message]) -> list[tuple[str, str, str]]:
    """Rule, account and level of the alerts by rules."""
    return [(one.rule, one.account, one.level) for one in told(messages)]


def venue_with(*accounts: str, lots: int = 100, price: int = 10_000, cash: int = 100 * QUOTE) -> Venue:
    """Holders of a hundred lots, a long worth one quote at the price of 10,000 ticks (1,000.0)."""
    venue = Venue()
    for market in (BTC, ETH):
        venue.list_market(market)
        venue.mark(market, price)
    for account in accounts or ("alice",):
        venue.hold(account, BTC, lots, quote=-lots * price, cash=cash)
    return venue


def set_equity(venue: Venue, quote: int, account: str = "alice") -> list[Message]:
    return venue.transfer(account, quote * QUOTE)


class TestAnAlert:
    def test_begins_once_and_ends_once(self) -> None:
        """RISK-RULE-001: with the rule's name and level, its condition, and the figures that made it true."""
        venue = venue_with()
        assert set_rule(venue, level="critical", when="equity < 50 and leverage < 2") == []
        [alert] = told(set_equity(venue, 40))
        assert (alert.rule, alert.level, alert.previous_level, alert.account) == ("thin", "critical", None, "alice")
        assert (alert.condition, alert.market) == ("equity < 50 and leverage < 2", None)
        figures = [(figure.name, figure.value, figure.unit) for figure in alert.figures]
        assert figures == [("equity", "40", "quote"), ("leverage", "0.025", "ratio")]
        assert (alert.cause_id, alert.equity) == (venue.heard[-1].id, "40.000000")
        assert alert.inputs[0].lots == 100
        assert levels(set_equity(venue, 30)) == []
        assert levels(set_equity(venue, 60)) == [("thin", "alice", "resolved")]
        assert levels(set_equity(venue, 49)) == [("thin", "alice", "critical")]

    def test_ends_only_when_until_is_true(self) -> None:
        """RISK-RULE-002: between the two conditions it neither begins nor ends."""
        venue = venue_with()
        set_rule(venue, until="equity > 70")
        said = [levels(set_equity(venue, quote)) for quote in (60, 49, 55, 70, 71, 60)]
        warning, over = [("thin", "alice", "warning")], [("thin", "alice", "resolved")]
        assert said == [[], warning, [], [], over, []]

    def test_begins_again_no_sooner_than_after_the_cooldown(self) -> None:
        """RISK-RULE-003: counted from its beginning, in sequenced time; then it is said if it still holds."""
        venue = venue_with()
        set_rule(venue, cooldown_seconds=10)
        began = venue.effects.at + 1_000_000
        assert levels(set_equity(venue, 40)) == [("thin", "alice", "warning")]
        assert levels(set_equity(venue, 60)) == [("thin", "alice", "resolved")]
        again: list[RuleAlertRaised] = []
        while not again:
            again = told(set_equity(venue, 40))
        assert again[0].occurred_at == began + 10_000_000

    def test_of_a_price_is_told_at_that_price(self) -> None:
        """RISK-RULE-004: a position's alert names its market; one that is closed is over."""
        venue = venue_with()
        when = "position_pnl < -0.005 and mark_price < 995.5"
        set_rule(venue, each="position", when=when, markets=(BTC,))
        assert levels(venue.mark(BTC, 9_960)) == []
        [alert] = told(venue.mark(BTC, 9_940))
        assert (alert.market, alert.figures[1].value, alert.figures[1].unit) == (BTC, "994", "price")
        assert levels(venue.mark(ETH, 9_000)) == []
        [over] = told(venue.hold("alice", BTC, 0, quote=0, cash=0))
        assert (over.level, over.market, over.figures) == ("resolved", BTC, ())

    def test_of_a_market_is_the_venues(self) -> None:
        """RISK-RULE-005: premium, funding and open interest; other markets than those named are left alone."""
        venue = venue_with()
        set_rule(venue, "premium", each="market", when="abs(premium_bps) >= 50", markets=(BTC,))
        set_rule(venue, "dear", each="market", when="funding_bps > 1")
        assert levels(venue.mark(ETH, 10_100, index=10_000)) == []
        assert levels(venue.mark(BTC, 10_049, index=10_000)) == []
        [alert] = told(venue.mark(BTC, 9_950, index=10_000))
        assert (alert.account, alert.market, alert.figures[0].value) == ("venue", BTC, "-50")
        [dear] = told(venue.say(FundingSettled, **{**funding_body(ETH, 0), "rate_ppb": 100_001}))
        assert (dear.rule, dear.market, dear.figures[0].value) == ("dear", ETH, "1.00001")

    def test_is_of_what_was_true_and_of_nothing_that_does_not_exist(self) -> None:
        """RISK-RULE-006: without equity there is no leverage, without a requirement no health factor."""
        venue = venue_with()
        set_rule(venue, "some", when="leverage >= 0 or equity < 0")
        set_rule(venue, "none", when="health_factor < 10_000")
        assert levels(set_equity(venue, 100)) == [("none", "alice", "warning"), ("some", "alice", "warning")]
        assert levels(set_equity(venue, -1)) == [("some", "alice", "resolved")]
        assert levels(venue.hold("alice", BTC, 0, quote=0, cash=QUOTE)) == [
            ("none", "alice", "resolved"),
            ("some", "alice", "warning"),
        ]


class TestARule:
    def test_that_is_replaced_or_removed_resolves_what_held_by_it(self) -> None:
        """RISK-RULE-007: then the new one begins with the next look."""
        venue = venue_with()
        set_rule(venue)
        set_equity(venue, 40)
        assert levels(set_rule(venue, when="equity < 45", level="watch")) == [("thin", "alice", "resolved")]
        assert levels(venue.mark(BTC, 10_000)) == [("thin", "alice", "watch")]
        removed = venue.say(AlertRuleRemoved, name="thin", by="ann")
        assert levels(removed) == [("thin", "alice", "resolved")]
        assert levels(set_equity(venue, 10)) == []
        venue.commit()
        assert [venue.rows(name) for name in ("alert_rules", "rule_alerts", "rule_turns")] == [[], [], []]

    def test_with_many_alerts_is_taken_back_in_steps(self) -> None:
        """RISK-RULE-008: each step resolves so many, and a restart between two goes on."""
        names = [f"a{number:03d}" for number in range(2 * RESOLVED_AT_ONCE + 1)]
        venue = venue_with(*names)
        set_rule(venue, when="equity > 0")
        for name in names:
            assert levels(set_equity(venue, 40, name)) in ([], [("thin", name, "warning")])
        event = venue.event(AlertRuleRemoved, name="thin", by="")
        said = told(venue.hear(event))
        assert [one.account for one in said] == names
        assert venue.state.book.rules == {}

    @pytest.mark.parametrize(
        "fields",
        [{"when": "equty < 5"}, {"when": ""}, {"until": "equity"}, {"markets": (BTC,)}, {"when": "mark_price > 3"}],
    )
    def test_that_makes_no_sense_is_refused_before_anything_changes(self, fields: dict[str, Any]) -> None:
        """RISK-RULE-009: a dead letter, and the earlier rule goes on."""
        venue = venue_with()
        set_rule(venue)
        with pytest.raises(Reject, match="bad_rule"):
            venue.say(AlertRuleSet, rule=rule(**fields), by="")
        assert levels(set_equity(venue, 40)) == [("thin", "alice", "warning")]


class TestWhoseTurn:
    def test_few_holders_are_looked_at_at_every_price_and_many_in_turn(self) -> None:
        """RISK-RULE-010: every holder within holders / LOOKS prices, across a restart, whoever came last."""
        names = [f"a{number:03d}" for number in range(LOOKS * 2 + 5)]
        venue = venue_with(*reversed(names))
        set_rule(venue, when="unrealized_pnl < 0")
        first = [one.account for one in told(venue.mark(BTC, 9_999))]
        assert first == names[:LOOKS]
        venue.commit()
        venue.state = venue.restored()
        rest = [one.account for _ in range(2) for one in told(venue.mark(BTC, 9_999))]
        assert rest == names[LOOKS:]

    def test_pools_say_together_what_one_service_says(self) -> None:
        """RISK-RULE-011: accounts and positions by their own pool, markets by the venue's."""
        one = venue_with("a", "b", "c", "d", "e")
        set_rule(one, when="unrealized_pnl < 0")
        set_rule(one, "market", each="market", when="premium_bps < 0")
        said = sorted(levels(one.mark(BTC, 9_000, index=10_000)))
        shares = pools_of(2)
        heard = [levels([said for event in one.heard for said in share.hear(event)]) for share in shares]
        assert all(heard)
        assert sorted(heard[0] + heard[1]) == said


def steps() -> st.SearchStrategy[list[tuple[str, Any]]]:
    """Rules set and removed among prices, transfers and trades."""
    amounts = st.integers(0, 80).map(str)
    account = st.sampled_from(sorted(FIGURES["account"]))
    position = st.sampled_from(sorted(FIGURES["position"]))

    def conditions(names: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        signs = st.sampled_from(("<", "<=", ">", ">=", "==", "!="))
        one = st.builds("{} {} {}".format, names, signs, amounts)
        return st.builds("{}{} {} {}".format, st.sampled_from(("", "not ")), one, st.sampled_from(("and", "or")), one)

    rules = [
        st.builds(
            rule,
            st.sampled_from(("one", "two", "three")),
            each=st.just(each),
            when=conditions(names),
            until=st.one_of(st.just(""), conditions(names)),
            cooldown_seconds=st.integers(0, 5),
        )
        for each, names in (
            ("account", account),
            ("position", position),
            ("market", st.sampled_from(sorted(FIGURES["market"]))),
        )
    ]
    return st.lists(
        st.one_of(
            st.tuples(st.just("set"), st.one_of(rules)),
            st.tuples(st.just("remove"), st.sampled_from(("one", "two", "three"))),
            st.tuples(st.just("mark"), st.tuples(st.sampled_from((BTC, ETH)), st.integers(1, 20_000))),
            st.tuples(st.just("transfer"), st.tuples(st.sampled_from("abc"), st.integers(-50, 100))),
            st.tuples(st.just("trade"), st.tuples(st.sampled_from("abc"), st.integers(-5, 5))),
        ),
        max_size=40,
    )


def play(venue: Venue, step: tuple[str, Any]) -> None:
    """One step."""
    match step:
        case ("set", spec):
            venue.say(AlertRuleSet, rule=spec, by="")
        case ("remove", name):
            venue.say(AlertRuleRemoved, name=name, by="")
        case ("mark", (market, ticks)):
            venue.mark(market, ticks, index=10_000)
        case ("transfer", (account, quote)):
            set_equity(venue, quote, account)
        case ("trade", (account, lots)):
            venue.hold(account, BTC, lots, quote=-lots * 10_000, cash=QUOTE)


@settings(max_examples=60, deadline=None)
@given(played=steps(), stops=st.sets(st.integers(0, 40)))
def test_a_fold_again_says_the_same_and_no_alert_begins_twice(played: list[tuple[str, Any]], stops: set[int]) -> None:
    """RISK-RULE-012: rows and alerts are the same with restarts anywhere; per subject they begin and end in turn."""
    live, again = venue_with("a", "b", "c"), venue_with("a", "b", "c")
    for number, step in enumerate(played):
        play(live, step)
        play(again, step)
        if number in stops:
            again.commit()
            again.state = again.restored()
    for venue in (live, again):
        venue.commit()
    assert live.tables == again.tables
    assert live.effects.emitted == again.effects.emitted
    held: dict[tuple[str, str, str | None], str] = {}
    for alert in told(live.effects.emitted):
        key = (alert.rule, alert.account, alert.market)
        assert (alert.level == "resolved") == (key in held), alert
        assert alert.previous_level == held.pop(key, None)
        if alert.level != "resolved":
            held[key] = alert.level
    assert all(name in live.state.book.rules for name, _, _ in held)


@pytest.mark.parametrize("each", FIGURES)
def test_every_figure_that_may_be_named_is_there(each: RuleSubject) -> None:
    """RISK-RULE-013: a value for each name of each subject, in the catalogue's decimals."""
    assert set(FIGURES[each]) <= set(VALUES)
    venue = venue_with()
    names = sorted(FIGURES[each])
    for name in names:
        set_rule(venue, name.replace("_", "-"), each=each, when=f"{name} >= 0 or {name} < 0")
    venue.transfer("alice", QUOTE // 2)
    venue.say(FundingSettled, **funding_body(BTC, 0))
    said = {one.rule for one in told(venue.effects.emitted)} | {one.rule for one in told(venue.mark(BTC, 9_000))}
    assert said >= {name.replace("_", "-") for name in names}
