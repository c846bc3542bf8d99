"""One trade: both positions, the ledger, and the events that tell of it."""

from typing import NamedTuple

from cleartide.contracts import PositionChanged, TradeExecuted, TradeOrigin
from cleartide.contracts.types import Side

from services.matching.domain.accounts import Account, Holding
from services.matching.domain.conversion import repay
from services.matching.domain.ledger import LedgerAccount
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.positions import open_interest_change, realized
from services.matching.domain.state import MatchingState, TradeRecord


class Party(NamedTuple):
    """One side of a trade: who, by which order, and the fee with the ledger account it goes to."""

    account: Account
    order_id: int | None
    fee: int
    fee_to: LedgerAccount


class Deal(NamedTuple):
    """What the two sides agreed on. Price in ticks, size in lots."""

    market: Market
    price: int
    lots: int
    taker_side: Side
    origin: TradeOrigin
    outside_trade_id: str = ""


def execute(state: MatchingState, out: Output, deal: Deal, buyer: Party, seller: Party) -> None:
    """Apply a trade that both sides are allowed to make (R4 to R6): exact, and zero in sum."""
    market, price, lots = deal.market, deal.price, deal.lots
    quote = price * lots * market.unit
    state.counters.trades += 1
    _announce(state, out, deal, quote, buyer, seller)
    buys, sells = state.holding(buyer.account, market), state.holding(seller.account, market)
    buy_realized = realized(buys.lots, buys.quote.balance, lots, -quote)
    sell_realized = realized(sells.lots, sells.quote.balance, -lots, quote)
    market.open_interest += open_interest_change(buys.lots, lots) + open_interest_change(sells.lots, -lots)
    state.ledger.move("trade", buys.quote, sells.quote, quote)
    _apply(state, out, deal, buyer, buys, lots, buy_realized)
    _apply(state, out, deal, seller, sells, -lots, sell_realized)
    if deal.origin != "takeover":
        market.prices.last = price
    state.dirty.prices[market.id] = market
    for account in (buyer.account, seller.account):
        if account.collateral and account.cash.balance < 0:
            repay(state, out, account)


def _apply(
    state: MatchingState, out: Output, deal: Deal, party: Party, holding: Holding, delta: int, profit: int
) -> None:
    """One side: funding first (it belongs to the old size), then profit and fee to cash, then the new size."""
    account, market, ledger = party.account, deal.market, state.ledger
    funding = holding.unsettled
    ledger.move("funding", market.funding_pot, account.cash, funding)
    ledger.move("realized_pnl", holding.quote, account.cash, profit)
    ledger.move("fee", account.cash, party.fee_to, party.fee)
    holding.funding_index = market.funding.index
    holding.lots += delta
    if state.venue.keeps_results:
        state.venue.results.add(account.name, out.at, profit + funding - party.fee)
    state.dirty.holdings[(account.name, market.id)] = holding
    out.emit(
        PositionChanged,
        account=account.name,
        market=market.id,
        trade_id=state.counters.trades,
        fill_lots=delta,
        fill_price_ticks=deal.price,
        realized_pnl_quanta=profit,
        funding_quanta=funding,
        fee_quanta=party.fee,
        lots=holding.lots,
        quote_quanta=holding.quote.balance,
        cash_quanta=account.cash.balance,
        funding_index_quanta=holding.funding_index,
        origin=deal.origin,
    )


def _announce(state: MatchingState, out: Output, deal: Deal, quote: int, buyer: Party, seller: Party) -> None:
    out.emit(
        TradeExecuted,
        market=deal.market.id,
        trade_id=state.counters.trades,
        price_ticks=deal.price,
        size_lots=deal.lots,
        quote_quanta=quote,
        buyer=buyer.account.name,
        seller=seller.account.name,
        buy_order_id=buyer.order_id,
        sell_order_id=seller.order_id,
        taker_side=deal.taker_side,
        origin=deal.origin,
        outside_trade_id=deal.outside_trade_id,
    )
    state.dirty.trades.append(
        TradeRecord(
            trade_id=state.counters.trades,
            market=deal.market.id,
            at=out.at,
            price_ticks=deal.price,
            size_lots=deal.lots,
            quote_quanta=quote,
            buyer=buyer.account.name,
            seller=seller.account.name,
            buy_order_id=buyer.order_id,
            sell_order_id=seller.order_id,
            taker_side=deal.taker_side,
            origin=deal.origin,
            outside_trade_id=deal.outside_trade_id,
            buyer_fee_quanta=buyer.fee,
            seller_fee_quanta=seller.fee,
        )
    )
