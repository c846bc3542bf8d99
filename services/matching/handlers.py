"""Command -> domain -> events. Every command passes the same gate: once each, none missing, the ledger in balance."""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

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
    RemoveAlertRule,
    ReportDeposit,
    ReportDiscrepancy,
    ReportTrade,
    RequestLiquidation,
    RequestWithdrawal,
    ResumeMarket,
    RevealOrder,
    RevokeDelegate,
    SetAccountTerms,
    SetAlertRule,
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
from cleartide.fold import Effects, Handlers, Reject
from cleartide.money import MoneyError

from services.matching.domain import (
    amending,
    asset_listing,
    batches,
    book_feed,
    canceling,
    conversion,
    corrections,
    expiry,
    funding,
    funding_mode,
    keepers,
    leverage,
    liquidation,
    listing,
    orders,
    outside,
    prices,
    subaccounts,
    transfers,
    watching,
)
from services.matching.domain.answers import Sender
from services.matching.domain.conditional.following import follow, follow_a_step
from services.matching.domain.custody import deposits, withdrawals
from services.matching.domain.deadlines import Deadline, Kind
from services.matching.domain.errors import Refused
from services.matching.domain.fees import referral, terms
from services.matching.domain.jit import auctioning, quoting
from services.matching.domain.sealed import batching, committing
from services.matching.domain.state import MatchingState
from services.matching.domain.vaults import farming, managing, shares
from services.matching.domain.vaults import value as vaults
from services.matching.domain.venue import alarm, alert_rules, lifecycle, settings
from services.matching.domain.waterfall import fund

Command = TypeVar("Command", bound=Message)
Order = TypeVar("Order", PlaceOrder, CancelOrder, AmendOrder)
Rule = Callable[[MatchingState, Command, Effects], None]
Gated = Callable[[MatchingState, Command, Effects], bool]


def gated(rule: Rule[Command]) -> Gated[Command]:
    """The rule behind the gate. A refusal becomes a dead letter; a replay of a numbered command is skipped.

    Rules refuse before they change anything; only a numbered command's number is used up by a refusal. What follows
    from a command may take several steps: the first is the rule's own, and while the answer is True there are more.
    """

    def handle(state: MatchingState, command: Command, effects: Effects) -> bool:
        begun = bool(state.conditional.fired)
        try:
            if not begun and not state.intake.admit(command):
                return False
            state.ledger.begin(effects.seq, effects.at)
            if not begun:
                rule(state, command, effects)
            more = follow_a_step(state, effects)
            fund.announce_trades(state, effects)
        except (Refused, MoneyError) as verdict:
            raise Reject(verdict.reason, str(verdict)) from None
        if state.changed_books:
            book_feed.announce(state, effects)
        state.ledger.end()
        if not begun:
            state.intake.record(command)
        return more

    return handle


def sent(rule: Callable[[MatchingState, Effects, Sender, Order], None]) -> Rule[Order]:
    """A rule about one order, for a command that is about one order."""

    def handle(state: MatchingState, command: Order, effects: Effects) -> None:
        rule(state, effects, Sender(command.account, command.market, command.actor), command)

    return handle


def pass_time(state: MatchingState, _: Message, effects: Effects) -> None:
    """Before every message: what has become due by now happens first, whatever the message is."""
    if state.deadlines.next_at > effects.at or state.conditional.fired:
        return
    state.ledger.begin(effects.seq, effects.at)
    while (deadline := state.deadlines.due(effects.at)) is not None:
        DUE[deadline.kind](state, deadline, effects)
    follow(state, effects)
    fund.announce_trades(state, effects)
    if state.changed_books:
        book_feed.announce(state, effects)
    state.ledger.end()


DUE: Final[Mapping[Kind, Callable[[MatchingState, Deadline, Effects], None]]] = {
    "batch": batching.execute,
    "deposit_timeout": deposits.expire,
    "order_expiry": expiry.expire,
    "withdrawal_timeout": withdrawals.expire,
    "slot": auctioning.pass_slot,
    "vault_queue": shares.look_again,
}

