"""What an account is worth and what it must have (R8 to R11, 3.11)."""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from services.matching.tests.model.collateral import give, sound, usable
from services.matching.tests.model.numbers import MILLION, down, rate, up, within
from services.matching.tests.model.world import MOST_BALANCE, Account, Market, Order, Position, World


class Standing(NamedTuple):
    """Equity, initial and maintenance margin in quanta; haircut: what of equity does not count for more risk (4.1)."""

    equity: int
    initial: int
    maintenance: int
    haircut: int = 0

    @property
    def is_due(self) -> bool:
        """Below maintenance; exactly at it is safe, and without a requirement nobody is due (R10)."""
        return self.maintenance > 0 and Fraction(self.equity, self.maintenance) < 1

    @property
    def is_beyond_help(self) -> bool:
        """E <= 0, or E below two thirds of maintenance (R23)."""
        return self.equity <= 0 or self.equity < Fraction(2, 3) * self.maintenance


def slices(market: Market, notional: int) -> tuple[int, int]:
    """(initial, maintenance) margin: every slice of notional at its own rates, each product rounded up (R8)."""
    initial = maintenance = lower = 0
    for bracket in market.spec.brackets:
        if notional <= lower:
            break
        upper = notional if bracket.upper_notional_quanta is None else bracket.upper_notional_quanta
        inside = min(notional, upper) - lower
        slice_initial = up(inside * rate(bracket.initial_margin_ppb))
        initial += slice_initial
        maintenance += up(slice_initial * rate(bracket.maintenance_fraction_ppb))
        lower = upper
    return initial, maintenance


def required(world: World, market: Market, notional: int, leverage: int) -> tuple[int, int]:
    """(initial, maintenance) margin: open interest raises the initial one (3.2), a choice asks for N / L (3.6)."""
    initial, maintenance = slices(market, notional)
    if scale := crowding(world, market):
        initial = lower = 0
        for bracket in market.spec.brackets:
            upper = notional if bracket.upper_notional_quanta is None else bracket.upper_notional_quanta
            base = rate(bracket.initial_margin_ppb)
            initial += up(max(0, min(notional, upper) - lower) * (base + (1 - base) * scale))
            lower = upper
    return max(initial, up(Fraction(notional, leverage))) if leverage else initial, maintenance


def crowding(world: World, market: Market) -> Fraction:
    """How far open interest, at the index, is from the lower bound to the upper one, in whole millionths (3.2)."""
    lower, upper = market.spec.oi_scale_lower_quanta, market.spec.oi_scale_upper_quanta
    if upper <= lower:
        return Fraction(0)
    held = world.open_interest(market.name) * market.index * market.unit
    return Fraction(within(down(Fraction(held - lower, upper - lower) * MILLION), 0, MILLION), MILLION)


def value(market: Market, position: Position) -> int:
    """Signed value at the mark; at cost while there is no mark."""
    return position.lots * market.mark * market.unit if market.mark else -position.quote


def standing(world: World, account: Account) -> Standing:
    """Over all positions, open orders left out (R10)."""
    initial = maintenance = 0
    for name, position in account.positions.items():
        market = world.markets[name]
        chosen = account.leverages.get(name, 0)
        more_initial, more_maintenance = required(world, market, abs(value(market, position)), chosen)
        initial += more_initial
        maintenance += more_maintenance
    haircut = sound(world, account) - usable(world, account) if account.collateral else 0
    return Standing(equity(world, account), initial, maintenance, haircut)


def equity(world: World, account: Account) -> int:
    """Cash, other assets, and of every position what it cost, what it is worth, and its funding (4.1)."""
    held = account.positions.items()
    own = account.cash + (sound(world, account) if account.collateral else 0)
    return own + sum(p.quote + value(world.markets[name], p) + p.funding for name, p in held)


def with_orders(world: World, account: Account, added: Order | None = None) -> tuple[int, int]:
    """(equity less the losses that open orders may bring, initial margin of the worse side per market) (R9)."""
    orders = adding(world, account)
    free = equity(world, account) - sum(order.left * order.loss for order in orders)
    if account.collateral:
        free += usable(world, account) - sound(world, account)
    if added is not None:
        orders.append(added)
    initial = 0
    for name, market in world.markets.items():
        worst = max(reaches(account, name, orders)) * market.mark * market.unit
        notional = worst if market.mark else abs(account.positions.get(name, Position()).quote)
        initial += required(world, market, notional, account.leverages.get(name, 0))[0]
    return free, initial


def adding(world: World, account: Account) -> list[Order]:
    """An account's open orders but for those that only reduce."""
    return [order for order in world.orders_of(account.name) if not order.reduce_only]


def reaches(account: Account, market: str, orders: Iterable[Order]) -> tuple[int, int]:
    """(lots held if all buys were filled, lots owed if all sells were) in a market."""
    lots = account.positions.get(market, Position()).lots
    bought = sum(order.left for order in orders if order.market == market and order.side > 0)
    sold = sum(order.left for order in orders if order.market == market and order.side < 0)
    return lots + bought, sold - lots


def can_fund(world: World, account: Account, order: Order, fee: int) -> bool:
    """Whether the order leaves E >= IM after its fee and its loss to the mark (R9)."""
    free, initial = with_orders(world, account, order)
    return free - fee - order.left * order.loss >= initial


def only_closes(world: World, account: Account, order: Order) -> bool:
    """Whether the order can do no more than close the position, together with those on its side already."""
    ahead = [other for other in world.orders_of(account.name) if is_beside(other, order)]
    return sum(other.left for other in ahead) + order.left <= -order.side * account.position(order.market).lots


def is_beside(other: Order, order: Order) -> bool:
    """Of the same side of the same market, and not reduce-only."""
    return other.market == order.market and other.side == order.side and not other.reduce_only


def may_become(before: Standing, after: Standing) -> bool:
    """3.11: afterwards E >= IM, or no riskier than before."""
    return after.equity - after.haircut >= after.initial or is_no_riskier(before, after)


def is_no_riskier(before: Standing, after: Standing) -> bool:
    """Health, and no requirement, has become worse; without a requirement equity must rise (3.11)."""
    if not before.maintenance and not after.maintenance:
        return after.equity > before.equity
    no_riskier = after.equity * before.maintenance >= before.equity * after.maintenance
    return after.maintenance <= before.maintenance and no_riskier


def withdrawable(world: World, account: Account) -> int:
    """max(0, min(cash, E - max(IM, a tenth of all notional))) (R11)."""
    return max(0, min(account.cash, beyond(world, account)))


def beyond(world: World, account: Account) -> int:
    """E - max(IM, a tenth of all notional), which R11 wants to be no less than zero."""
    free, initial = with_orders(world, account)
    notional = sum(abs(value(world.markets[name], position)) for name, position in account.positions.items())
    return free - max(initial, up(Fraction(notional, 10)))


def spare(world: World, account: Account, asset: str) -> int:
    """The most units of an asset without which R11 still holds, found by halving: the fewer go, the more is left."""
    lowest, past = -1, account.collateral.get(asset, 0) + 1
    while past - lowest > 1:
        tried, without = (lowest + past) // 2, account.copy()
        give(without, asset, -tried)
        if beyond(world, without) >= 0:
            lowest = tried
        else:
            past = tried
    return max(0, lowest)


def stays_in_range(account: Account, position: Position, quote: int) -> bool:
    """Whether a fill of this quote amount keeps every balance within what all readers can hold."""
    return abs(account.cash) + abs(position.quote) + abs(position.funding) + 2 * quote <= MOST_BALANCE
