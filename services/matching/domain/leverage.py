"""An account's choice of leverage in a market: more initial margin than the brackets ask for, never less (3.6)."""

from cleartide.contracts import LeverageSet, SetLeverage
from cleartide.money import PPB

from services.matching.domain.access import known, require, require_market
from services.matching.domain.accounts import Account, Holding
from services.matching.domain.errors import Refused
from services.matching.domain.margin import order_margin
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.subaccounts import reject


def set_leverage(state: MatchingState, command: SetLeverage, out: Output) -> None:
    """Refused: a market's brackets allow less, or the account could not pay what it would ask of itself."""
    wanted = command.leverage or 0
    try:
        account = known(state, command.account)
        require(account, command.actor, "trade")
        market = state.markets.get(command.market)
        if market is None:
            raise Refused("unknown_market")
        require_market(account, market.id)
        if wanted > highest_leverage(market):
            raise Refused("leverage_too_high")
        holding = state.holding(account, market)
        _require_affordable(account, holding, wanted)
    except Refused as verdict:
        reject(out, command.account, command.type, verdict.reason)
        return
    holding.leverage = wanted
    state.dirty.leverages[(account.name, market.id)] = holding
    out.emit(LeverageSet, account=account.name, market=market.id, leverage=command.leverage)


def highest_leverage(market: Market) -> int:
    """What the market's first bracket allows, floor(1 / imf), and its limits."""
    bracket, limit = PPB // market.brackets[0].initial_margin_ppb, market.guards.max_leverage
    return bracket if limit is None else min(bracket, limit)


def _require_affordable(account: Account, holding: Holding, wanted: int) -> None:
    """E - reserved >= IM afterwards, or no more is asked of the account than before."""
    chosen, (_, before) = holding.leverage, order_margin(account)
    holding.leverage = wanted
    equity, after = order_margin(account)
    holding.leverage = chosen
    if after > before and equity - account.reserved < after:
        raise Refused("insufficient_margin")
