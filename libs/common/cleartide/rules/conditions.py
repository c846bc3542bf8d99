"""Conditions over named figures, as `equity < 1.2 * maintenance_margin and leverage > 10`: small, exact, and bounded.

    condition   = conjunction, {"or", conjunction}          comparison = sum, {("<" "<=" ">" ">=" "==" "!="), sum}
    conjunction = negation, {"and", negation}               sum        = product, {("+" "-"), product}
    negation    = ["not"], comparison                       product    = signed, {"*", signed}
    signed      = ["-"], (number | figure | "abs" "min" "max" "(" sum {"," sum} ")" | "(" condition ")")

The words and their order are Python's; nothing else of Python is there, so that no version of it reads a rule another
way. All is integers: a figure has a unit and a number of decimals, a number takes the unit of what it is compared with,
and before an addition or a comparison the coarser side is multiplied up. Nothing is ever rounded or divided.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Final, NamedTuple, NoReturn

from cleartide.money import MoneyError

MOST_LETTERS: Final = 200
MOST_DEPTH: Final = 16
MOST_DECIMALS: Final = 48
"""Of a product: what a thousand factors would need is refused before it is computed."""

_TOKEN: Final = re.compile(
    r" *(?:(?P<number>(?:0|[1-9][0-9]*(?:_[0-9]+)*)(?:\.[0-9]{1,12})?(?![\w.]))|(?P<word>[a-z_][a-z0-9_]*)"
    r"|(?P<sign><=|>=|==|!=|[<>()+*,-]))",
    re.ASCII,
)
_COMPARED: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "<": int.__lt__,
    "<=": int.__le__,
    ">": int.__gt__,
    ">=": int.__ge__,
    "==": int.__eq__,
    "!=": int.__ne__,
}
_CALLS: Final[Mapping[str, Callable[..., int]]] = {"abs": abs, "min": min, "max": max}
_WORDS: Final = frozenset({"and", "or", "not", *_CALLS})

Values = Sequence[int]
Amount = Callable[[Values], int]
Test = Callable[[Values], bool]


class ConditionError(MoneyError):
    """A condition that cannot be read. column: where in its text, from 1."""

    def __init__(self, text: str, column: int) -> None:
        super().__init__("bad_condition", f"column {column}: {text}")
        self.text, self.column = text, column


class Figure(NamedTuple):
    """What a name stands for: its unit, the decimals that its integers have, and its meaning for people."""

    unit: str
    decimals: int
    meaning: str


class Condition(NamedTuple):
    """A condition that was read. figures: the names in it, in the order in which `holds` takes their integers."""

    figures: tuple[str, ...]
    holds: Test


class _Sum(NamedTuple):
    unit: str
    decimals: int
    value: Amount


class _Truth(NamedTuple):
    value: Test


_Node = _Sum | _Truth


def read_condition(text: str, figures: Mapping[str, Figure]) -> Condition:
    """Read a condition over these figures. Raises ConditionError."""
    if len(text) > MOST_LETTERS:
        raise ConditionError(f"longer than {MOST_LETTERS} characters", MOST_LETTERS + 1)
    reader = _Reader(text, figures)
    node = reader.whole()
    return Condition(tuple(reader.slots), node.value)


class _Reader:
    """One pass from left to right, a method per line of the grammar."""

    def __init__(self, text: str, figures: Mapping[str, Figure]) -> None:
        self.figures = figures
        self.slots: dict[str, int] = {}
        self.tokens = _tokens(text)
        self.at = self.depth = 0

    def whole(self) -> _Truth:
        node = self._truth(self._any())
        if self._next:
            self._fail(f"expected the end, and, or: not '{self._next}'")
        return node

    @property
    def _next(self) -> str:
        return self.tokens[self.at][0]

    def _take(self, *wanted: str) -> str:
        found = self._next
        if found in wanted:
            self.at += 1
            return found
        return ""

    def _fail(self, text: str, at: int | None = None) -> NoReturn:
        raise ConditionError(text, self.tokens[self.at if at is None else at][1])

    def _any(self) -> _Node:
        node = self._all()
        while self._take("or"):
            node = _either(self._truth(node).value, self._truth(self._all()).value)
        return node

    def _all(self) -> _Node:
        node = self._negation()
        while self._take("and"):
            node = _both(self._truth(node).value, self._truth(self._negation()).value)
        return node

    def _negation(self) -> _Node:
        odd = False
        while self._take("not"):
            odd = not odd
        node = self._comparison()
        if not odd:
            return node
        inner = self._truth(node).value
        return _Truth(lambda values: not inner(values))

    def _comparison(self) -> _Node:
        node, pairs = self._sum(), list[Test]()
        while sign := self._take(*_COMPARED):
            start = self.at - 1
            left, right = self._number(node), self._number(self._sum())
            pairs.append(self._compared(sign, left, right, start))
            node = right
        if not pairs:
            return node
        return _Truth(lambda values: all(pair(values) for pair in pairs)) if len(pairs) > 1 else _Truth(pairs[0])

    def _compared(self, sign: str, left: _Sum, right: _Sum, at: int) -> Test:
        if not (left.unit or right.unit):
            self._fail("compares two numbers: name a figure", at)
        (first, second), _ = self._aligned(left, right, at)
        compare = _COMPARED[sign]
        return lambda values: compare(first(values), second(values))

    def _sum(self) -> _Node:
        node = self._product()
        while sign := self._take("+", "-"):
            start = self.at - 1
            left, right = self._number(node), self._number(self._product())
            (first, second), decimals = self._aligned(left, right, start)
            node = _Sum(left.unit or right.unit, decimals, _added(first, second, 1 if sign == "+" else -1))
        return node

    def _product(self) -> _Node:
        node = self._signed()
        while self._take("*"):
            start = self.at - 1
            left, right = self._number(node), self._number(self._signed())
            if left.unit and right.unit:
                self._fail("one side of * is a plain number", start)
            if left.decimals + right.decimals > MOST_DECIMALS:
                self._fail("too many decimals", start)
            node = _Sum(left.unit or right.unit, left.decimals + right.decimals, _times(left.value, right.value))
        return node

    def _signed(self) -> _Node:
        if not self._take("-"):
            return self._atom()
        inner = self._number(self._deeper(self._signed))
        return inner._replace(value=lambda values: -inner.value(values))

    def _atom(self) -> _Node:
        start, word = self.at, self._next
        if self._take("("):
            node = self._deeper(self._any)
            self._close()
            return node
        if word in _CALLS:
            return self._call(word)
        if not word or (not word[0].isalnum() and word[0] != "_") or word in _WORDS:
            self._fail(f"expected a figure or a number{f', not {word!r}' if word else ''}")
        self.at += 1
        if word[0].isdigit():
            whole, _, part = word.replace("_", "").partition(".")
            if len(whole) > 15:
                self._fail("a number has at most 15 digits before the point", start)
            constant = int(whole + part)
            return _Sum("", len(part), lambda _: constant)
        figure = self.figures.get(word)
        if figure is None:
            self._unknown(word, start)
        slot = self.slots.setdefault(word, len(self.slots))
        return _Sum(figure.unit, figure.decimals, lambda values: values[slot])

    def _call(self, word: str) -> _Node:
        start = self.at
        self.at += 1
        if not self._take("("):
            self._fail(f"expected ( after {word}")
        given = [self._number(self._deeper(self._sum))]
        while self._take(","):
            given.append(self._number(self._deeper(self._sum)))
        self._close()
        if word == "abs":
            if len(given) != 1:
                self._fail("abs takes one figure", start)
            inner = given[0]
            return inner._replace(value=lambda values: abs(inner.value(values)))
        if len(given) != 2:
            self._fail(f"{word} takes two figures", start)
        (first, second), decimals = self._aligned(given[0], given[1], start)
        choose = _CALLS[word]
        return _Sum(given[0].unit or given[1].unit, decimals, lambda values: choose(first(values), second(values)))

    def _deeper(self, part: Callable[[], _Node]) -> _Node:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            self._fail(f"more than {MOST_DEPTH} levels deep")
        node = part()
        self.depth -= 1
        return node

    def _close(self) -> None:
        if not self._take(")"):
            self._fail("expected )")

    def _truth(self, node: _Node) -> _Truth:
        if isinstance(node, _Sum):
            self._fail("expected a comparison, as equity < 1000")
        return node

    def _number(self, node: _Node) -> _Sum:
        if isinstance(node, _Truth):
            self._fail("a comparison is no figure")
        return node

    def _aligned(self, left: _Sum, right: _Sum, at: int) -> tuple[tuple[Amount, Amount], int]:
        if left.unit and right.unit and left.unit != right.unit:
            self._fail(f"{left.unit} and {right.unit} do not go together", at)
        decimals = max(left.decimals, right.decimals)
        return (_scaled(left, decimals), _scaled(right, decimals)), decimals

    def _unknown(self, word: str, at: int) -> NoReturn:
        near = get_close_matches(word, self.figures, 1)
        hint = f": did you mean '{near[0]}'?" if near else f": there are {', '.join(sorted(self.figures))}"
        self._fail(f"unknown figure '{word}'{hint}", at)


def _tokens(text: str) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    end = 0
    while end < len(text.rstrip(" ")):
        match = _TOKEN.match(text, end)
        if match is None:
            start = end + len(text[end:]) - len(text[end:].lstrip(" "))
            raise ConditionError(f"cannot read '{text[start : start + 12]}'", start + 1)
        found.append((match[match.lastgroup or 0], match.start(match.lastgroup or 0) + 1))
        end = match.end()
    return [*found, ("", len(text) + 1)]


def _either(first: Test, second: Test) -> _Truth:
    return _Truth(lambda values: first(values) or second(values))


def _both(first: Test, second: Test) -> _Truth:
    return _Truth(lambda values: first(values) and second(values))


def _scaled(part: _Sum, decimals: int) -> Amount:
    if part.decimals == decimals:
        return part.value
    factor, value = 10 ** (decimals - part.decimals), part.value
    return lambda values: value(values) * factor


def _added(first: Amount, second: Amount, sign: int) -> Amount:
    return lambda values: first(values) + sign * second(values)


def _times(first: Amount, second: Amount) -> Amount:
    return lambda values: first(values) * second(values)
