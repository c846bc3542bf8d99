"""When a margin is not enough: pace, fund, deleveraging, shared loss (R20, R23 to R25)."""

from fractions import Fraction
from typing import Final

from cleartide.contracts import InsuranceChanged, LossSocialized, PositionDeleveraged

from services.matching.tests.model.fills import Side, pay, trade
from services.matching.tests.model.margin import (
    Standing,
    equity,
    may_become,
    slices,
    standing,
    stays_in_range,
    value,
)
from services.matching.tests.model.numbers import down, rate, up, within
from services.matching.tests.model.swaps import repay
from services.matching.tests.model.world import (
    INSURANCE,
    MOST_TICKS,
    RESERVED,
    Account,
    Market,
    Position,
    World,
    is_stale,
)

AIM: Final = Fraction(105, 100)
"""Of maintenance: what a step wants to restore (R20)."""


def maintenance(market: Market, lots: int) -> int:
    """Of so many lots at the mark."""
    return slices(market, lots * market.mark * market.unit)[1]


def bankruptcy_quote(market: Market, position: Position, lots: int, now: Standing) -> int:
    """What closing `lots` must bring (of a long) or may cost (of a short) to use up their share of equity (5.5)."""
    held = abs(position.lots)
    part = maintenance(market, held) - maintenance(market, held - lots)
    share = down(Fraction(now.equity * part, now.maintenance))
    worth = lots * market.mark * market.unit
    return worth - share if position.lots > 0 else worth + share


def bankruptcy_price(market: Market, position: Position, lots: int, now: Standing) -> int:
    """In ticks; rounded so that the book can never cost the fund anything (R21)."""
    per_lot = Fraction(bankruptcy_quote(market, position, lots, now), lots * market.unit)
    return up(per_lot) if position.lots > 0 else down(per_lot)


def why_not(world: World, account: Account, market: Market, now: Standing) -> str | None:
    """Why the position may not be closed at this moment."""
    rules = market.spec.liquidation
    if not market.matches:
        return "market_paused"
    if is_stale(world, market):
        return "stale_index"
    if rules is None:
        return None
    if world.at - max(market.fresh_since, market.since) < rules.grace_micros:
        return "grace"
    waits = world.at < world.cooldowns.get((account.name, market.name), 0)
    return "cooling_down" if waits and not now.is_beyond_help else None


def is_large(market: Market, position: Position) -> bool:
    """Whether it is closed in steps."""
    rules = market.spec.liquidation
    return rules is not None and abs(value(market, position)) > rules.large_notional_quanta


def this_step(market: Market, position: Position, wanted: int, now: Standing) -> int:
    """Of the lots that would restore the account, those that may go at once."""
    rules, lot = market.spec.liquidation, market.mark * market.unit
    if rules is None:
        return wanted
    held = abs(position.lots)
    if is_large(market, position) and not now.is_beyond_help:
        wanted = min(wanted, max(up(held * rate(rules.step_ppb)), up(Fraction(rules.min_notional_quanta, lot))))
    return held if (held - wanted) * lot < rules.min_notional_quanta else wanted


def cool(world: World, account: Account, market: Market) -> None:
    """The next step waits; whoever has waited is forgotten."""
    rules = market.spec.liquidation
    assert rules is not None
    world.cooldowns = {key: until for key, until in world.cooldowns.items() if until > world.at}
    world.cooldowns[account.name, market.name] = world.at + rules.cooldown_micros


def fund_position(world: World, market: Market) -> Position:
    """What the market's fund holds."""
    account = world.accounts.get(INSURANCE)
    return (account.positions.get(market.name) if account is not None else None) or Position()


def fund_worth(world: World, market: Market) -> int:
    """The fund with what it holds."""
    held = fund_position(world, market)
    return market.insurance + (held.quote + value(market, held) + held.funding if held.lots else 0)


def fund_bears(world: World, market: Market, position: Position, price: int) -> bool:
    """Whether it may take the position at this price (R23)."""
    rules = market.spec.liquidation
    assert rules is not None
    notional = abs(fund_position(world, market).lots + position.lots) * market.mark * market.unit
    if rules.position_cap_quanta is not None and notional > rules.position_cap_quanta:
        return False
    worth = fund_worth(world, market) + position.lots * (market.mark - price) * market.unit
    return worth >= notional * rate(rules.stress_ppb)


