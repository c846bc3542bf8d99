"""Answers about earnings by day and month, and about vaults on chains."""

from typing import NotRequired

from typing_extensions import TypedDict

from cleartide.answers.parts import Page, Return, Yield


class Parts(Yield):
    """Earnings by source."""

    flows: str
    pnl: str
    funding: str
    fees: str


class OpenDay(Parts):
    """The day that runs, at the marks in force."""

    day: int
    equity_start: str
    equity_end: str


class TradingDay(OpenDay):
    """A day as the venue has it. `as_of`: of what it knows."""

    rebates: str
    closed: bool
    as_of: int


class EarningsSummary(TypedDict):
    """An account now and since its first day; `open_day` is null where nothing has happened today."""

    account: str
    cash: str
    equity: str
    open_day: OpenDay | None
    closed_days: int
    lifetime: Parts
    days: list[TradingDay]


class EarnedDay(Parts, Return):
    """A day of one protocol and asset: equity_end - equity_start = flows + pnl + funding - fees + yield."""

    date: str
    day: int
    protocol: str
    asset: str
    equity_start: str
    equity_end: str
    rebates: str
    closed: bool
    revision: int
    as_of: NotRequired[int]
    average_apr: NotRequired[str | None]
    average_apy: NotRequired[str | None]
    deposits: NotRequired[str]
    withdrawals: NotRequired[str]
    earned: NotRequired[str]
    cumulative_earned: NotRequired[str]
    cumulative_net: NotRequired[str]


class EarnedDays(TypedDict):
    """Days, newest first; `missing`: services that did not answer; `next`: the day before which the page ends."""

    owner: str
    month: str | None
    days: list[EarnedDay]
    missing: list[str]
    next: str | None


class EarnedMonth(Parts):
    """A month of one protocol and asset."""

    month: str
    protocol: str
    asset: str
    equity_start: str
    equity_end: str
    rebates: str
    active_days: int
    average_apr: str | None
    average_apy: str | None
    deposits: NotRequired[str]
    withdrawals: NotRequired[str]
    earned: NotRequired[str]


class EarnedMonths(TypedDict):
    """Months, newest first; `missing`: services that did not answer."""

    owner: str
    months: list[EarnedMonth]
    missing: list[str]


class VaultPosition(TypedDict):
    """What an owner has in a vault. Shares are in smallest units, amounts in whole assets."""

    vault: str
    protocol: str
    asset: str
    status: str
    shares: int
    staked_shares: int
    value: str
    value_usd: str | None
    deposited: str
    withdrawn: str
    fees: str
    earned_net: str
    lending_apy: str | None
    incentives_apy: str | None
    total_apy: str | None
    total_apr: str | None
    daily_interest: str


class VaultPositions(TypedDict):
    """What an owner has in every vault."""

    owner: str
    positions: list[VaultPosition]


class ChainMove(TypedDict):
    """An event on a chain about an owner. `place`: its place in the order of all."""

    chain: str
    signature: str
    event_index: int
    place: int
    kind: str
    vault: str
    protocol: str
    asset: str
    slot: int
    block_time: int
    deposit: str
    withdrawal: str
    fee: str
    shares: int
    staked_shares: int
    retracted: bool


class ChainMoves(Page):
    """Events, newest first."""

    owner: str
    moves: list[ChainMove]


class ChainVault(TypedDict):
    """A vault's totals in smallest units; totals are null before its first state."""

    vault: str
    protocol: str | None
    asset: str | None
    total_assets: int | None
    total_shares: int | None
    deposits: int
    withdrawals: int
    fees: int
    depositors: int
    withdrawers: int


class ChainVaults(TypedDict):
    """Every vault."""

    vaults: list[ChainVault]


class Rates(TypedDict):
    """TVL and yearly rates; `net` is what is left after the performance fee. USD is null without a price."""

    tvl: str
    tvl_usd: str | None
    lending_apy: str
    incentives_apy: str
    raw_apy: str
    fee_apy: str
    net_apy: str
    net_apr: str


class Offer(Rates):
    """A protocol's asset now, with best and mean of the newest points."""

    protocol: str
    asset: str
    best_apy: str
    mean_apy: str


class Offers(TypedDict):
    """`unpriced`: offers that are not in `tvl_usd`."""

    at: int
    tvl_usd: str
    unpriced: int
    best: Offer | None
    offers: list[Offer]


class RatesAt(Rates):
    """The same at an instant."""

    at: int


class RateSeries(TypedDict):
    """One protocol and asset."""

    protocol: str
    asset: str
    points: list[RatesAt]


class RateHistory(TypedDict):
    """Lines over time, oldest first; `step` in microseconds."""

    step: int
    series: list[RateSeries]


class SwapPair(TypedDict):
    """Swaps of a vault from an asset to another, in smallest units."""

    vault: str
    from_asset: str
    to_asset: str
    swaps: int
    amount_in: int
    amount_out: int
    last_swap: int


class SwapPairs(TypedDict):
    """Every vault and pair."""

    pairs: list[SwapPair]


class ChainCursor(TypedDict):
    """How far a chain has been read."""

    chain: str
    slot: int
    block_time: int
    received_at: int
    events: int
    duplicates: int
    late: int
    retracted: int
    lag_micros: int


class ChainCursors(TypedDict):
    """Every chain."""

    chains: list[ChainCursor]
