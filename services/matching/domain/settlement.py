"""One trade: both positions, the ledger, and the events that tell of it."""

from typing import NamedTuple

from cleartide.contracts import PositionChanged, TradeExecuted, TradeOrigin
from cleartide.contracts.types import Side
from cleartide.rules.accounts import INSURANCE

from services.matching.domain.accounts import Account, Holding
from services.matching.domain.conversion import repay
from services.matching.domain.ledger import LedgerAccount
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.positions import open_interest_change, realized
from services.matching.domain.state import MatchingState, TradeRecord
from services.matching.domain.waterfall.fund import keep_result


class Party(NamedTuple):
    """One side of a trade: who, by which order, and the fee with the ledger account it goes to.

    A fee below zero is a rebate. share: what of the fee is handed on to the referrer's ledger account `share_to`.
    """

    account: Account
    order_id: int | None
    fee: int
    fee_to: LedgerAccount
    share: int = 0
    share_to: LedgerAccount | None = None


class Deal(NamedTuple):
    """What the two sides agreed on. Price in ticks, size in lots."""

    market: Market
    price: int
    lots: int
    taker_side: Side
    origin: TradeOrigin
    outside_trade_id: str = ""

    @property
    def quote(self) -> int:
        """What it is worth, in quanta; exact (R1)."""
        return self.price * self.lots * self.market.unit


def execute(state: MatchingState, out: Output, deal: Deal, buyer: Party, seller: Party) -> None:
    """Apply a trade that both sides are allowed to make (R4 to R6): exact, and zero in sum."""
    state.counters.trades += 1
    _announce(state, out, deal, buyer, seller)
    keep(state, out, deal, buyer, seller)
    transfer(state, out, deal, buyer, seller)
    _count(state, deal, buyer, seller)
    if deal.origin != "takeover":
        deal.market.prices.last = deal.price
        state.conditional.priced(deal.market, "last", deal.price, state.counters.trades)


def _count(state: MatchingState, deal: Deal, buyer: Party, seller: Party) -> None:
    """Volume of the sides that traded by an order or a quote, and what came to the venue."""
    for party in (buyer, seller):
        if deal.origin == "book" or party.order_id is not None:
            party.account.standing.trade(deal.quote)
    taking, making = (buyer, seller) if deal.taker_side == "buy" else (seller, buyer)
    to_venue = [party.fee if party.fee_to is state.fees else 0 for party in (taking, making)]
    if any(to_venue):
        state.treasury.fees.earn(deal.market.id, taker=to_venue[0], maker=to_venue[1], referral=taking.share)


def transfer(state: MatchingState, out: Output, deal: Deal, buyer: Party, seller: Party, kind: str = "trade") -> None:
    """Move the lots and what they cost between two accounts, under the number of the newest trade."""
    market, lots, quote = deal.market, deal.lots, deal.quote
    buys, sells = state.holding(buyer.account, market), state.holding(seller.account, market)
    buy_realized = realized(buys.lots, buys.quote.balance, lots, -quote)
    sell_realized = realized(sells.lots, sells.quote.balance, -lots, quote)
    market.open_interest += open_interest_change(buys.lots, lots) + open_interest_change(sells.lots, -lots)
    state.ledger.move(kind, buys.quote, sells.quote, quote)
    results = (
        _apply(state, out, deal, buyer, buys, lots, buy_realized),
        _apply(state, out, deal, seller, sells, -lots, sell_realized),
    )
    state.dirty.prices[market.id] = market
    for account, result in zip((buyer.account, seller.account), results, strict=True):
        if account.collateral and account.cash.balance < 0:
            repay(state, out, account)
        if account.name == INSURANCE and market.spec.liquidation is not None:
            keep_result(state, out, account, market, result)


def _apply(
    state: MatchingState, out: Output, deal: Deal, party: Party, holding: Holding, delta: int, profit: int
) -> int:
    """One side: funding first (it belongs to the old size), then profit and fee to cash, then the new size.

    Returns what it changed cash by, in quanta.
    """
    account, market, ledger = party.account, deal.market, state.ledger
    funding = holding.unsettled
    ledger.move("funding", market.funding_pot, account.cash, funding)
    ledger.move("realized_pnl", holding.quote, account.cash, profit)
    ledger.move("fee", account.cash, party.fee_to, party.fee)
    if party.share and party.share_to is not None:
        ledger.move("referral", party.fee_to, party.share_to, party.share)
    holding.funding_index = market.funding.index
    holding.lots += delta
    if state.venue.keeps_results:
        state.venue.results.add(account.name, out.at, profit + funding - party.fee)
    state.dirty.holdings[(account.name, market.id)] = holding
    state.conditional.moved(account.name, market.id, party.order_id, abs(delta))
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
        referral_quanta=party.share,
        lots=holding.lots,
        quote_quanta=holding.quote.balance,
        cash_quanta=account.cash.balance,
        funding_index_quanta=holding.funding_index,
        origin=deal.origin,
    )
    return profit + funding - party.fee


def _announce(state: MatchingState, out: Output, deal: Deal, buyer: Party, seller: Party) -> None:
    out.emit(
        TradeExecuted,
        market=deal.market.id,
        trade_id=state.counters.trades,
        price_ticks=deal.price,
        size_lots=deal.lots,
        quote_quanta=deal.quote,
        buyer=buyer.account.name,
        seller=seller.account.name,
        buy_order_id=buyer.order_id,
        sell_order_id=seller.order_id,
        taker_side=deal.taker_side,
        origin=deal.origin,
        outside_trade_id=deal.outside_trade_id,
    )


def keep(
    state: MatchingState,
    out: Output,
    deal: Deal,
    buyer: Party,
    seller: Party,
    *,
    origin: str = "",
    corrects: int | None = None,
) -> None:
    """Write the newest trade into the history; `corrects` is the number of a trade that this one restates."""
    state.dirty.trades.append(
        TradeRecord(
            trade_id=state.counters.trades,
            market=deal.market.id,
            at=out.at,
            price_ticks=deal.price,
            size_lots=deal.lots,
            quote_quanta=deal.quote,
            buyer=buyer.account.name,
            seller=seller.account.name,
            buy_order_id=buyer.order_id,
            sell_order_id=seller.order_id,
            taker_side=deal.taker_side,
            origin=origin or deal.origin,
            outside_trade_id=deal.outside_trade_id,
            buyer_fee_quanta=buyer.fee,
            seller_fee_quanta=seller.fee,
            corrects=corrects,
        )
    )
