"""The largest order that an account can fund, by the model's own rule."""

from fractions import Fraction
from typing import Final

from cleartide.contracts import PlaceOrder

from services.matching.tests.model import fees
from services.matching.tests.model.margin import can_fund
from services.matching.tests.model.numbers import down, rate, up
from services.matching.tests.model.world import Order, World

MOST: Final = 2**14


def affordable_lots(world: World, command: PlaceOrder) -> int:
    """Found by halving: what a size needs never falls as it grows."""
    account, market = world.accounts[command.account], world.markets[command.market]
    side = 1 if command.side == "buy" else -1
    if command.price is None:
        bound = market.mark * (1 + side * rate(market.spec.market_order_band_ppb))
        price = down(bound) if side > 0 else up(bound)
    else:
        price = int(Fraction(command.price) / market.tick)
    loss = max(0, side * (price - market.mark)) * market.unit
    lowest, highest = 0, MOST
    while highest - lowest > 1:
        lots = (lowest + highest) // 2
        order = Order(0, account.name, market.name, "", side, price, lots, lots, False, loss)
        notional = price * lots * market.unit
        fee = fees.taker_fee(world, account.name, market, notional)
        if command.post_only:
            fee = fees.maker_fee(world, account.name, market, notional, 0)
        if can_fund(world, account, order, fee):
            lowest = lots
        else:
            highest = lots
    return lowest
