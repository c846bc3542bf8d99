"""Answers about one account: its positions, margin, money, fees and funding."""

from typing_extensions import TypedDict

from cleartide.answers.parts import AsOf, Considered, Held, Page
from cleartide.answers.shapes import OrderView


class PositionView(TypedDict):
    """A position at the mark in force; figures that need a price are null before the market's first."""

    market: str
    size: str
    value: str
    unrealized_pnl: str
    maintenance_margin: str
    index_stale: bool
    mark: str | None
    entry_price: str | None


class PositionOfAccount(PositionView):
    """A position with the health of the account that holds it."""

    account: str
    level: str | None
    health_factor: str | None
    equity: str | None
    liquidating: bool
    account_maintenance_margin: str | None


class PositionList(Considered):
    """Positions, those of the least healthy account first."""

    positions: list[PositionOfAccount]


class LiquidationRequest(TypedDict):
    """Risk's newest request to liquidate."""

    market: str
    observed_seq: int
    requested_at: int


class AccountView(AsOf):
    """An account now. Margin figures are null while a market it holds has no price, `orders` while matching is away."""

    account: str
    level: str | None
    cash: str
    unsettled_funding: str
    health_factor: str | None
    equity: str | None
    initial_margin: str | None
    maintenance_margin: str | None
    account_seq: int
    liquidating: bool
    last_request: LiquidationRequest | None
    positions: list[PositionView]
    collateral: list[Held]
    orders: list[OrderView] | None


class Liquidation(TypedDict):
    """One step of a liquidation. `waits`: what its rest waits for."""

    seq: int
    at: int
    market: str
    account: str
    waits: str | None
    closed: str
    taken_over: str
    deleveraged: str
    remaining: str
    mark: str
    bankruptcy_price: str
    fee: str
    insurance_paid: str
    equity_before: str
    maintenance_margin_before: str


class LiquidationPage(Page):
    """Liquidation steps, newest first."""

    liquidations: list[Liquidation]


class AssetMargin(TypedDict):
    """An asset of the account, and what of it counts for health and for new risk."""

    asset: str
    balance: str
    locked: str
    withdrawable: str
    value: str
    counts_for_health: str
    counts_for_new_risk: str
    price_is_fresh: bool


class PositionMargin(TypedDict):
    """`leverage` is null where none was chosen, `liquidation_price` where no price would do it."""

    market: str
    size: str
    leverage: int | None
    initial_margin: str
    maintenance_margin: str
    liquidation_price: str | None


class MarginView(AsOf):
    """An account's margin as matching reserves it."""

    account: str
    equity: str
    maintenance_margin: str
    health_factor: str | None
    initial_equity: str
    initial_margin: str
    initial_margin_with_orders: str
    reserved: str
    free: str
    utilisation: str
    max_borrowable: str
    assets: list[AssetMargin]
    positions: list[PositionMargin]


class Transfer(TypedDict):
    """What came, went or moved. `amount`: as asked; `moved`: what the balance changed by."""

    transfer_id: int
    at: int
    asset: str
    kind: str
    status: str
    counterparty: str
    reference: str
    amount: str
    moved: str


class TransferPage(Page):
    """Transfers, newest first."""

    account: str
    transfers: list[Transfer]


class OpenDeposit(TypedDict):
    """A deposit that is not yet confirmed."""

    deposit_id: int
    asset: str
    tx_id: str
    output: int
    confirmations: int
    confirmations_needed: int
    status: str
    seen_at: int
    amount: str


class OpenWithdrawal(TypedDict):
    """A withdrawal that has not left yet."""

    withdrawal_id: int
    asset: str
    destination: str
    status: str
    asked_at: int
    amount: str


class OpenTransfers(TypedDict):
    """What is on its way, either way."""

    account: str
    deposits: list[OpenDeposit]
    withdrawals: list[OpenWithdrawal]


class FeeRates(TypedDict):
    """An account's rates in a market; a rate below zero is paid to it. `next_tier_volume`: null in the last tier."""

    market: str
    taker_fee: str
    maker_fee: str
    tier: int | None
    next_tier_volume: str | None


class AccountFees(AsOf):
    """Rates, the 30-day volume of the family that decides them, and referrals."""

    account: str
    family: str
    volume: str
    referrer: str | None
    referees: int
    referee_discount: str
    claimable: str
    markets: list[FeeRates]


class FeeTier(TypedDict):
    """Rates from a volume on."""

    tier: int
    volume: str
    taker_fee: str
    maker_fee: str


class FeeSchedules(TypedDict):
    """Tiers of all markets, of single ones, and the terms of referrals."""

    every_market: list[FeeTier]
    markets: dict[str, list[FeeTier]]
    referee_discount: str
    referrer_share: str


class RevenueDay(TypedDict):
    """What a day brought in a market; `venue` is what was kept."""

    day: str
    market: str
    taker_fees: str
    maker_fees: str
    rebates: str
    referrals: str
    venue: str


class RevenuePage(TypedDict):
    """Days, newest first; `next` is the day before which the next page begins."""

    revenue: list[RevenueDay]
    next: str | None


class Lamp(TypedDict):
    """How soon the position would be deleveraged: 5 of 5 `lamps` is first; `rank` among `holders` of its side."""

    market: str
    rank: int
    holders: int
    lamps: int


class Deleveraging(TypedDict):
    """Every position's place."""

    account: str
    positions: list[Lamp]


class FundingPayment(TypedDict):
    """What a settlement cost (below zero) or brought."""

    market: str
    interval_start: int
    interval_micros: int | None
    funding_type: str | None
    settled_at: int
    rate: str
    size: str | None
    mark: str | None
    amount: str


class FundingPayments(AsOf, Page):
    """Settlements, newest first. `size` and `mark` are null while the market's steps are not known."""

    account: str
    payments: list[FundingPayment]


class InsuranceFund(TypedDict):
    """A market's fund: cash, the position it has taken over, and what both are worth."""

    market: str
    balance: str
    position: str
    worth: str | None
    stress: str | None
    position_cap: str | None


class InsuranceFunds(TypedDict):
    """Every market's insurance fund."""

    funds: list[InsuranceFund]
