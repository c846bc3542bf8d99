"""What an account's owner decides about it (3.6, R12)."""

from cleartide.contracts import AccountRequestRejected, LeverageSet, Message, SetLeverage

from services.matching.tests.model.margin import with_orders
from services.matching.tests.model.numbers import down, rate
from services.matching.tests.model.rights import known, require_market, require_right
from services.matching.tests.model.world import Account, Market, Refusal, World


def set_leverage(world: World, command: SetLeverage) -> None:
    """Margin of at least N / L in a market; none takes the choice back."""
    wanted = command.leverage or 0
    try:
        account = known(world, command.account)
        require_right(world, account, command.actor, "trade")
        market = world.markets.get(command.market)
        if market is None:
            raise Refusal("unknown_market")
        require_market(account, market.name)
        if wanted > highest_leverage(market):
            raise Refusal("leverage_too_high")
        _try(world, account, market, wanted)
    except Refusal as refusal:
        reject(world, command.account, type(command), refusal.reason)
        return
    account.leverages[market.name] = wanted
    world.say(LeverageSet, account=account.name, market=market.name, leverage=command.leverage)


def highest_leverage(market: Market) -> int:
    """What the first bracket's margin rate and the market's limits allow."""
    most = down(1 / rate(market.spec.brackets[0].initial_margin_ppb))
    limit = market.spec.limits.max_leverage if market.spec.limits is not None else None
    return most if limit is None else min(most, limit)


def _try(world: World, account: Account, market: Market, wanted: int) -> None:
    """E >= IM afterwards, or no more is asked for than before. Raises Refusal."""
    tried = account.copy()
    tried.leverages = {**account.leverages, market.name: wanted}
    _, before = with_orders(world, account)
    free, after = with_orders(world, tried)
    if after > before and free < after:
        raise Refusal("insufficient_margin")


def reject(world: World, account: str, request: type[Message], reason: str) -> None:
    """A request about an account is refused."""
    world.say(AccountRequestRejected, account=account, request=request.__name__, reason=reason)
