"""Answers about earnings by day and month, and about vaults on chains."""

from typing import NotRequired

from typing_extensions import TypedDict

from cleartide.answers.parts import Page, Return, Yield


class Parts(Yield):
    """Earnings by source: flows = deposits - withdrawals, earned = pnl + funding + yield."""

    flows: str
    deposits: str
    withdrawals: str
    pnl: str
    funding: str
    fees: str
    rebates: str
    earned: str


class OpenDay(Parts):
    """The day that runs, at the marks in force."""

    day: int
    equity_start: str
    equity_end: str


class EarnedDay(OpenDay, Return):
    """A day of one protocol and asset: equity_end - equity_start = flows + pnl + funding - fees + yield.

    `cumulative_*`: what was earned by its end since the first day, before fees and after them. `return`: by Modified
    Dietz, null where nothing was at work or the day is not over. `as_of`: of a day at the venue, when its marks are of.
    """

    date: str
    protocol: str
    asset: str
    cumulative_earned: str
    cumulative_net: str
    closed: bool
    revision: NotRequired[int]
    as_of: NotRequired[int]


class EarningsSummary(TypedDict):
    """An account now and since its first day; `open_day` is null where nothing has happened today."""

    account: str
    cash: str
    equity: str
    open_day: OpenDay | None
    closed_days: int
    lifetime: Parts
    days: list[EarnedDay]


class EarnedDays(TypedDict):
    """Days, newest first; `missing`: services that did not answer; `next`: the day before which the page ends."""

    owner: str
    month: str | None
    days: list[EarnedDay]
    missing: list[str]
    next: str | None


class EarnedMonth(Parts):
    """A month of one protocol and asset, of the days that are over; APR is simple, APY compounds daily."""

    month: str
    protocol: str
    asset: str
    equity_start: str
    equity_end: str
    active_days: int
    average_apr: str | None
    average_apy: str | None


class EarnedMonths(TypedDict):
    """Months, newest first; `missing`: services that did not answer; `next`: the month before which the page ends."""

    owner: str
    months: list[EarnedMonth]
    missing: list[str]
    next: str | None


class ClaimedReward(TypedDict):
    """What a farm paid an owner in one asset: `amount` reached the wallet, `fee` the platform kept."""

    asset: str
    amount: str
    fee: str
    last_claim: int


class VaultPosition(TypedDict):
    """What an owner has in a vault. Shares are in smallest units, amounts in whole assets.

    `pending_rewards`: what staked shares have earned since the last claim at the incentives that the vault reported, in
    the vault's asset. `risk`: low, medium or high by `risk_reasons`, null where nothing is held.
    """

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
    pending_rewards: str
    claimed_rewards: list[ClaimedReward]
    risk: str | None
    risk_reasons: list[str]


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
    """A vault's totals in smallest units, as text, null before its first state. `status`: active, paused or closed."""

    vault: str
    protocol: str | None
    asset: str | None
    total_assets: str | None
    total_shares: str | None
    deposits: str
    withdrawals: str
    fees: str
    depositors: int
    withdrawers: int
    status: str | None


class ChainVaults(TypedDict):
    """Every vault."""

    vaults: list[ChainVault]


class Rates(TypedDict):
    """TVL and yearly rates; `net` is what is left after the performance fee. USD is null without a price.

    `paused`: how many of the `vaults` take nothing in, paused or closed.
    """

    tvl: str
    tvl_usd: str | None
    lending_apy: str
    incentives_apy: str
    raw_apy: str
    fee_apy: str
    net_apy: str
    net_apr: str
    vaults: int
    paused: int


class Offer(Rates):
    """A protocol's asset now, with best and mean of the newest points."""

    protocol: str
    asset: str
    best_apy: str
    mean_apy: str


class Offers(TypedDict):
    """`unpriced`: offers that are not in `tvl_usd`. `best`: of those that take money in."""

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


class RateHistory(Page):
    """Lines over time, oldest first; `step` in microseconds. `next`: of the page of older points."""

    step: int
    series: list[RateSeries]


class SwapPair(TypedDict):
    """Swaps of a vault from an asset to another; amounts in smallest units, as text."""

    vault: str
    from_asset: str
    to_asset: str
    swaps: int
    amount_in: str
    amount_out: str
    last_swap: int


class SwapPairs(TypedDict):
    """Every vault and pair."""

    pairs: list[SwapPair]


class Commission(TypedDict):
    """A fee that an event on a chain brought in. `kind`: of the event; the fee is in `asset`."""

    chain: str
    signature: str
    event_index: int
    place: int
    kind: str
    vault: str
    owner: str
    protocol: str
    asset: str
    block_time: int
    fee: str


class Commissions(Page):
    """Of all owners, newest first."""

    commissions: list[Commission]


class CommissionSum(TypedDict):
    """What one protocol's events of one kind brought in of one asset.

    `date`, `vault` or `owner`: where the sums are by it.
    """

    date: NotRequired[str]
    vault: NotRequired[str]
    owner: NotRequired[str]
    protocol: str
    asset: str
    kind: str
    events: int
    owners: int
    fees: str


class CommissionSums(TypedDict):
    """Of [`from_time`, `to_time`), microseconds: days the newest first, all else the largest of each asset first."""

    by: str
    from_time: int
    to_time: int
    sums: list[CommissionSum]


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
