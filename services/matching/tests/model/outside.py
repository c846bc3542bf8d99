"""Trades that another engine made, and what their source takes back or puts right: a reversal is a trade (R1, 3.11)."""

from typing import Any, Final

from cleartide.contracts import BustTrade, CorrectTrade, ReportTrade, TradeBusted, TradeCorrected

from services.matching.tests.model.fills import Side, change_hands, trade, write_down
from services.matching.tests.model.margin import stays_in_range
from services.matching.tests.model.numbers import DAY
from services.matching.tests.model.rights import require_market, require_openable
from services.matching.tests.model.texts import steps_of
from services.matching.tests.model.world import (
    MOST_LOTS,
    MOST_NOTIONAL,
    MOST_OPEN_INTEREST,
    MOST_OUTSIDE_LOTS,
    MOST_TICKS,
    OUTSIDE,
    RESERVED,
    Market,
    Refusal,
    Reported,
    World,
)

FORGOTTEN_AT_ONCE: Final = 2


def report(world: World, command: ReportTrade) -> None:
    """Applied once, as it is, without fees and margin checks. Raises Refusal."""
    market = _open(world, command.market)
    identity = ("trade", command.source, command.trade_id)
    if identity in world.applied:
        raise Refusal("duplicate")
    buyer, seller = _parties(command)
    price, lots = _terms(market, command)
    for name, delta in ((buyer, lots), (seller, -lots)):
        _check_caps(world, market, price, name, delta)
    world.applied.add(identity)
    before, sides = market.last, (Side(world.open_account(buyer)), Side(world.open_account(seller)))
    said: dict[str, Any] = {"taker_side": _taker_side(buyer), "outside_trade_id": command.trade_id}
    trade(world, market, price, lots, *sides, "outside", **said)
    number = world.trade_number
    told = Reported(
        command.source, command.trade_id, market.name, number, number, world.at, price, lots, buyer, seller, before
    )
    world.reported.append(told)
    for oldest in world.reported[:FORGOTTEN_AT_ONCE]:
        if world.at - oldest.at > DAY:
            world.reported.remove(oldest)


def bust(world: World, command: BustTrade) -> None:
    """As if it had been traded the other way round as well; a price at which nobody traded is not the last one."""
    market, told = _restatable(world, command)
    _require_reversible(world, market, told)
    if market.last == told.price and told.before:
        market.last = told.before
    world.trade_number += 1
    world.say(TradeBusted, **_restated(market, told, command.reason), reversal_id=world.trade_number)
    _reverse(world, market, told)
    told.busted = True


def correct(world: World, command: CorrectTrade) -> None:
    """Taken back, and then traded as it should have been. Raises Refusal."""
    market, told = _restatable(world, command)
    buyer, seller = _parties(command)
    price, lots = _terms(market, command)
    if (price, lots, buyer, seller) == (told.price, told.lots, told.buyer, told.seller):
        raise Refusal("no_change")
    _require_reversible(world, market, told)
    back = {told.buyer: -told.lots, told.seller: told.lots}
    for name, delta in ((buyer, lots), (seller, -lots)):
        _check_caps(world, market, price, name, delta, back=back.get(name, 0), at=told.price)
    if market.last == told.price:
        market.last = price
    world.trade_number += 1
    world.say(
        TradeCorrected,
        **_restated(market, told, command.reason),
        reversal_id=world.trade_number,
        replacement_id=world.trade_number + 1,
        new_price_ticks=price,
        new_size_lots=lots,
        new_quote_quanta=price * lots * market.unit,
        new_buyer=buyer,
        new_seller=seller,
        new_taker_side=_taker_side(buyer),
    )
    _reverse(world, market, told)
    world.trade_number += 1
    _restate(world, market, price, lots, buyer, seller, "correction", told)
    told.number, told.price, told.lots, told.buyer, told.seller = world.trade_number, price, lots, buyer, seller


