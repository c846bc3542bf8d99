"""Event -> domain -> effects. Every event is also a clock: a new minute ends the candles of the one before."""

from typing import Final

from cleartide.contracts import (
    CandleClosed,
    CandleRestated,
    CollateralSwapped,
    FundingSettled,
    LiquidationExecuted,
    MarketListed,
    MarketStateChanged,
    MarkPriceUpdated,
    PositionChanged,
    PositionSettled,
    TradeBusted,
    TradeCorrected,
    TradeExecuted,
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

from services.analytics.domain.candle import MINUTE_MICROS, minute_of
from services.analytics.domain.state import AnalyticsState, Liquidation, MarketNow, Restatement, Terms, Trade

MARKET_ORIGINS: Final = frozenset({"book", "outside", "liquidation"})


def on_market_listed(state: AnalyticsState, event: MarketListed, effects: Effects) -> None:
    """Learn a market's steps."""
    _advance(state, effects)
    spec = event.spec
    state.list_market(MarketNow(event.market, spec.tick_size, spec.lot_size, event.quanta_per_lot_tick))


def on_trade(state: AnalyticsState, event: TradeExecuted, effects: Effects) -> None:
    """A trade between parties makes the candle. A takeover does not: its price is an account's bankruptcy price."""
    _advance(state, effects)
    if event.origin not in MARKET_ORIGINS:
        return
    quanta = event.quote_quanta
    state.trade(
        Trade(
            effects.seq,
            event.market,
            state.minute,
            effects.at,
            event.price_ticks,
            event.size_lots,
            quanta,
            event.taker_side,
            event.origin,
            event.trade_id,
        )
    )
    ledger = state.ledger
    for party in (event.buyer, event.seller):
        if party not in SYSTEM_ACCOUNTS:
            account = ledger.open(party)
            account.volume += quanta
            account.trades += 1


def on_trade_busted(state: AnalyticsState, event: TradeBusted, effects: Effects) -> None:
    """The trade counts no longer; candles that were told stay, and are told to be no longer true."""
    _restate(state, event, effects, None)


def on_trade_corrected(state: AnalyticsState, event: TradeCorrected, effects: Effects) -> None:
    """The trade counts as it should have been, at the place where it was made."""
    terms = Terms(event.new_price_ticks, event.new_size_lots, event.new_quote_quanta, event.new_taker_side)
    _restate(state, event, effects, terms)
    for part, party in ((2, event.new_buyer), (3, event.new_seller)):
        if party not in SYSTEM_ACCOUNTS:
            state.ledger.adjust(effects.seq, part, party, event.traded_at, event.new_quote_quanta, 1)


def _restate(state: AnalyticsState, event: TradeBusted | TradeCorrected, effects: Effects, terms: Terms | None) -> None:
    _advance(state, effects)
    state.market(event.market).last_ticks = event.last_ticks
    minute = minute_of(event.traded_at)
    state.restatements.append(Restatement(effects.seq, event.market, event.first_trade_id, minute, terms))
    for part, party in ((0, event.buyer), (1, event.seller)):
        if party not in SYSTEM_ACCOUNTS:
            state.ledger.adjust(effects.seq, part, party, event.traded_at, -event.quote_quanta, -1)
    if not state.restates_open_candle(event.market, minute):
        _tell_restated(event.market, minute, 1, effects)


def on_mark_price(state: AnalyticsState, event: MarkPriceUpdated, effects: Effects) -> None:
    """Mark, index and open interest as matching has them now; the mark makes its own candle."""
    _advance(state, effects)
    market = state.market(event.market)
    market.mark_ticks, market.index_ticks = event.mark_ticks, event.index_ticks
    market.index_stale, market.open_interest_lots = event.index_stale, event.open_interest_lots
    state.enter(event.market, "mark", event.mark_ticks)
    state.ledger.mark(event.market, event.mark_ticks)
    _interest(state, event.market, event.open_interest_lots)


def _interest(state: AnalyticsState, market: str, lots: int) -> None:
    day = state.day(market)
    day.open_interest_lots = lots
    if lots > day.open_interest_high_lots:
        day.open_interest_high_lots = lots


def on_market_state(state: AnalyticsState, event: MarketStateChanged, effects: Effects) -> None:
    """A delisted market has settled every position, and no price follows that would say so."""
    _advance(state, effects)
    if event.state == "delisted":
        state.market(event.market).open_interest_lots = 0
        _interest(state, event.market, 0)


def on_funding_settled(state: AnalyticsState, event: FundingSettled, effects: Effects) -> None:
    """The rate that was paid last, with its interval."""
    _advance(state, effects)
    market = state.market(event.market)
    market.funding_rate_ppb, market.funding_interval_start = event.rate_ppb, event.interval_start
    state.ledger.funding(event.market, event.funding_index_quanta)
    day = state.day(event.market)
    day.funding_ppb += event.rate_ppb
    day.fundings += 1


def on_position_changed(state: AnalyticsState, event: PositionChanged, effects: Effects) -> None:
    """A fill, or the reversal of one: it gains fill_lots * (mark - price) * u at once and costs its fee."""
    _advance(state, effects)
    market = event.market
    day = state.day(market)
    day.fees_quanta += event.fee_quanta
    day.referral_quanta += event.referral_quanta
    if event.account in SYSTEM_ACCOUNTS:
        return
    fee, realized = event.fee_quanta, event.realized_pnl_quanta
    account = state.ledger.fill(
        event.account,
        market,
        event.fill_lots,
        event.fill_price_ticks,
        event.lots,
        event.quote_quanta,
        event.funding_index_quanta,
    )
    account.pay(realized + event.funding_quanta - fee, event.cash_quanta)
    account.fees += fee
    account.realized += realized


def on_position_settled(state: AnalyticsState, event: PositionSettled, effects: Effects) -> None:
    """The last fill of a delisted market, at its final mark and without a fee."""
    _advance(state, effects)
    if event.account in SYSTEM_ACCOUNTS:
        return
    account = state.ledger.fill(
        event.account,
        event.market,
        event.fill_lots,
        event.fill_price_ticks,
        event.lots,
        event.quote_quanta,
        event.funding_index_quanta,
    )
    account.pay(event.realized_pnl_quanta + event.funding_quanta, event.cash_quanta)
    account.realized += event.realized_pnl_quanta


def on_transfer(state: AnalyticsState, event: TransferApplied, effects: Effects) -> None:
    """Money that comes or goes is a flow, never a gain; a referral's share is a fee received, a farm's reward a yield.

    What goes into a vault or comes back is neither: the shares are the account's as the cash was.
    """
    _advance(state, effects)
    if event.account in SYSTEM_ACCOUNTS:
        return
    if event.kind in VAULT_KINDS:
        state.ledger.vault_transfer(event.counterparty, event.account, event.amount_quanta, event.cash_quanta)
        return
    account = state.ledger.open(event.account)
    account.pay(event.amount_quanta, event.cash_quanta)
    if event.kind == REFERRAL:
        account.fees -= event.amount_quanta
    elif event.kind == FARM_REWARD:
        account.vault_flow += event.amount_quanta
    else:
        account.flows += event.amount_quanta


def on_collateral_swapped(state: AnalyticsState, event: CollateralSwapped, effects: Effects) -> None:
    """Analytics count the settlement asset: what comes from other collateral, or goes into it, is a flow."""
    _advance(state, effects)
    if event.bought_asset == SETTLEMENT_ASSET:
        account = state.ledger.open(event.account)
        account.flows += event.bought_units
        account.pay(event.bought_units, event.bought_balance_units)
    elif event.sold_asset == SETTLEMENT_ASSET:
        account = state.ledger.open(event.account)
        account.flows -= event.sold_units
        account.pay(-event.sold_units, event.sold_balance_units)


def on_vault_created(state: AnalyticsState, event: VaultCreated, effects: Effects) -> None:
    """Know the vault and the account that trades for it."""
    _advance(state, effects)
    state.ledger.open_vault(event.vault, event.strategy, effects.at, event.terms.virtual_shares)


def on_vault_terms(state: AnalyticsState, event: VaultTermsSet, effects: Effects) -> None:
    """An empty vault may set its first price anew."""
    _advance(state, effects)
    state.ledger.vault(event.vault).virtual_shares = event.terms.virtual_shares


def on_shares_issued(state: AnalyticsState, event: VaultSharesIssued, effects: Effects) -> None:
    """Cash became shares."""
    _advance(state, effects)
    state.ledger.hold_shares(event.vault, event.account, event.shares, event.balance_shares, event.fee_quanta)


def on_shares_redeemed(state: AnalyticsState, event: VaultSharesRedeemed, effects: Effects) -> None:
    """Shares became cash."""
    _advance(state, effects)
    state.ledger.hold_shares(event.vault, event.account, -event.shares, event.balance_shares, event.fee_quanta)


def on_vault_valued(state: AnalyticsState, event: VaultValued, effects: Effects) -> None:
    """A step of the vault is told: fees that it owes are its holders' no more."""
    _advance(state, effects)
    state.ledger.value_vault(event.vault, event.shares, event.reserve_quanta, event.fees_owed_quanta)


def on_farm_rewards_paid(state: AnalyticsState, event: FarmRewardsPaid, effects: Effects) -> None:
    """Rewards are earned gross, and the platform's part is a fee."""
    _advance(state, effects)
    account = state.ledger.open(event.account)
    account.fees += event.platform_fee_quanta
    account.vault_flow += event.platform_fee_quanta


def on_liquidation(state: AnalyticsState, event: LiquidationExecuted, effects: Effects) -> None:
    """Keep the step for the feed and the statistics."""
    _advance(state, effects)
    state.market(event.market)
    state.liquidations.append(
        Liquidation(
            seq=effects.seq,
            market=event.market,
            at=effects.at,
            account=event.account,
            closed_lots=event.closed_lots,
            taken_over_lots=event.taken_over_lots,
            remaining_lots=event.remaining_lots,
            mark_ticks=event.mark_ticks,
            bankruptcy_price_ticks=event.bankruptcy_price_ticks,
            fee_quanta=event.fee_quanta,
            insurance_paid_quanta=event.insurance_paid_quanta,
            equity_before_quanta=event.equity_before_quanta,
            maintenance_margin_before_quanta=event.maintenance_margin_before_quanta,
            deleveraged_lots=event.deleveraged_lots,
            waits=event.waits,
        )
    )
    day = state.day(event.market)
    day.liquidations += 1
    day.liquidated_lots += abs(event.closed_lots) + abs(event.taken_over_lots) + abs(event.deleveraged_lots)
    day.liquidation_fees_quanta += event.fee_quanta


def _advance(state: AnalyticsState, effects: Effects) -> None:
    if not state.is_due(effects.at):
        return
    for market, series, candle in state.advance(effects.at):
        if series != "trade":
            continue
        effects.emit(
            CandleClosed,
            market=market,
            open_time=candle.open_time,
            interval_micros=MINUTE_MICROS,
            open_ticks=candle.open_ticks,
            high_ticks=candle.high_ticks,
            low_ticks=candle.low_ticks,
            close_ticks=candle.close_ticks,
            volume_lots=candle.volume_lots,
            quote_volume_quanta=candle.quote_quanta,
            trades=candle.entries,
        )
        if candle.restated:
            _tell_restated(market, candle.open_time, candle.restated, effects)


def _tell_restated(market: str, open_time: int, restatements: int, effects: Effects) -> None:
    effects.emit(
        CandleRestated,
        market=market,
        open_time=open_time,
        interval_micros=MINUTE_MICROS,
        restatements=restatements,
    )


HANDLERS: Final[Handlers] = {
    MarketListed: on_market_listed,
    TradeExecuted: on_trade,
    TradeBusted: on_trade_busted,
    TradeCorrected: on_trade_corrected,
    MarkPriceUpdated: on_mark_price,
    MarketStateChanged: on_market_state,
    FundingSettled: on_funding_settled,
    LiquidationExecuted: on_liquidation,
    PositionChanged: on_position_changed,
    PositionSettled: on_position_settled,
    TransferApplied: on_transfer,
    CollateralSwapped: on_collateral_swapped,
    VaultCreated: on_vault_created,
    VaultTermsSet: on_vault_terms,
    VaultSharesIssued: on_shares_issued,
    VaultSharesRedeemed: on_shares_redeemed,
    VaultValued: on_vault_valued,
    FarmRewardsPaid: on_farm_rewards_paid,
}