HANDLERS: Final[Handlers] = {
    Message: pass_time,
    ListMarket: gated(listing.list_market),
    ChangeMarket: gated(listing.change_market),
    HaltMarket: gated(lifecycle.halt),
    ReportDiscrepancy: gated(alarm.report),
    ResumeMarket: gated(lifecycle.resume),
    DelistMarket: gated(lifecycle.delist),
    SetVenueMode: gated(settings.set_mode),
    SetVenueSwitch: gated(settings.set_switch),
    SetVenueLimits: gated(settings.set_limits),
    SetOrderTier: gated(settings.set_tier),
    SetAccountTerms: gated(settings.set_terms),
    SetAlertRule: gated(alert_rules.set_rule),
    RemoveAlertRule: gated(alert_rules.remove_rule),
    FundInsurance: gated(transfers.fund_insurance),
    Deposit: gated(transfers.answered(transfers.deposit)),
    Withdraw: gated(transfers.answered(transfers.withdraw)),
    PlaceOrder: gated(sent(orders.place)),
    CancelOrder: gated(sent(canceling.cancel)),
    AmendOrder: gated(sent(amending.amend)),
    CancelAllOrders: gated(canceling.cancel_all),
    SubmitOrders: gated(batches.submit),
    QuoteAuction: gated(quoting.quote),
    CommitOrder: gated(committing.commit),
    RevealOrder: gated(committing.reveal),
    ReportTrade: gated(outside.report),
    BustTrade: gated(corrections.bust),
    CorrectTrade: gated(corrections.correct),
    UpdateIndexPrice: gated(prices.update),
    LiquidateAccount: gated(liquidation.liquidate),
    RequestLiquidation: gated(keepers.request),
    SettleFunding: gated(funding.settle),
    SetFunding: gated(funding_mode.set_funding),
    OpenSubaccount: gated(subaccounts.open_subaccount),
    GrantDelegate: gated(subaccounts.grant),
    RevokeDelegate: gated(subaccounts.revoke),
    SetLeverage: gated(leverage.set_leverage),
    SetRiskLimits: gated(watching.set_limits),
    AnswerAlert: gated(watching.answer_alert),
    ListAsset: gated(asset_listing.list_asset),
    ChangeAsset: gated(asset_listing.change_asset),
    DepositCollateral: gated(transfers.answered(transfers.deposit)),
    WithdrawCollateral: gated(transfers.answered(transfers.withdraw)),
    TransferFunds: gated(transfers.answered(transfers.transfer)),
    TransferToPool: gated(transfers.answered(transfers.to_pool)),
    SwapCollateral: gated(transfers.answered(conversion.swap)),
    FundPool: gated(transfers.fund_pool),
    WithdrawPool: gated(transfers.withdraw_pool),
    PayFromPool: gated(transfers.pay_from_pool),
    ReportDeposit: gated(deposits.report),
    ConfirmDeposit: gated(deposits.confirm),
    FailDeposit: gated(deposits.fail),
    RequestWithdrawal: gated(transfers.answered(withdrawals.request)),
    CancelWithdrawal: gated(transfers.answered(withdrawals.cancel)),
    StartWithdrawal: gated(withdrawals.start),
    CompleteWithdrawal: gated(withdrawals.complete),
    FailWithdrawal: gated(withdrawals.fail),
    SetFeeSchedule: gated(terms.set_schedule),
    SetReferralTerms: gated(terms.set_terms),
    SetReferrer: gated(referral.set_referrer),
    ClaimReferralRewards: gated(transfers.answered(referral.claim)),
    CreateVault: gated(vaults.answered(managing.create)),
    SetVaultTerms: gated(vaults.answered(managing.set_terms)),
    SetVaultState: gated(vaults.answered(managing.set_state)),
    HaltVault: gated(managing.halt),
    DepositToVault: gated(vaults.answered(shares.deposit)),
    WithdrawFromVault: gated(vaults.answered(shares.withdraw)),
    CancelVaultExit: gated(vaults.answered(shares.cancel)),
    RebalanceVault: gated(vaults.answered(managing.rebalance)),
    HarvestVault: gated(vaults.answered(managing.harvest)),
    CompoundVault: gated(vaults.answered(managing.compound)),
    OpenFarm: gated(farming.open_farm),
    FundFarm: gated(vaults.answered(farming.fund)),
    StakeShares: gated(vaults.answered(farming.stake)),
    UnstakeShares: gated(vaults.answered(farming.unstake)),
    ClaimFarmRewards: gated(vaults.answered(farming.claim)),
}