def deleverage(world: World, account: Account, market: Market, now: Standing) -> tuple[int, int, int]:
    """Close against the other side; returns price, lots closed, and what rounding the price brought the fund."""
    position = account.position(market.name)
    held, long = abs(position.lots), position.lots > 0
    price = within(bankruptcy_price(market, position, held, now), 1, MOST_TICKS)
    exact = bankruptcy_quote(market, position, held, now)
    others = _ranking(world, market, position)
    closed = kept = 0
    for rank, other in enumerate(others, start=1):
        theirs = other.position(market.name)
        lots = min(abs(position.lots), abs(theirs.lots))
        if not lots:
            break
        if not _may_close(world, other, market, lots if long else -lots, price):
            continue
        closed += lots
        if closed == held:
            brought = price * closed * market.unit
            kept = max(0, brought - exact if long else exact - brought)
        giving, taking = Side(account, fee=kept, to_insurance=True), Side(other)
        sides = (taking, giving) if long else (giving, taking)
        trade(world, market, price, lots, *sides, "takeover", taker_side="sell" if long else "buy")
        world.say(
            PositionDeleveraged,
            account=other.name,
            market=market.name,
            against=account.name,
            trade_id=world.trade_number,
            lots=lots,
            price_ticks=price,
            rank=rank,
            candidates=len(others),
        )
    return price, closed, kept


def _ranking(world: World, market: Market, position: Position) -> list[Account]:
    """Profit over cost, times leverage of the winners, over leverage of the losers; then by name (R24)."""
    ranked: list[tuple[Fraction, str]] = []
    for name, other in world.accounts.items():
        held = other.positions.get(market.name, Position())
        if name in RESERVED or held.lots * position.lots >= 0 or equity(world, other) <= 0:
            continue
        worth = value(market, held)
        gain = Fraction(held.quote + worth, abs(held.quote))
        leverage = Fraction(abs(worth), equity(world, other))
        ranked.append((-(gain * leverage if gain > 0 else gain / leverage), name))
    return [world.accounts[name] for _, name in sorted(ranked)]


def _may_close(world: World, other: Account, market: Market, lots: int, price: int) -> bool:
    """Tried on a copy: within bounds, and no riskier (3.11)."""
    tried = other.copy()
    if not stays_in_range(other, other.position(market.name), price * abs(lots) * market.unit):
        return False
    tried.position(market.name).lots += lots
    tried.cash -= lots * price * market.unit
    return may_become(standing(world, other), standing(world, tried))


def share(world: World, debtor: Account, market: Market) -> None:
    """A debt that nobody covers is taken from the profits in the market (R25)."""
    loss = -debtor.cash
    winners: list[tuple[Account, int, int]] = []
    for name in sorted(world.accounts):
        account = world.accounts[name]
        held = account.positions.get(market.name, Position())
        gain = held.quote + value(market, held) if held.lots else 0
        if name not in RESERVED and min(gain, equity(world, account)) > 0:
            winners.append((account, gain, min(gain, equity(world, account))))
    if loss <= 0 or not winners:
        return
    total, charged = sum(gain for _, gain, _ in winners), 0
    for account, gain, most in winners:
        charge = min(most, up(Fraction(loss * gain, total)))
        charged += charge
        pay(world, market, account, -charge, "socialized_loss")
    pay(world, market, debtor, min(loss, charged), "socialized_loss")
    world.say(
        LossSocialized,
        market=market.name,
        account=debtor.name,
        loss_quanta=loss,
        charged_quanta=charged,
        accounts=len(winners),
    )
    for account, _, _ in winners:
        if account.collateral and account.cash < 0:
            repay(world, account)


def funds(world: World) -> dict[str, int]:
    """What is in the funds of markets with rules."""
    return {name: market.insurance for name, market in world.markets.items() if market.spec.liquidation is not None}


def tell_funds(world: World, before: dict[str, int], reason: str) -> None:
    """Those that are different now."""
    for name in sorted(before):
        now = world.markets[name].insurance
        world.untold.pop(name, None)
        if now != before[name]:
            world.say(
                InsuranceChanged, market=name, change_quanta=now - before[name], balance_quanta=now, reason=reason
            )
