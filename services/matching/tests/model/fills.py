"""What a trade does to both sides (R4 to R6)."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from cleartide.contracts import PositionChanged, TradeExecuted

from services.matching.tests.model.fees import earned
from services.matching.tests.model.linked import traded
from services.matching.tests.model.moves import move
from services.matching.tests.model.numbers import down, toward_zero
from services.matching.tests.model.rights import head
from services.matching.tests.model.swaps import repay
from services.matching.tests.model.terms import note_result
from services.matching.tests.model.triggers import Moved, see
from services.matching.tests.model.world import INSURANCE, Account, Market, Order, Position, World


@dataclass
class Side:
    """One side of a trade. to_insurance: whose the fee is, the fund's or the venue's; share: its referrer's."""

    account: Account
    order: Order | None = None
    fee: int = 0
    to_insurance: bool = False
    share: int = 0


def funding_index(market: Market) -> int:
    """Whole quanta per lot since the market opened; what is left of a quantum waits for the next interval."""
    return down(market.funding_total)


def book_fill(position: Position, lots: int, flow: int) -> int:
    """Change a position by signed lots against signed quote; returns the profit that becomes cash (R5)."""
    same_way = position.lots * lots >= 0
    if same_way:
        position.lots += lots
        position.quote += flow
        return 0
    if abs(lots) > abs(position.lots):
        closing = -position.lots
        closing_flow = Fraction(flow * closing, lots)
        assert closing_flow.denominator == 1
        profit = book_fill(position, closing, int(closing_flow))
        return profit + book_fill(position, lots - closing, flow - int(closing_flow))
    released = toward_zero(Fraction(position.quote * abs(lots), abs(position.lots)))
    position.lots += lots
    position.quote -= released
    return released + flow


def fill(account: Account, market: Market, lots: int, price: int, fee: int) -> tuple[int, int]:
    """One side of a trade: funding of the old size, profit and fee to cash. Returns (profit, funding)."""
    position = account.position(market.name)
    funding, position.funding = position.funding, 0
    position.funding_since = funding_index(market)
    profit = book_fill(position, lots, -lots * price * market.unit)
    account.cash += funding + profit - fee
    return profit, funding


def trade(
    world: World, market: Market, price: int, lots: int, buyer: Side, seller: Side, origin: str, **more: Any
) -> None:
    """A trade, whoever allowed it, with everything that must be said and kept of it."""
    world.trade_number += 1
    world.say(TradeExecuted, **write_down(world, market, price, lots, buyer, seller, origin, **more))
    change_hands(world, market, price, lots, buyer, seller, origin)
    taking, making = (buyer, seller) if more["taker_side"] == "buy" else (seller, buyer)
    taken, made = (0 if side.to_insurance else side.fee for side in (taking, making))
    earned(world, market, taken, made, taking.share)
    if origin != "takeover":
        market.last = price
        see(world, market.name, "last", price, world.trade_number)


def write_down(
    world: World,
    market: Market,
    price: int,
    lots: int,
    buyer: Side,
    seller: Side,
    origin: str,
    *,
    corrects: int | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The newest trade's row, with the number of the trade that it restates; returns what is said of a trade."""
    known = {
        "market": market.name,
        "trade_id": world.trade_number,
        "price_ticks": price,
        "size_lots": lots,
        "quote_quanta": lots * price * market.unit,
        "buyer": buyer.account.name,
        "seller": seller.account.name,
        "buy_order_id": buyer.order and buyer.order.number,
        "sell_order_id": seller.order and seller.order.number,
        "origin": origin,
        "outside_trade_id": "",
        **more,
    }
    fees = {"buyer_fee_quanta": buyer.fee, "seller_fee_quanta": seller.fee}
    world.trades.append({**known, **fees, "at": world.at, "corrects": corrects})
    return known


def change_hands(world: World, market: Market, price: int, lots: int, buyer: Side, seller: Side, origin: str) -> None:
    """Both positions, under the newest trade's number; then what their owners owe by it, and what the fund earns."""
    results = [_one_side(world, market, price, delta, side, origin) for side, delta in ((buyer, lots), (seller, -lots))]
    for side, result in zip((buyer, seller), results, strict=True):
        if side.account.collateral and side.account.cash < 0:
            repay(world, side.account)
        if side.account.name == INSURANCE and market.spec.liquidation is not None:
            to_the_fund(world, market, side.account, result)


def to_the_fund(world: World, market: Market, account: Account, result: int) -> None:
    """What the fund's position brought is the fund's; of a loss it pays what it has."""
    world.untold.setdefault(market.name, market.insurance)
    kept = min(result, max(0, account.cash)) if result > 0 else max(result, -market.insurance)
    pay(world, market, account, -kept)


def pay(world: World, market: Market, account: Account, amount: int, kind: str = "insurance") -> None:
    """From the fund to an account, or the other way where the amount is negative."""
    if amount:
        market.insurance -= amount
        move(world, account, amount, kind, counterparty=market.name)


def _one_side(world: World, market: Market, price: int, lots: int, side: Side, origin: str) -> int:
    """Returns what it changed cash by."""
    profit, funding = fill(side.account, market, lots, price, side.fee)
    market.funding_pot -= funding
    if side.to_insurance:
        market.insurance += side.fee
    else:
        world.fees += side.fee - side.share
    if side.share:
        referrer = world.referrers[head(world, side.account.name)]
        world.rewards[referrer] = world.rewards.get(referrer, 0) + side.share
    position = side.account.position(market.name)
    note_result(world, side.account.name, profit + funding - side.fee)
    if side.order is not None:
        traded(world, side.order, abs(lots))
    armed = (waiting.order for waiting in world.armed.values() if waiting.order.reduce_only)
    if (side.account.name, market.name) in {(order.account, order.market) for order in armed}:
        world.pending.append(Moved(side.account.name, market.name))
    world.say(
        PositionChanged,
        account=side.account.name,
        market=market.name,
        trade_id=world.trade_number,
        fill_lots=lots,
        fill_price_ticks=price,
        realized_pnl_quanta=profit,
        funding_quanta=funding,
        fee_quanta=side.fee,
        referral_quanta=side.share,
        lots=position.lots,
        quote_quanta=position.quote,
        cash_quanta=side.account.cash,
        funding_index_quanta=position.funding_since,
        origin=origin,
    )
    return profit + funding - side.fee