def _restatable(world: World, command: BustTrade | CorrectTrade) -> tuple[Market, Reported]:
    """The market and the trade that is meant. Raises Refusal."""
    market = _open(world, command.market)
    told = next((one for one in world.reported if (one.source, one.name) == (command.source, command.trade_id)), None)
    if told is None:
        if ("trade", command.source, command.trade_id) in world.applied:
            raise Refusal("too_old")
        if any(one.name == command.trade_id for one in world.reported):
            raise Refusal("wrong_source")
        raise Refusal("unknown_trade")
    if told.market != market.name:
        raise Refusal("unknown_trade")
    if told.busted:
        raise Refusal("already_busted")
    if world.at - told.at > DAY:
        raise Refusal("too_old")
    return market, told


def _require_reversible(world: World, market: Market, told: Reported) -> None:
    _check_caps(world, market, told.price, told.seller, told.lots)
    _check_caps(world, market, told.price, told.buyer, -told.lots)


def _reverse(world: World, market: Market, told: Reported) -> None:
    """Who sold buys it back."""
    _restate(world, market, told.price, told.lots, told.seller, told.buyer, "reversal", told)


def _restate(
    world: World, market: Market, price: int, lots: int, buyer: str, seller: str, origin: str, told: Reported
) -> None:
    sides = Side(world.open_account(buyer)), Side(world.open_account(seller))
    said: dict[str, Any] = {"taker_side": _taker_side(buyer), "outside_trade_id": told.name}
    write_down(world, market, price, lots, *sides, origin, corrects=told.number, **said)
    change_hands(world, market, price, lots, *sides, "outside")


def _restated(market: Market, told: Reported, reason: str) -> dict[str, Any]:
    """What bust and correction say alike."""
    return {
        "market": market.name,
        "trade_id": told.number,
        "first_trade_id": told.first,
        "outside_source": told.source,
        "outside_trade_id": told.name,
        "traded_at": told.at,
        "price_ticks": told.price,
        "size_lots": told.lots,
        "quote_quanta": told.price * told.lots * market.unit,
        "buyer": told.buyer,
        "seller": told.seller,
        "reason": reason,
        "last_ticks": market.last or None,
    }


def _open(world: World, name: str) -> Market:
    market = world.markets.get(name)
    if market is None:
        raise Refusal("unknown_market")
    if market.state == "delisted":
        raise Refusal("market_delisted")
    return market


def _parties(command: ReportTrade | CorrectTrade) -> tuple[str, str]:
    """(buyer, seller), the side that is not named being the outside. Raises Refusal."""
    if command.buyer in RESERVED or command.seller in RESERVED:
        raise Refusal("reserved_account")
    if command.buyer is None and command.seller is None:
        raise Refusal("no_participant")
    if command.buyer == command.seller:
        raise Refusal("self_trade")
    return command.buyer or OUTSIDE, command.seller or OUTSIDE


def _terms(market: Market, command: ReportTrade | CorrectTrade) -> tuple[int, int]:
    """(price in ticks, lots). Raises Refusal."""
    return steps_of(command.price, market.tick, MOST_TICKS), steps_of(command.size, market.lot, MOST_LOTS)


def _taker_side(buyer: str) -> str:
    """Of a trade with the outside the named one's; of others nobody knows."""
    return "sell" if buyer == OUTSIDE else "buy"


def _check_caps(world: World, market: Market, price: int, name: str, delta: int, *, back: int = 0, at: int = 0) -> None:
    """That it stays readable everywhere. back, at: lots that the same command takes back first, and their price."""
    require_openable(world, name)
    account = world.accounts.get(name)
    if account is not None:
        require_market(account, market.name)
    position = account.positions.get(market.name) if account is not None else None
    reach = abs((position.lots if position is not None else 0) + back + delta)
    quote = price * abs(delta) * market.unit
    if reach > (MOST_OUTSIDE_LOTS if name == OUTSIDE else MOST_LOTS):
        raise Refusal("position_cap")
    if world.open_interest(market.name) + abs(back) + abs(delta) > MOST_OPEN_INTEREST:
        raise Refusal("position_cap")
    if quote > MOST_NOTIONAL or (name != OUTSIDE and reach * market.mark * market.unit > MOST_NOTIONAL):
        raise Refusal("notional_cap")
    taken = at * abs(back) * market.unit
    if account is not None and position is not None and not stays_in_range(account, position, taken + quote):
        raise Refusal("balance_cap")
