"""Random accounts, prices and fills, told to the wheel and to the plain words alike. As a program: a digest."""

import hashlib
import random
import sys

from services.risk.engine import COMPILED
from services.risk.engine.tests.plain import ENTER, LEAVE, Bracket, Plain, PlainAccount
from services.risk.engine.wheel import Wheel

RATES = (1, 7_000_000, 10_000_000, 50_000_000, 300_000_000, 700_000_000, 1_000_000_000, 3_000_000_000)
FRACTIONS = (1, 300_000_000, 500_000_000, 999_999_999, 1_000_000_000, 2_000_000_000)


class Drive:
    """Both sides of the comparison; every difference fails at the step that shows it."""

    def __init__(self, seed: int, *, markets: int, accounts: int, scale: int) -> None:
        self.random = random.Random(seed)
        self.scale = scale
        self.wheel = Wheel(ENTER, LEAVE)
        self.plain = Plain([], [])
        self.said = hashlib.sha256()
        for market in range(markets):
            brackets = self._brackets()
            self.plain.prices.append(self.random.randint(1, 50) * scale)
            self.plain.brackets.append(brackets)
            assert self.wheel.market() == market
            self.wheel.set_margin(market, brackets)
            self.wheel.move(market, self.plain.prices[market])
        self.rows = [self.wheel.account(number) for number in range(accounts)]
        self.plain.accounts = [PlainAccount() for _ in range(accounts)]
        for number in range(accounts):
            for market in self.random.sample(range(markets), self.random.randint(1, min(3, markets))):
                self.fill(number, market)

    def step(self) -> None:
        """A price, mostly a small change of one; or a fill."""
        market = self.random.randrange(len(self.plain.prices))
        if self.random.random() < 0.2:
            self.fill(self.random.randrange(len(self.rows)), market)
            return
        size = self.random.choice((0.002, 0.02, 0.3))
        price = self.plain.prices[market]
        self.move(market, max(1, price + round(price * self.random.gauss(0, size)) + self.random.choice((-1, 0, 1))))

    def move(self, market: int, ticks: int) -> None:
        """One price."""
        truth = self.plain.move(market, ticks)
        self.wheel.move(market, ticks)
        self.compare(truth)

    def fill(self, number: int, market: int) -> None:
        """Another position, and cash that leaves the account somewhere near a level."""
        account = self.plain.accounts[number]
        slope = self.random.choice((0, 1, 1, 1)) * self.random.choice((-1, 1)) * self.random.randint(1, 10 * self.scale)
        account.slopes[market] = slope
        if not slope:
            del account.slopes[market]
        account.keep = 0
        equity, margin = self.plain.figures(account)
        account.keep = margin * self.random.randint(90, 250) // 100 - equity
        truth = [number] if self.plain.judge(account) else []
        self.wheel.expect(self.rows[: number + 1])
        self.wheel.update(self.rows[number], market, slope, account.keep)
        self.compare(truth)

    def compare(self, truth: list[int]) -> None:
        """Who changed, and to which level."""
        found = sorted((self.wheel.name(row), self.wheel.level(row)) for row in self.wheel.out)
        assert found == [(number, self.plain.accounts[number].level) for number in truth]
        self.said.update(repr(found).encode())

    def _brackets(self) -> list[Bracket]:
        uppers = sorted(self.random.sample(range(1, 40 * self.scale * self.scale), self.random.randint(0, 3)))
        return [(upper, self.random.choice(RATES), self.random.choice(FRACTIONS)) for upper in [*uppers, -1]]


if __name__ == "__main__":
    drive = Drive(int(sys.argv[1]), markets=4, accounts=30, scale=1_000)
    for _ in range(int(sys.argv[2])):
        drive.step()
    print("compiled" if COMPILED else "interpreted", drive.said.hexdigest(), drive.wheel.looks)
