"""The tables of the operator's alert rules, and the way between their rows and the rules."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from cleartide.contracts import AlertRule
from cleartide.fold import Changes, Row, Table

from services.risk.domain.rules import Alerted, Rule, RuleBook
from services.risk.domain.state import Market

ALERT_RULES: Final = Table("alert_rules", key=("name",), columns={"name": "text", "rule": "text"})
RULE_ALERTS: Final = Table(
    "rule_alerts",
    key=("rule", "account", "market"),
    columns={"rule": "text", "account": "text", "market": "text", "holds": "boolean", "raised_at": "bigint"},
)
RULE_TURNS: Final = Table("rule_turns", key=("market",), columns={"market": "text", "account": "text"})
ALERT_FIGURES: Final = Table(
    "alert_figures",
    key=("alert_seq", "name"),
    columns={"alert_seq": "bigint", "name": "text", "value": "text", "unit": "text"},
    write="append",
    load=False,
)
RULE_TABLES: Final[tuple[Table, ...]] = (ALERT_RULES, RULE_ALERTS, RULE_TURNS, ALERT_FIGURES)


def restore_rules(book: RuleBook, rows: Mapping[str, Sequence[Row]], markets: Iterable[Market]) -> None:
    """The rules, whoever is alerted by them, and whose turn it is."""
    for name, rule in rows[ALERT_RULES.name]:
        book.rules[name] = Rule.of(AlertRule.model_validate_json(rule))
    for rule, account, market, *alerted in rows[RULE_ALERTS.name]:
        book.rules[rule].alerted.setdefault(account, {})[market] = Alerted(*alerted)
    book.last = dict(rows[RULE_TURNS.name])
    book.arrange(markets)


def put_rules(changes: Changes, book: RuleBook) -> None:
    """What has changed of them."""
    for name in sorted(book.dirty_rules):
        if rule := book.rules.get(name):
            changes.put(ALERT_RULES, (name, rule.spec.model_dump_json()))
        else:
            changes.delete(ALERT_RULES, (name,))
    for key in sorted(book.dirty_alerted):
        if alerted := book.alerted(key):
            changes.put(RULE_ALERTS, (*key, *alerted))
        else:
            changes.delete(RULE_ALERTS, key)
    for market in sorted(book.dirty_last):
        if (account := book.last.get(market)) is not None:
            changes.put(RULE_TURNS, (market, account))
        else:
            changes.delete(RULE_TURNS, (market,))
    book.clear()
