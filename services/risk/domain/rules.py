"""The operator's alert rules: what each is about, whose alert holds, and who is looked at when a price comes.

An account is looked at when something happens to it, and at prices of what it holds: all holders of a market at each of
its prices, but of a market with more than LOOKS of them the next LOOKS in order of name, so that a price costs the same
however many hold. Whoever was looked at last is remembered, so that a restart and a rebuild go on with the same name.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from cleartide.contracts import AlertRule
from cleartide.contracts.alert_rules import RuleSubject
from cleartide.rules.alerting import FIGURES, ReadRule, read_rule
from cleartide.rules.conditions import Condition

from services.risk.domain.levels import NAMES, Level

if TYPE_CHECKING:
    from services.risk.domain.state import Market

LOOKS: Final = 64
SECOND: Final = 1_000_000
LEVELS: Final[Mapping[str, Level]] = {name: level for level, name in NAMES.items()}


Figures = Callable[[str], int | None]
"""A figure by its name, as an integer of its unit's decimals; None where there is none."""


class Alerted(NamedTuple):
    """Of one account and market: whether the alert holds, and when it last began."""

    holds: bool
    raised_at: int


class Shown(NamedTuple):
    """One figure of a rule, as an integer of its unit's decimals."""

    name: str
    value: int


@dataclass(eq=False)
class Rule:
    """One rule. alerted: by account and market ("" where it is about accounts), whoever is or was lately alerted."""

    spec: AlertRule
    read: ReadRule
    alerted: dict[str, dict[str, Alerted]] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: AlertRule) -> "Rule":
        """A rule that nobody is alerted by. Raises RuleError."""
        return cls(spec, read_rule(spec))

    @property
    def level(self) -> Level:
        """The level of its alerts."""
        return LEVELS[self.spec.level]

    def covers(self, market: str) -> bool:
        """Whether it is about this market."""
        return not self.spec.markets or market in self.spec.markets

    def holds(self, account: str, market: str) -> bool:
        """Whether the alert holds."""
        known = self.alerted.get(account, {}).get(market)
        return known is not None and known.holds

    def turns(self, figures: Figures, account: str, market: str, at: int) -> bool:
        """Whether the alert begins or ends now."""
        known = self.alerted.get(account, {}).get(market)
        true = _true(self.read.when, figures)
        if known is None or not known.holds:
            return bool(true) and (known is None or at >= known.raised_at + self.spec.cooldown_seconds * SECOND)
        if true is not False or self.read.until is None:
            return not true
        return _true(self.read.until, figures) is not False

    def turn(self, account: str, market: str, at: int) -> None:
        """The alert begins, or ends; who may not be alerted yet again is kept in mind."""
        of_account = self.alerted.setdefault(account, {})
        known = of_account.get(market)
        if known is None or not known.holds:
            of_account[market] = Alerted(True, at)
        elif at < known.raised_at + self.spec.cooldown_seconds * SECOND:
            of_account[market] = Alerted(False, known.raised_at)
        else:
            del of_account[market]
            if not of_account:
                del self.alerted[account]

    def shown(self, figures: Figures) -> tuple[Shown, ...]:
        """The figures that its conditions name, as far as they exist."""
        until = self.read.until.figures if self.read.until is not None else ()
        found = ((name, figures(name)) for name in dict.fromkeys((*self.read.when.figures, *until)))
        return tuple(Shown(name, value) for name, value in found if value is not None)

    def unit(self, name: str) -> tuple[str, int]:
        """Unit and decimals of a figure."""
        figure = FIGURES[self.spec.each][name]
        return figure.unit, figure.decimals


def _true(condition: Condition, figures: Figures) -> bool | None:
    """Whether a condition holds; None where a figure of it does not exist."""
    values = []
    for name in condition.figures:
        value = figures(name)
        if value is None:
            return None
        values.append(value)
    return condition.holds(values)


@dataclass(eq=False)
class RuleBook:
    """All rules, and whose turn it is. dirty_*: what has changed since the repository last looked.

    names: holders by market, in order, while a rule is about accounts or positions. last: by market with more than
    LOOKS of them, who was looked at last.
    """

    rules: dict[str, Rule] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    watches_holders: bool = False
    dirty_rules: set[str] = field(default_factory=set)
    dirty_alerted: set[tuple[str, str, str]] = field(default_factory=set)
    dirty_last: set[str] = field(default_factory=set)
    _by_subject: dict[RuleSubject, tuple[Rule, ...]] = field(default_factory=dict)

    def put(self, rule: Rule, markets: Iterable["Market"]) -> None:
        """Take a rule, in place of one of its name."""
        self.rules[rule.spec.name] = rule
        self.dirty_rules.add(rule.spec.name)
        self.arrange(markets)

    def drop(self, name: str, markets: Iterable["Market"]) -> None:
        """Forget a rule, and who was alerted by it."""
        rule = self.rules.pop(name, None)
        if rule is not None:
            self.dirty_alerted.update((name, account, market) for account, of in rule.alerted.items() for market in of)
            self.dirty_rules.add(name)
            self.arrange(markets)

    def arrange(self, markets: Iterable["Market"]) -> None:
        """Order the rules, and the holders where a rule is about them."""
        in_order = [self.rules[name] for name in sorted(self.rules)]
        subjects: tuple[RuleSubject, ...] = ("account", "position", "market")
        self._by_subject = {each: tuple(rule for rule in in_order if rule.spec.each == each) for each in subjects}
        watches = any(rule.spec.each != "market" for rule in in_order)
        if watches and not self.watches_holders:
            self.names = {market.market: sorted(market.holders) for market in markets}
        elif not watches:
            self.dirty_last.update(self.last)
            self.names, self.last = {}, {}
        self.watches_holders = watches

    def about(self, each: RuleSubject) -> tuple[Rule, ...]:
        """The rules about accounts, positions or markets, in order of name."""
        return self._by_subject.get(each, ())

    def hold(self, account: str, market: str, holds: bool) -> None:
        """An account has a position in a market, or none any more."""
        names = self.names.setdefault(market, [])
        place = bisect_left(names, account)
        known = place < len(names) and names[place] == account
        if holds and not known:
            names.insert(place, account)
        elif known and not holds:
            del names[place]

    def next_looks(self, market: str) -> list[str]:
        """Whom a price of a market is the occasion to look at."""
        names = self.names.get(market, [])
        if len(names) <= LOOKS:
            return names.copy()
        start = bisect_right(names, self.last.get(market, ""))
        looks = names[start : start + LOOKS]
        looks += names[: LOOKS - len(looks)]
        self.last[market] = looks[-1]
        self.dirty_last.add(market)
        return looks

    def turn(self, rule: Rule, account: str, market: str, at: int) -> None:
        """An alert begins or ends."""
        rule.turn(account, market, at)
        self.dirty_alerted.add((rule.spec.name, account, market))

    def alerted(self, key: tuple[str, str, str]) -> Alerted | None:
        """What is kept of a rule, an account and a market."""
        rule = self.rules.get(key[0])
        return rule.alerted.get(key[1], {}).get(key[2]) if rule is not None else None

    def clear(self) -> None:
        """All of it has been written down."""
        for marks in (self.dirty_rules, self.dirty_alerted, self.dirty_last):
            marks.clear()
