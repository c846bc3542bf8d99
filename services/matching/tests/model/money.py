"""Markets, deposits, withdrawals, insurance money, and trades from outside (R1, R11)."""

from fractions import Fraction
from typing import Final

from cleartide.contracts import (
    Deposit,
    FundInsurance,
    InsuranceFunded,
    ListMarket,
    MarketListed,
    MarketSpec,
    ReportTrade,
    TransferApplied,
    TransferRejected,
    Withdraw,
)

from services.matching.tests.model.fills import Side, trade
from services.matching.tests.model.margin import stays_in_range, withdrawable
from services.matching.tests.model.numbers import BILLION
from services.matching.tests.model.texts import steps_of
from services.matching.tests.model.world import (
    MOST_BALANCE,
    MOST_LOTS,
    MOST_NOTIONAL,
    MOST_OPEN_INTEREST,
    MOST_OUTSIDE_LOTS,
    MOST_QUANTA,
    MOST_TICKS,
    OUTSIDE,
    RESERVED,
    Account,
    Market,
    Refusal,
    World,
)

QUANTUM: Final = Fraction(1, 1_000_000)


def list_market(world: World, command: ListMarket) -> None:
    """A market opens once, with rules that can be traded exactly."""
    spec = command.spec
    if spec.market in world.markets:
        raise Refusal("market_exists")
    _check_spec(spec)
    tick, lot = Fraction(spec.tick_size), Fraction(spec.lot_size)
    if not tick or not lot:
        raise Refusal("bad_step")
    unit = tick * lot / QUANTUM
    if unit.denominator != 1:
        raise Refusal("off_grid")
    if unit > 10**12:
        raise Refusal("overflow")
    world.changes += 1
    world.markets[spec.market] = Market(spec, tick, lot, int(unit), since=world.at)
    world.say(MarketListed, market=spec.market, spec=spec, quanta_per_lot_tick=int(unit))


def _check_spec(spec: MarketSpec) -> None:
    rates = (spec.mark_band_ppb, spec.market_order_band_ppb, spec.taker_fee_ppb, spec.maker_fee_ppb)
    if any(ppb >= BILLION for ppb in rates):
        raise Refusal("bad_spec")
    bounds = [bracket.upper_notional_quanta for bracket in spec.brackets]
    finite = [bound for bound in bounds[:-1] if bound is not None]
    ascending = all(low < high for low, high in zip([0, *finite], finite, strict=False))
    if bounds[-1] is not None or len(finite) != len(bounds) - 1 or not ascending:
        raise Refusal("bad_spec")
    for bracket in spec.brackets:
        for ppb in (bracket.initial_margin_ppb, bracket.maintenance_fraction_ppb):
            if not 0 < ppb <= BILLION:
                raise Refusal("bad_spec")


def amount_of(text: str) -> int:
    """Quote text in quanta."""
    return steps_of(text, QUANTUM, MOST_QUANTA)


def deposit(world: World, command: Deposit) -> None:
    """Money from outside; the first opens the account."""
    try:
        amount = amount_of(command.amount)
        if command.account in RESERVED:
            raise Refusal("reserved_account")
        known = world.accounts.get(command.account)
        if (known.cash if known is not None else 0) + amount > MOST_BALANCE:
            raise Refusal("balance_cap")
    except Refusal as refusal:
        world.say(TransferRejected, account=command.account, reason=refusal.reason)
        return
    _move(world, world.open_account(command.account), amount)


def withdraw(world: World, command: Withdraw) -> None:
    """Money to the outside, as far as it is free."""
    try:
        amount = amount_of(command.amount)
        if command.account in RESERVED:
            raise Refusal("reserved_account")
        account = world.accounts.get(command.account)
        if account is None:
            raise Refusal("unknown_account")
        if amount > withdrawable(world, account):
            raise Refusal("exceeds_withdrawable")
    except Refusal as refusal:
        world.say(TransferRejected, account=command.account, reason=refusal.reason)
        return
    _move(world, account, -amount)


def _move(world: World, account: Account, amount: int) -> None:
    world.outside_money -= amount
    account.cash += amount
    world.say(TransferApplied, account=account.name, amount_quanta=amount, cash_quanta=account.cash)


def fund_insurance(world: World, command: FundInsurance) -> None:
    """Money from outside into a market's fund."""
    market = world.markets.get(command.market)
    if market is None:
        raise Refusal("unknown_market")
    amount = amount_of(command.amount)
    if market.insurance + amount > MOST_BALANCE:
        raise Refusal("balance_cap")
    world.outside_money -= amount
    market.insurance += amount
    world.say(InsuranceFunded, market=market.name, amount_quanta=amount, balance_quanta=market.insurance)


def report(world: World, command: ReportTrade) -> None:
    """A trade that another engine made: applied once, as it is, without fees and margin checks."""
    market = world.markets.get(command.market)
    if market is None:
        raise Refusal("unknown_market")
    if market.state == "delisted":
        raise Refusal("market_delisted")
    identity = ("trade", command.source, command.trade_id)
    if identity in world.applied:
        raise Refusal("duplicate")
    if command.buyer in RESERVED or command.seller in RESERVED:
        raise Refusal("reserved_account")
    if command.buyer is None and command.seller is None:
        raise Refusal("no_participant")
    if command.buyer == command.seller:
        raise Refusal("self_trade")
    buyer, seller = command.buyer or OUTSIDE, command.seller or OUTSIDE
    price = steps_of(command.price, market.tick, MOST_TICKS)
    lots = steps_of(command.size, market.lot, MOST_LOTS)
    _check_caps(world, market, price, lots, buyer, 1)
    _check_caps(world, market, price, lots, seller, -1)
    world.applied.add(identity)
    sides = Side(world.open_account(buyer)), Side(world.open_account(seller))
    taker_side = "sell" if buyer == OUTSIDE else "buy"
    trade(world, market, price, lots, *sides, "outside", taker_side=taker_side, outside_trade_id=command.trade_id)


def _check_caps(world: World, market: Market, price: int, lots: int, name: str, side: int) -> None:
    account = world.accounts.get(name)
    position = account.positions.get(market.name) if account is not None else None
    reach = abs((position.lots if position is not None else 0) + side * lots)
    quote = price * lots * market.unit
    if reach > (MOST_OUTSIDE_LOTS if name == OUTSIDE else MOST_LOTS):
        raise Refusal("position_cap")
    if world.open_interest(market.name) + lots > MOST_OPEN_INTEREST:
        raise Refusal("position_cap")
    if quote > MOST_NOTIONAL or (name != OUTSIDE and reach * market.mark * market.unit > MOST_NOTIONAL):
        raise Refusal("notional_cap")
    if account is not None and position is not None and not stays_in_range(account, position, quote):
        raise Refusal("balance_cap")
