"""The end of a market: no orders are left, and every position turns into cash at the final mark."""

from cleartide.contracts import PositionSettled
from cleartide.rules.accounts import INSURANCE, SYSTEM_ACCOUNTS

from services.matching.domain.accounts import Account, Holding
from services.matching.domain.ledger import settlement_name
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.resting import close
from services.matching.domain.state import MatchingState
from services.matching.domain.takeover import cover_deficit
from services.matching.domain.waterfall import fund


def settle_positions(state: MatchingState, market: Market, out: Output) -> None:
    """Close every order and every position, in the order of accounts' names.

    The other side of each position is the market's settlement account, which ends at zero because lots sum to zero. The
    price is the last mark; without one it is the last trade's, and without that there is no position.
    """
    for half in (market.book.bids, market.book.asks):
        for order in list(half.orders()):
            close(state, out, order, "market_delisted")
    for _, trigger in sorted(state.conditional.triggers.items()):
        if trigger.order.market == market.id:
            close(state, out, trigger.order, "market_delisted")
    for auction in list(state.auctions.running.values()):
        if auction.order.market == market.id:
            close(state, out, auction.order, "market_delisted")
    price = market.prices.mark or market.prices.last
    before = fund.balances([market])
    for _, account in sorted(market.holders.items()):
        if account.holdings[market.id].lots:
            _settle(state, out, account, account.holdings[market.id], price)
    market.open_interest = 0
    state.dirty.prices[market.id] = market
    fund.announce(state, out, before, "settlement")


def _settle(state: MatchingState, out: Output, account: Account, holding: Holding, price: int) -> None:
    market, ledger, lots = holding.market, state.ledger, holding.lots
    funding = holding.unsettled
    ledger.move("funding", market.funding_pot, account.cash, funding)
    ledger.move("settlement", ledger.account(settlement_name(market.id)), holding.quote, lots * price * market.unit)
    profit = holding.quote.balance
    ledger.move("realized_pnl", holding.quote, account.cash, profit)
    holding.lots, holding.funding_index = 0, market.funding.index
    state.dirty.holdings[(account.name, market.id)] = holding
    if state.venue.keeps_results:
        state.venue.results.add(account.name, out.at, profit + funding)
    out.emit(
        PositionSettled,
        account=account.name,
        market=market.id,
        fill_lots=-lots,
        fill_price_ticks=price,
        realized_pnl_quanta=profit,
        funding_quanta=funding,
        lots=0,
        quote_quanta=0,
        cash_quanta=account.cash.balance,
        funding_index_quanta=holding.funding_index,
    )
    if account.name not in SYSTEM_ACCOUNTS:
        cover_deficit(state, out, account, market, shared=False)
    elif account.name == INSURANCE and market.spec.liquidation is not None:
        fund.keep_result(state, out, account, market, profit + funding)
