"""A random venue near its alert levels, told event by event to the service and to the brute force alike."""

import random

from cleartide.contracts import (
    AssetChanged,
    AssetListed,
    CollateralChanged,
    CollateralSwapped,
    FundingSettled,
    LiquidateAccount,
    LiquidationExecuted,
    LiquidationRejected,
    MarketListed,
    MarkPriceUpdated,
    Message,
    PositionChanged,
    RiskAlertRaised,
    TransferApplied,
)
from cleartide.money import quanta_from_text, trunc_div
from cleartide.rules.margin import requirements

from services.risk.domain.levels import NAMES
from services.risk.tests.brute_force import BruteForce, Said
from services.risk.tests.support import (
    Brackets,
    Venue,
    asset_spec,
    collateral_body,
    executed_body,
    funding_body,
    mark_body,
    market_spec,
    position_body,
    rejected_body,
)

RESOLVED = NAMES[min(NAMES)]


class Scenario:
    """Keeps the prices and the requests that wait for an answer; every difference fails at the event that shows it."""

    def __init__(
        self,
        seed: int,
        *,
        markets: int,
        accounts: int,
        most_positions: int,
        least_price: int = 50,
        assets: int = 0,
        venue: Venue | None = None,
    ) -> None:
        self.random, self.least_price = random.Random(seed), least_price
        self.venue, self.brute = venue or Venue(), BruteForce()
        self.prices: dict[str, int] = {}
        self.waiting: dict[str, str] = {}
        self.numbers: dict[str, int] = {}
        self.said = 0
        for number in range(markets):
            self._list(f"M{number:02d}-PERP")
        for number in range(assets):
            self._list_asset(f"A{number}", sorted(self.prices)[number % markets] if number % 4 else None)
        for number in range(accounts):
            count = self.random.randint(1, most_positions)
            for market in self.random.sample(sorted(self.prices), min(count, markets)):
                self.trade(f"a{number}", market)

    def tell(self, event: Message, *, may_request: bool = True) -> list[Said]:
        """One event to both; returns what both said."""
        heard, truth = self.venue.hear(event), self.brute.hear(event, may_request)
        said = [_plain(message) for message in heard if getattr(message, "kind", "health") == "health"]
        for message in heard:
            if isinstance(message, RiskAlertRaised):
                self.numbers[message.account] = self.numbers.get(message.account, 0) + 1
                assert message.account_seq == self.numbers[message.account], "an account's alerts have a gap"
        assert said == truth, f"{event!r}: {said} is not {truth}"
        for kind, account, market, *_ in said:
            if kind == "liquidate":
                assert account not in self.waiting, f"{account} has two requests open"
                self.waiting[str(account)] = str(market)
        self.said += len(said)
        return said

    def step(self) -> None:
        """Something random happens; most often a price."""
        market = self.random.choice(sorted(self.prices))
        account = f"a{self.random.randrange(len(self.brute.accounts))}"
        kind = self.random.random()
        if kind < 0.75:
            self.move(market, self.random.gauss(0, 0.01), stale=self.random.random() < 0.1)
        elif kind < 0.80:
            self.fund(market, self.random.randint(-3, 3))
        elif kind < 0.87:
            self.transfer(account)
        elif kind < 0.93 and self.brute.assets:
            self.collateral(account, self.random.choice(sorted(self.brute.assets)))
        else:
            self.trade(account, market)
        self.answer_some()

    def move(self, market: str, change: float, *, stale: bool = False) -> None:
        """A new mark price, `change` away from the last."""
        price = self.prices[market] = max(1, round(self.prices[market] * (1 + change)))
        index = max(1, round(price * self.random.uniform(0.97, 1.03)))
        self.tell(self.venue.event(MarkPriceUpdated, **mark_body(market, price, stale, index)))

    def fund(self, market: str, percent: int) -> None:
        """The funding index moves by a part of the price."""
        held = self.brute.markets[market]
        index = held.index + self.prices[market] * held.u * percent // 100
        self.tell(self.venue.event(FundingSettled, **funding_body(market, index)))

    def transfer(self, account: str, *, worst_percent: int = 90, best_percent: int = 300) -> None:
        """Cash such that the account's health factor is somewhere between worst and best."""
        cash = self._cash_for(account, worst_percent, best_percent)
        self.tell(self.venue.event(TransferApplied, account=account, amount_quanta=1, cash_quanta=cash))

    def collateral(self, account: str, asset: str) -> None:
        """More or less of an asset, a sale of some of it, or new rules for it; cash keeps the account near a level."""
        kind, spec, held = self.random.random(), self.brute.assets[asset], self.brute.accounts[account].held
        if kind < 0.1:
            weight = self.random.choice((0, 300_000_000, 500_000_000, 900_000_000, 999_999_999))
            changed = spec.model_copy(update={"maintenance_weight_ppb": weight})
            self.tell(self.venue.event(AssetChanged, asset=asset, spec=changed))
        elif kind < 0.3 and held.get(asset):
            self._sell(account, asset, self.random.randint(1, held[asset]))
        else:
            units = self.random.choice((0, 1, 1)) * self.random.randint(1, 50 * 10**spec.decimals)
            self.tell(self.venue.event(CollateralChanged, **collateral_body(account, asset, units)))
            self.transfer(account)

    def _sell(self, account: str, asset: str, units: int) -> None:
        brought = self.random.randint(1, 10**8)
        body = {
            "account": account,
            "sold_asset": asset,
            "sold_units": units,
            "sold_balance_units": self.brute.accounts[account].held[asset] - units,
            "bought_asset": "USDC",
            "bought_units": brought,
            "bought_balance_units": self.brute.accounts[account].cash + brought,
        }
        kind = self.random.choice(("swap", "swap", "repayment"))
        self.tell(self.venue.event(CollateralSwapped, **body, kind=kind), may_request=kind == "swap")

    def trade(self, account: str, market: str) -> None:
        """A new position at about the mark, with cash that leaves the account near a level; or none."""
        lots = self.random.choice((0, 1, 1, 1)) * self.random.choice((-1, 1)) * self.random.randint(1, 2_000)
        price, held = self.prices[market], self.brute.markets[market]
        quote = -lots * round(price * self.random.uniform(0.97, 1.03)) * held.u
        known = self.brute.accounts.get(account)
        cash = self._cash_for(account, 90, 300) if known and known.positions else abs(quote) // 20
        body = position_body(account, market, lots, quote=quote, cash=cash, index=held.index)
        self.tell(self.venue.event(PositionChanged, **body))

    def answer_some(self) -> None:
        """Matching gets round to some of the open requests."""
        for name in [name for name in self.waiting if self.random.random() < 0.3]:
            self.answer(name)

    def answer(self, account: str) -> None:
        """Matching refuses the open request, or closes most of the position at mark and says so."""
        market = self.waiting.pop(account)
        position = self.brute.accounts[account].positions.get(market)
        if position is None or self.random.random() < 0.5:
            self.tell(self.venue.event(LiquidationRejected, **rejected_body(account, market)))
            return
        held, lots = self.brute.markets[market], trunc_div(position.lots, 3)
        quote = position.quote * lots // position.lots
        realized = (position.lots - lots) * held.mark * held.u + position.quote - quote
        funding = -position.lots * (held.index - position.settled)
        cash = self.brute.accounts[account].cash + realized + funding
        body = position_body(account, market, lots, quote=quote, cash=cash, index=held.index)
        self.tell(self.venue.event(PositionChanged, **body))
        self.tell(self.venue.event(LiquidationExecuted, **executed_body(account, market, position.lots - lots)))

    def _list(self, market: str) -> None:
        u = self.random.choice((1, 10, 100))
        price = self.random.randint(self.least_price, 200_000)
        spec = market_spec(market, self._brackets(price * u))
        self.tell(self.venue.event(MarketListed, market=market, spec=spec, quanta_per_lot_tick=u))
        self.prices[market] = price
        self.move(market, 0.0)

    def _list_asset(self, asset: str, market: str | None) -> None:
        rules: dict[str, object] = {"decimals": self.random.randint(0, 9)}
        rules["maintenance_weight_ppb"] = self.random.choice((500_000_000, 900_000_000, 1_000_000_000))
        if market is not None:
            rules["index_market"] = market
        self.tell(self.venue.event(AssetListed, asset=asset, spec=asset_spec(asset, **rules)))

    def _brackets(self, lot_value: int) -> Brackets:
        edges = sorted(self.random.sample(range(1, 2_000), self.random.randint(0, 3)))
        rates = sorted(self.random.choice((0.01, 0.02, 0.05, 0.1, 0.3, 1.0)) for _ in range(len(edges) + 1))
        fraction = self.random.choice((0.3, 0.5, 0.6, 1.0))
        bounds: list[int | None] = [edge * lot_value for edge in edges]
        return tuple(
            (bound, round(rate * 1e9), round(fraction * 1e9))
            for bound, rate in zip([*bounds, None], rates, strict=True)
        )

    def _cash_for(self, account: str, worst_percent: int, best_percent: int) -> int:
        worth = required = 0
        for market, position in self.brute.accounts[account].positions.items():
            held = self.brute.markets[market]
            value = position.lots * held.mark * held.u
            worth += position.quote + value - position.lots * (held.index - position.settled)
            required += requirements(abs(value), held.brackets)[1]
        worth += self.brute.collateral(self.brute.accounts[account])
        return required * self.random.randint(worst_percent, best_percent) // 100 - worth


def _plain(message: Message) -> Said:
    """A message in the brute force's words."""
    if isinstance(message, RiskAlertRaised):
        level = "none" if message.level == RESOLVED else message.level
        figures = (quanta_from_text(message.equity), quanta_from_text(message.maintenance_margin))
        return ("alert", message.account, level, message.previous_level or "none", *figures)
    assert isinstance(message, LiquidateAccount)
    figures = (quanta_from_text(message.equity), quanta_from_text(message.maintenance_margin))
    return ("liquidate", message.account, message.market, *figures)
