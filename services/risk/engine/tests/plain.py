"""The wheel's promise in the plainest words: every price judges every account, in integers without a limit."""

from dataclasses import dataclass, field
from fractions import Fraction

Bracket = tuple[int, int, int]
ENTER = [1_500_000, 1_200_000, 1_050_000, 1_000_000]
LEAVE = [1_530_000, 1_224_000, 1_071_000, 1_020_000]


@dataclass
class PlainAccount:
    """Equity beside positions, positions by market as quanta per tick."""

    keep: int = 0
    level: int = 0
    below: bool = False
    slopes: dict[int, int] = field(default_factory=dict)


@dataclass
class Plain:
    """Prices, brackets and accounts."""

    prices: list[int]
    brackets: list[list[Bracket]]
    accounts: list[PlainAccount] = field(default_factory=list)

    def figures(self, account: PlainAccount) -> tuple[int, int]:
        """(equity, maintenance margin)."""
        values = {market: slope * self.prices[market] for market, slope in account.slopes.items()}
        margin = sum(required(abs(value), self.brackets[market]) for market, value in values.items())
        return account.keep + sum(values.values()), margin

    def judge(self, account: PlainAccount) -> bool:
        """Whether the level, or being below maintenance, has changed."""
        equity, margin = self.figures(account)
        before = account.level, account.below
        entered = sum(margin > 0 and equity * 10**6 < ppm * margin for ppm in ENTER)
        kept = sum(margin > 0 and equity * 10**6 < ppm * margin for ppm in LEAVE)
        account.level = max(entered, min(account.level, kept))
        account.below = margin > 0 and equity < margin
        return (account.level, account.below) != before

    def move(self, market: int, ticks: int) -> list[int]:
        """A price; returns whose level or state changed."""
        self.prices[market] = ticks
        return [number for number, account in enumerate(self.accounts) if self.judge(account)]


def required(notional: int, brackets: list[Bracket]) -> int:
    """Each slice at its own rate, rounded up twice (R8)."""
    lower = total = 0
    for upper, initial, fraction in brackets:
        top = notional if upper < 0 else min(upper, notional)
        if top > lower:
            total += ceil(Fraction(ceil(Fraction((top - lower) * initial, 10**9)) * fraction, 10**9))
            lower = top
    return total


def ceil(value: Fraction) -> int:
    """The least integer that is not below."""
    return -(-value.numerator // value.denominator)
