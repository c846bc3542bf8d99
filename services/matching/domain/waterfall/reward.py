"""What an outside liquidator is paid: a share of the fees that the fund has just received."""

from collections.abc import Sequence

from cleartide.contracts import KeeperRewarded
from cleartide.money import PPB

from services.matching.domain.accounts import Account
from services.matching.domain.output import Output
from services.matching.domain.state import LiquidationRecord, MatchingState
from services.matching.domain.waterfall.fund import pay


def reward(state: MatchingState, out: Output, keeper: Account, steps: Sequence[LiquidationRecord]) -> None:
    """floor(fees * share) of each market's steps, from its fund: never more than these steps brought it."""
    fees: dict[str, int] = {}
    for step in steps:
        fees[step.market] = fees.get(step.market, 0) + step.fee_quanta
    for name, fee in sorted(fees.items()):
        market = state.markets[name]
        rules = market.spec.liquidation
        amount = min(fee * rules.keeper_share_ppb // PPB, market.insurance.balance) if rules is not None else 0
        if not amount:
            continue
        pay(state, out, market, keeper, amount, "keeper_reward")
        out.emit(
            KeeperRewarded,
            keeper=keeper.name,
            account=steps[0].account,
            market=name,
            reward_quanta=amount,
            cash_quanta=keeper.cash.balance,
        )
