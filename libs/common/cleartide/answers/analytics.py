"""Answers about days of markets, of the venue and of accounts, leaders and portfolios."""

from typing_extensions import TypedDict

from cleartide.answers.parts import Page, Return, Yield


class MarketDay(TypedDict):
    """A UTC day of a market; prices are null on a day without a trade. `funding`: the sum of the day's rates."""

    market: str
    day: int
    open: str | None
    high: str | None
    low: str | None
    close: str | None
    volume: str
    quote_volume: str
    trades: int
    open_interest: str
    open_interest_high: str
    funding: str
    fundings: int
    fees: str
    referral: str
    liquidations: int
    liquidated: str
    liquidation_fees: str


class MarketDays(Page):
    """Days, newest first."""

    days: list[MarketDay]


class VenueDay(TypedDict):
    """A UTC day of the whole venue."""

    day: int
    volume: str
    trades: int
    traders: int
    accounts: int
    fees: str
    referral: str
    liquidation_fees: str
    liquidations: int
    revenue: str


class VenueDays(Page):
    """Days, newest first."""

    days: list[VenueDay]


class AccountDay(Yield):
    """equity_end - equity_start = flows + pnl + funding - fees + yield."""

    day: int
    closed: bool
    equity_start: str | None
    equity_end: str | None
    flows: str
    pnl: str
    funding: str
    fees: str
    realized: str
    volume: str
    trades: int


class AccountDays(Page):
    """Days, newest first."""

    account: str
    days: list[AccountDay]


class PortfolioWindow(Return, Yield):
    """A span, by source; `gain` = pnl + funding - fees + yield."""

    equity_start: str
    equity_end: str
    flows: str
    pnl: str
    funding: str
    fees: str
    gain: str


class PortfolioDay(PortfolioWindow):
    """A UTC day."""

    day: int


class Ratios(TypedDict):
    """Of daily returns; null where there are too few days."""

    days: int
    time_weighted: str | None
    apr: str | None
    apy: str | None
    volatility: str | None
    sharpe: str | None
    sortino: str | None
    max_drawdown: str | None
    drawdown: str | None
    calmar: str | None
    value_at_risk: str | None
    expected_shortfall: str | None
    win_rate: str | None
    profit_factor: str | None


class Allocation(TypedDict):
    """`shares`: each market's part of the gross value."""

    gross: str
    net: str
    shares: dict[str, str]
    concentration: str | None
    diversification: str | None
    leverage: str | None


class PortfolioPosition(TypedDict):
    """A position at the mark in force."""

    market: str
    size: str
    mark: str
    value: str
    unrealized: str


class PortfolioShares(TypedDict):
    """Shares of a vault of the venue, and what they would bring now."""

    vault: str
    shares: int
    worth: str


class Portfolio(TypedDict):
    """What an account holds, what it gained and where from. `windows`: by span, 24h, 7d and 30d."""

    account: str
    as_of: int
    equity: str
    cash: str
    windows: dict[str, PortfolioWindow]
    ratios: Ratios
    risk_free: str
    allocation: Allocation
    positions: list[PortfolioPosition]
    vaults: list[PortfolioShares]
    days: list[PortfolioDay]


class Leader(Yield):
    """An account's sums over the days."""

    account: str
    volume: str
    pnl: str
    funding: str
    fees: str
    realized: str
    flows: str
    trades: int


class Leaderboard(TypedDict):
    """Who leads, first first."""

    by: str
    days: int
    as_of_day: int
    accounts: list[Leader]
