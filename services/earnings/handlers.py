"""Event -> domain -> effects. Every event is also a clock: it may close the day before it."""

from typing import Final

from cleartide.contracts import (
    CollateralSwapped,
    EarningsDayRecorded,
    FundingSettled,
    MarketListed,
    MarkPriceUpdated,
    PositionChanged,
    PositionSettled,
    TransferApplied,
)
from cleartide.contracts.farms import FarmRewardsPaid
from cleartide.contracts.vaults import (
    VaultCreated,
    VaultSharesIssued,
    VaultSharesRedeemed,
    VaultTermsSet,
    VaultValued,
)
from cleartide.fold import Effects, Handlers
from cleartide.rules.accounts import SYSTEM_ACCOUNTS
from cleartide.rules.assets import SETTLEMENT_ASSET
from cleartide.rules.fees import REFERRAL
from cleartide.rules.vaults import FARM_REWARD, VAULT_KINDS

from services.earnings.domain.account import Fill
from services.earnings.domain.state import EarningsState


def on_market_listed(state: EarningsState, event: MarketListed, effects: Effects) -> None:
    """Learn a market's unit of value."""
    state.advance(effects.at)
    state.list_market(event.market, event.quanta_per_lot_tick)
    _publish_closed(state, effects)


def on_mark_price(state: EarningsState, event: MarkPriceUpdated, effects: Effects) -> None:
    """Value the market's positions at this mark from here on."""
    state.advance(effects.at)
    state.set_mark(event.market, event.mark_ticks)
    _publish_closed(state, effects)


def on_funding_settled(state: EarningsState, event: FundingSettled, effects: Effects) -> None:
    """Every holder of the market has earned or paid at this instant, whenever it reaches cash."""
    state.advance(effects.at)
    state.settle_funding(event.market, event.index_step_quanta, event.funding_index_quanta)
    _publish_closed(state, effects)


def on_transfer(state: EarningsState, event: TransferApplied, effects: Effects) -> None:
    """Money that comes or goes is a flow, never a gain; a referral's share is a fee received."""
    state.advance(effects.at)
    if event.account in SYSTEM_ACCOUNTS:
        pass
    elif event.kind == REFERRAL:
        state.reward(event.account, event.amount_quanta, event.cash_quanta, effects.at)
    elif event.kind == FARM_REWARD:
        state.farm_reward(event.account, event.amount_quanta, event.cash_quanta, effects.at)
    elif event.kind in VAULT_KINDS:
        amount, cash = event.amount_quanta, event.cash_quanta
        state.vault_transfer(event.counterparty, event.account, amount, cash, effects.at)
    else:
        state.transfer(event.account, event.amount_quanta, event.cash_quanta, effects.at)
    _publish_closed(state, effects)


def on_collateral_swapped(state: EarningsState, event: CollateralSwapped, effects: Effects) -> None:
    """Earnings count the settlement asset: what comes from other collateral, or goes into it, is a flow."""
    state.advance(effects.at)
    if event.bought_asset == SETTLEMENT_ASSET:
        state.transfer(event.account, event.bought_units, event.bought_balance_units, effects.at)
    elif event.sold_asset == SETTLEMENT_ASSET:
        state.transfer(event.account, -event.sold_units, event.sold_balance_units, effects.at)
    _publish_closed(state, effects)


def on_vault_created(state: EarningsState, event: VaultCreated, effects: Effects) -> None:
    """Know the vault and the account that trades for it."""
    state.advance(effects.at)
    state.open_vault(event.vault, event.strategy, event.terms.virtual_shares)
    _publish_closed(state, effects)


def on_vault_terms(state: EarningsState, event: VaultTermsSet, effects: Effects) -> None:
    """An empty vault may set its first price anew."""
    state.advance(effects.at)
    state.set_virtual_shares(event.vault, event.terms.virtual_shares)
    _publish_closed(state, effects)


