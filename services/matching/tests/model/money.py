"""Markets, deposits, withdrawals and insurance money (R1, R11)."""

from fractions import Fraction
from typing import Final

from cleartide.contracts import (
    Deposit,
    FundInsurance,
    InsuranceFunded,
    ListMarket,
    MarketListed,
    MarketSpec,
    TransferRejected,
    Withdraw,
)

from services.matching.tests.model.margin import withdrawable
from services.matching.tests.model.moves import SETTLEMENT, move
from services.matching.tests.model.numbers import BILLION
from services.matching.tests.model.rights import require_payable, require_right
from services.matching.tests.model.texts import steps_of
from services.matching.tests.model.world import MOST_BALANCE, MOST_QUANTA, RESERVED, Account, Market, Refusal, World

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
        require_payable(world, command.account, command.actor)
        require_room(world, command.account, amount)
    except Refusal as refusal:
        world.say(TransferRejected, account=command.account, reason=refusal.reason)
        return
    world.outside_money -= amount
    move(world, world.open_account(command.account), amount, "deposit")


def withdraw(world: World, command: Withdraw) -> None:
    """Money to the outside, as far as it is free."""
    try:
        amount = amount_of(command.amount)
        account = known(world, command.account)
        require_right(world, account, command.actor, "withdraw")
        if amount > withdrawable(world, account):
            raise Refusal("exceeds_withdrawable")
    except Refusal as refusal:
        world.say(TransferRejected, account=command.account, reason=refusal.reason)
        return
    world.outside_money += amount
    move(world, account, -amount, "withdrawal")


def known(world: World, name: str) -> Account:
    """Somebody's account. Raises Refusal."""
    if name in RESERVED:
        raise Refusal("reserved_account")
    if name not in world.accounts:
        raise Refusal("unknown_account")
    return world.accounts[name]


def require_settlement(asset: str) -> None:
    """The one asset that there is. Raises Refusal."""
    if asset != SETTLEMENT:
        raise Refusal("unknown_asset")


def require_room(world: World, name: str, amount: int) -> None:
    """That an account stays readable with so much more, also when what it has locked comes back. Raises Refusal."""
    cash = world.accounts[name].cash if name in world.accounts else 0
    if cash + world.locked.get(name, 0) + amount > MOST_BALANCE:
        raise Refusal("balance_cap")


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
