"""Answers about risk: of the venue, and what would become of an account."""

from typing_extensions import TypedDict

from cleartide.answers.parts import AsOf, Considered, Held, Page
from cleartide.answers.shapes import AlertInputView, RuleFigureView


class LastRuleAlert(TypedDict):
    """The newest alert by a rule; `seq` as the desk's own list has it, `market` null where it is of an account."""

    seq: int
    account: str
    market: str | None
    level: str
    raised_at: int


class RuleView(TypedDict):
    """An operator's rule: `holding` alerts by it hold now; `last` null before the first."""

    name: str
    level: str
    each: str
    when: str
    until: str
    markets: list[str]
    cooldown_seconds: int
    note: str
    holding: int
    last: LastRuleAlert | None


class RuleList(AsOf):
    """All rules, by name."""

    rules: list[RuleView]


class RuleFigure(TypedDict):
    """What a rule about `each` may name; unit: quote, price, ratio, bps or count."""

    each: str
    name: str
    unit: str
    meaning: str


class RuleFigures(TypedDict):
    """The whole catalogue."""

    figures: list[RuleFigure]


class HistogramColumn(TypedDict):
    """Accounts below this health factor and not below the column before; null: the rest."""

    below: str | None
    accounts: int


class RiskSummary(Considered):
    """Accounts per level, liquidations asked for and not answered, and the spread of health factors."""

    levels: dict[str, int]
    liquidating: int
    histogram: list[HistogramColumn]


class ShockedMarket(TypedDict):
    """What a fund would have to pay, and what it could not."""

    market: str
    fund: str
    shortfall: str
    uncovered: str


class Scenario(TypedDict):
    """`shocks`: percent by market."""

    name: str
    kind: str
    shocks: dict[str, str]
    accounts: int
    liquidatable: int
    bankrupt: int
    lost: str
    liquidated: str
    shortfall: str
    insurance: str
    uncovered: str
    markets: list[ShockedMarket]


class StressView(Considered):
    """Falls and rises, and whether the insurance funds suffice."""

    funds: dict[str, str]
    scenarios: list[Scenario]


class Horizon(TypedDict):
    """Value at risk and expected shortfall at 95 and 99 %; null with too few observations."""

    hours: int
    observations: int
    var_95: str | None
    shortfall_95: str | None
    var_99: str | None
    shortfall_99: str | None


class Holder(TypedDict):
    """An account and the value of its position."""

    account: str
    value: str


class MarketExposure(TypedDict):
    """Long, short, and how much of it few hold."""

    market: str
    holders: int
    long: str
    short: str
    largest_account: str
    largest_percent: str
    top_ten_percent: str
    concentration_percent: str
    top: list[Holder]


class LargestAccount(TypedDict):
    """`gross`: the value of all positions, without regard to side."""

    account: str
    gross: str
    horizons: list[Horizon]


class ExposureView(Considered):
    """By market, and the largest accounts' tails."""

    markets: list[MarketExposure]
    largest: list[LargestAccount]


class TailView(Considered):
    """An account's value at risk by horizon."""

    account: str
    gross: str
    horizons: list[Horizon]


class MapStep(TypedDict):
    """What becomes liquidatable at this percent from the mark price."""

    percent: int
    accounts: int
    long: str
    short: str


class LiquidationMap(Considered):
    """`mark_price` is null before the market's first price."""

    market: str
    mark_price: str | None
    steps: list[MapStep]


class InsurancePoint(TypedDict):
    """A fund's balance after a trading event."""

    market: str
    seq: int
    at: int
    balance: str


class InsuranceHistory(AsOf, Page):
    """Balances, oldest first; the next page is older."""

    points: list[InsurancePoint]


class AccountLimitsView(TypedDict):
    """At what an account wants to be alerted, and what its losses are counted from."""

    max_position: str | None
    max_leverage: int | None
    max_daily_loss: str | None
    max_drawdown: str | None
    max_value_at_risk: str | None
    day_equity: str | None
    peak_equity: str | None


class HoldingAlert(TypedDict):
    """An alert beside health that holds now."""

    kind: str
    market: str | None


class AccountWatch(AsOf):
    """An account's own limits, null without any, and the alerts about it that hold."""

    account: str
    limits: AccountLimitsView | None
    holding: list[HoldingAlert]


class MarginFigures(TypedDict):
    """An account's margin at one moment."""

    health_factor: str | None
    equity: str
    initial_margin: str
    maintenance_margin: str


class OrderWhatIf(Considered):
    """The account before and after the order has filled."""

    account: str
    market: str
    allowed: bool
    size_after: str
    fee: str
    liquidation_price: str | None
    before: MarginFigures
    after: MarginFigures


class PricesWhatIf(Considered):
    """The account before and after prices have moved."""

    account: str
    before: MarginFigures
    after: MarginFigures


class AlertAnswerView(TypedDict):
    """Who answered an alert, when, and what he said."""

    by: str
    at: int
    note: str


class AnsweredAlert(TypedDict):
    """An alert with all that it was computed from, and what was answered to it."""

    seq: int
    account: str
    account_seq: int
    level: str
    previous_level: str | None
    health_factor: str | None
    equity: str
    maintenance_margin: str
    cash: str
    unsettled_funding: str
    inputs: list[AlertInputView]
    collateral: list[Held]
    cause_id: str
    cause_seq: int
    raised_at: int
    kind: str
    market: str | None
    value: str | None
    threshold: str | None
    formula: str
    rule: str | None
    figures: list[RuleFigureView]
    acknowledged: AlertAnswerView | None
    resolved: AlertAnswerView | None


class AnsweredAlerts(AsOf, Page):
    """Alerts, newest first; with `after` those that follow it, oldest first, and `next` is null."""

    alerts: list[AnsweredAlert]
