"""The end of a market: no order is left, and every position turns into cash at the last mark."""

from cleartide.contracts import PositionSettled

from services.matching.tests.model.fills import funding_index, pay, to_the_fund
from services.matching.tests.model.matching import close
from services.matching.tests.model.swaps import repay
from services.matching.tests.model.terms import note_result
from services.matching.tests.model.waterfall import funds, tell_funds
from services.matching.tests.model.world import INSURANCE, RESERVED, Account, Market, World


def settle(world: World, market: Market) -> None:
    """Book, waiting orders, auctions; then the positions, by name."""
    waiting = [armed.order for _, armed in sorted(world.armed.items())]
    auctioned = [auction.order for auction in world.auctions.values()]
    for order in [*world.book(market.name, 1), *world.book(market.name, -1), *waiting, *auctioned]:
        if order.market == market.name:
            close(world, order, "market_delisted")
    price, before = market.mark or market.last, funds(world).get(market.name)
    for _, account in sorted(world.accounts.items()):
        if market.name in account.positions and account.positions[market.name].lots:
            _settle(world, market, account, price)
    if before is not None:
        tell_funds(world, {market.name: before}, "settlement")


def _settle(world: World, market: Market, account: Account, price: int) -> None:
    position = account.positions[market.name]
    lots, funding, profit = position.lots, position.funding, position.quote + position.lots * price * market.unit
    market.funding_pot -= funding
    account.cash += profit + funding
    note_result(world, account.name, profit + funding)
    position.lots = position.quote = position.funding = 0
    position.funding_since = funding_index(market)
    world.say(
        PositionSettled,
        account=account.name,
        market=market.name,
        fill_lots=-lots,
        fill_price_ticks=price,
        realized_pnl_quanta=profit,
        funding_quanta=funding,
        lots=0,
        quote_quanta=0,
        cash_quanta=account.cash,
        funding_index_quanta=position.funding_since,
    )
    if account.name not in RESERVED:
        repay(world, account)
        if account.cash < 0 and not account.collateral and not any(held.lots for held in account.positions.values()):
            pay(world, market, account, min(-account.cash, market.insurance))
    elif account.name == INSURANCE and market.spec.liquidation is not None:
        to_the_fund(world, market, account, profit + funding)
