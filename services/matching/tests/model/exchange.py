"""The model's front door: one command in, what must be said out."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from cleartide.contracts import (
    AmendOrder,
    AnswerAlert,
    BustTrade,
    CancelAllOrders,
    CancelOrder,
    CancelWithdrawal,
    ChangeAsset,
    ChangeMarket,
    ClaimReferralRewards,
    CommitOrder,
    CompleteWithdrawal,
    ConfirmDeposit,
    CorrectTrade,
    DelistMarket,
    Deposit,
    DepositCollateral,
    FailDeposit,
    FailWithdrawal,
    FundInsurance,
    FundPool,
    GrantDelegate,
    HaltMarket,
    LiquidateAccount,
    ListAsset,
    ListMarket,
    Message,
    OpenSubaccount,
    PayFromPool,
    PlaceOrder,
    QuoteAuction,
    ReportDeposit,
    ReportDiscrepancy,
    ReportTrade,
    RequestLiquidation,
    RequestWithdrawal,
    ResumeMarket,
    RevealOrder,
    RevokeDelegate,
    SetAccountTerms,
    SetFeeSchedule,
    SetFunding,
    SetLeverage,
    SetOrderTier,
    SetReferralTerms,
    SetReferrer,
    SetRiskLimits,
    SettleFunding,
    SetVenueLimits,
    SetVenueMode,
    SetVenueSwitch,
    StartWithdrawal,
    SubmitOrders,
    SwapCollateral,
    TransferFunds,
    TransferToPool,
    UpdateIndexPrice,
    Withdraw,
    WithdrawCollateral,
    WithdrawPool,
)
from cleartide.contracts.farms import ClaimFarmRewards, FundFarm, OpenFarm, StakeShares, UnstakeShares
from cleartide.contracts.vaults import (
    CancelVaultExit,
    CompoundVault,
    CreateVault,
    DepositToVault,
    HaltVault,
    HarvestVault,
    RebalanceVault,
    SetVaultState,
    SetVaultTerms,
    WithdrawFromVault,
)

from services.matching.tests.model import (
    accounts,
    amending,
    assets,
    auctions,
    batches,
    custody,
    family,
    farms,
    fees,
    funding,
    liquidation,
    listing,
    managing,
    matching,
    money,
    orders,
    outside,
    pools,
    prices,
    rulings,
    sealed,
    swaps,
    terms,
    vaults,
    venue,
    waiting,
    watching,
)
from services.matching.tests.model.waterfall import tell_funds
from services.matching.tests.model.world import Missing, Refusal, World

NUMBERED: Final = {"ingestor": UpdateIndexPrice, "risk": LiquidateAccount, "funding": SettleFunding}
"""Services that number their commands, and the only command each may give."""

WAITS: Final = ("stop_market", "stop_limit", "take_profit_market", "take_profit_limit", "trailing_stop")


def _place(world: World, command: PlaceOrder, *, batched: bool = False) -> None:
    """At work at once, auctioned, or armed."""
    place = orders.place if command.auction is None else auctions.place
    try:
        (waiting.arm if command.order_type in WAITS else place)(world, command, batched=batched)
    except Refusal as refusal:
        orders.reject(world, command, "place", refusal.reason)


GIVEN_UP: Final[Mapping[str, Callable[[World, int], None]]] = {
    "deposit": custody.expect_no_more,
    "withdrawal": lambda world, number: custody.give_back(world, number, "expired", "timeout"),
    "vault": vaults.look_again,
}


def _submit(world: World, command: SubmitOrders) -> None:
    batches.submit(world, command, RULES)


RULES: Final[Mapping[type[Message], Callable[[World, Any], None]]] = {
    ListMarket: listing.list_market,
    ChangeMarket: rulings.change_market,
    SetFunding: rulings.set_funding,
    ReportDiscrepancy: rulings.alarm,
    FundInsurance: money.fund_insurance,
    Deposit: money.deposit,
    Withdraw: money.withdraw,
    DepositCollateral: money.deposit,
    WithdrawCollateral: money.withdraw,
    ListAsset: assets.list_asset,
    ChangeAsset: assets.change_asset,
    SwapCollateral: swaps.swap,
    FundPool: pools.fund,
    WithdrawPool: pools.withdraw,
    PayFromPool: pools.pay,
    TransferToPool: pools.put,
    ReportDeposit: custody.report,
    ConfirmDeposit: custody.confirm,
    FailDeposit: custody.lose,
    RequestWithdrawal: custody.request,
    CancelWithdrawal: custody.cancel,
    StartWithdrawal: custody.start,
    CompleteWithdrawal: custody.complete,
    FailWithdrawal: custody.fail,
    ReportTrade: outside.report,
    BustTrade: outside.bust,
    CorrectTrade: outside.correct,
    PlaceOrder: _place,
    CancelOrder: orders.cancel,
    CancelAllOrders: orders.cancel_all,
    AmendOrder: amending.amend,
    SubmitOrders: _submit,
    UpdateIndexPrice: prices.update,
    SettleFunding: funding.settle,
    LiquidateAccount: liquidation.liquidate,
    OpenSubaccount: family.open_subaccount,
    GrantDelegate: family.grant,
    RevokeDelegate: family.revoke,
    TransferFunds: family.transfer,
    SetLeverage: accounts.set_leverage,
    SetVenueMode: terms.set_mode,
    SetVenueLimits: terms.set_limits,
    SetOrderTier: terms.set_tier,
    SetAccountTerms: terms.set_terms,
    SetRiskLimits: watching.set_limits,
    AnswerAlert: watching.answer,
    SetFeeSchedule: fees.set_tiers,
    SetReferralTerms: fees.set_terms,
    SetReferrer: fees.refer,
    ClaimReferralRewards: fees.claim,
    RequestLiquidation: liquidation.request,
    CommitOrder: sealed.commit,
    RevealOrder: sealed.reveal,
    QuoteAuction: auctions.quote,
    SetVenueSwitch: venue.turn,
    HaltMarket: venue.halt,
    ResumeMarket: venue.resume,
    DelistMarket: venue.delist,
    CreateVault: managing.create,
    SetVaultTerms: managing.set_terms,
    SetVaultState: managing.set_state,
    HaltVault: managing.halt,
    RebalanceVault: managing.rebalance,
    HarvestVault: managing.harvest,
    CompoundVault: managing.compound,
    DepositToVault: vaults.deposit,
    WithdrawFromVault: vaults.withdraw,
    CancelVaultExit: vaults.cancel,
    OpenFarm: farms.open_farm,
    FundFarm: farms.fund,
    StakeShares: farms.stake,
    UnstakeShares: farms.unstake,
    ClaimFarmRewards: farms.claim,
}


def apply(world: World, command: Message, at: int) -> None:
    """Do a command at this sequenced time: `world.said` and `world.trades` tell of this command alone.

    Raises Refusal, with nothing changed but what time brings and a service's number used up, or Missing, with nothing
    changed at all.
    """
    world.at = at
    world.said, world.trades, world.transfers, world.conceded = [], [], [], Counter()
    world.vault_moves = []
    _require_next(world, command)
    _pass_time(world)
    waiting.follow(world)
    tell_funds(world, dict(world.untold), "disposal")
    if _is_known(world, command):
        return
    RULES[type(command)](world, command)
    waiting.follow(world)
    tell_funds(world, dict(world.untold), "disposal")
    if command.source not in NUMBERED:
        world.applied.add(("command", command.source, command.id))


def _pass_time(world: World) -> None:
    """What has become due happens before the command that brings the time (R26)."""
    world.passed = world.batched = False
    while (due := min(_due(world), default=None)) is not None:
        _, kind, number = due
        world.passed = True
        if kind == "order":
            waiting = {armed.order.number: armed.order for armed in world.armed.values()}
            matching.close(world, {**world.orders, **waiting}[number], "expired")
            continue
        if kind in GIVEN_UP:
            GIVEN_UP[kind](world, number)
            continue
        world.batched = True
        if kind == "slot":
            auctions.pass_slot(world, world.auctions[number])
            continue
        for command in sealed.end(world, world.rounds[number]):
            _place(world, command, batched=True)


def _due(world: World) -> list[tuple[int, str, int]]:
    """When, what and which; of one moment batches come first, then deposits, ends, slots, vaults, withdrawals."""
    orders = [*world.orders.values(), *(armed.order for armed in world.armed.values())]
    over = [(order.until, "order", order.number) for order in orders if 0 < order.until <= world.at]
    over += [(one.comes_at, "slot", number) for number, one in world.auctions.items() if one.comes_at <= world.at]
    over += custody.time_out(world)
    over += [(one.retry_at, "vault", one.number) for one in world.vaults.values() if 0 < one.retry_at <= world.at]
    return over + [(one.ends_at, "batch", one.number) for one in world.rounds.values() if one.ends_at <= world.at]


def _require_next(world: World, command: Message) -> None:
    """Of a numbered command, that none is missing before it."""
    if type(command) is NUMBERED.get(command.source) and command.seq > world.numbers.get(command.source, 0) + 1:
        raise Missing(command.source)


def _is_known(world: World, command: Message) -> bool:
    """Whether a service's numbered command was seen before; it is then skipped in silence."""
    if command.source not in NUMBERED:
        if ("command", command.source, command.id) in world.applied:
            raise Refusal("duplicate")
        return False
    if type(command) is not NUMBERED[command.source] or command.seq == 0:
        raise Refusal("source_not_allowed")
    last = world.numbers.get(command.source, 0)
    if command.seq <= last:
        return True
    world.numbers[command.source] = command.seq
    return False