def on_shares_issued(state: EarningsState, event: VaultSharesIssued, effects: Effects) -> None:
    """Cash became shares: no flow, for both are the account's."""
    state.advance(effects.at)
    state.hold_shares(event.vault, event.account, event.shares, event.balance_shares, event.fee_quanta)
    _publish_closed(state, effects)


def on_shares_redeemed(state: EarningsState, event: VaultSharesRedeemed, effects: Effects) -> None:
    """Shares became cash."""
    state.advance(effects.at)
    state.hold_shares(event.vault, event.account, -event.shares, event.balance_shares, event.fee_quanta)
    _publish_closed(state, effects)


def on_farm_rewards_paid(state: EarningsState, event: FarmRewardsPaid, effects: Effects) -> None:
    """Rewards are earned gross, and the platform's part is a fee."""
    state.advance(effects.at)
    state.farm_fee(event.account, event.platform_fee_quanta, effects.at)
    _publish_closed(state, effects)


def on_vault_valued(state: EarningsState, event: VaultValued, effects: Effects) -> None:
    """A step of the vault is told; its holders' rows follow when they act, or at midnight."""
    state.advance(effects.at)
    state.value_vault(event.vault, event.shares, event.reserve_quanta, event.fees_owed_quanta, effects.at)
    _publish_closed(state, effects)


def on_position_changed(state: EarningsState, event: PositionChanged, effects: Effects) -> None:
    """A fill earns fill_lots * (mark - price) * u at once and costs its fee."""
    state.advance(effects.at)
    if event.account not in SYSTEM_ACCOUNTS:
        fill = Fill(
            market=event.market,
            fill_lots=event.fill_lots,
            fill_price_ticks=event.fill_price_ticks,
            fee_quanta=event.fee_quanta,
            lots=event.lots,
            quote_quanta=event.quote_quanta,
            cash_quanta=event.cash_quanta,
            settled_index_quanta=event.funding_index_quanta,
        )
        state.fill(event.account, fill, effects.at)
    _publish_closed(state, effects)


def on_position_settled(state: EarningsState, event: PositionSettled, effects: Effects) -> None:
    """The last fill of a delisted market, at its final mark and without a fee."""
    state.advance(effects.at)
    if event.account not in SYSTEM_ACCOUNTS:
        fill = Fill(
            market=event.market,
            fill_lots=event.fill_lots,
            fill_price_ticks=event.fill_price_ticks,
            fee_quanta=0,
            lots=event.lots,
            quote_quanta=event.quote_quanta,
            cash_quanta=event.cash_quanta,
            settled_index_quanta=event.funding_index_quanta,
        )
        state.fill(event.account, fill, effects.at)
    _publish_closed(state, effects)


def _publish_closed(state: EarningsState, effects: Effects) -> None:
    for row in state.closed:
        effects.emit(
            EarningsDayRecorded,
            account=row.account,
            day=row.day,
            equity_start_quanta=row.equity_start,
            equity_end_quanta=row.equity_end,
            flows_quanta=row.flows,
            pnl_quanta=row.pnl,
            funding_quanta=row.funding,
            fees_quanta=row.fees,
            rebates_quanta=row.rebates,
            yield_quanta=row.earned,
            deposits_quanta=row.deposits,
            withdrawals_quanta=row.withdrawals,
            cumulative_earned_quanta=row.cumulative_earned,
            cumulative_net_quanta=row.cumulative_net,
            return_1e12=row.return_1e12,
        )
    state.closed.clear()


HANDLERS: Final[Handlers] = {
    MarketListed: on_market_listed,
    MarkPriceUpdated: on_mark_price,
    FundingSettled: on_funding_settled,
    TransferApplied: on_transfer,
    PositionChanged: on_position_changed,
    PositionSettled: on_position_settled,
    CollateralSwapped: on_collateral_swapped,
    VaultCreated: on_vault_created,
    VaultTermsSet: on_vault_terms,
    VaultSharesIssued: on_shares_issued,
    VaultSharesRedeemed: on_shares_redeemed,
    VaultValued: on_vault_valued,
    FarmRewardsPaid: on_farm_rewards_paid,
}
