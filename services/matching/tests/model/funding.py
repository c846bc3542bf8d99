"""Funding: everybody owes or is owed at once, and it becomes cash with the account's next trade (R17, R18)."""

from cleartide.contracts import FundingSettled, SettleFunding

from services.matching.tests.model.fills import funding_index
from services.matching.tests.model.numbers import HOUR, rate
from services.matching.tests.model.world import MOST_QUANTA, Refusal, World


def settle(world: World, command: SettleFunding) -> None:
    """One interval of one market."""
    market = world.markets.get(command.market)
    if market is None:
        raise Refusal("unknown_market")
    if command.interval_start <= market.interval_start:
        raise Refusal("duplicate_interval")
    if not market.mark:
        raise Refusal("no_mark_price")
    if abs(command.rate_ppb) * HOUR > market.spec.funding_cap_hourly_ppb * command.interval_micros:
        raise Refusal("rate_above_cap")
    if command.interval_start + 2 * command.interval_micros > MOST_QUANTA:
        raise Refusal("overflow")
    before, total = funding_index(market), market.funding_total
    market.funding_total += market.mark * market.unit * rate(command.rate_ppb)
    step = funding_index(market) - before
    if max(abs(step), abs(before + step)) > MOST_QUANTA:
        market.funding_total = total
        raise Refusal("overflow")
    market.funding_rate, market.interval_start = command.rate_ppb, command.interval_start
    market.interval = command.interval_micros
    for account in world.accounts.values():
        if market.name in account.positions:
            account.positions[market.name].funding -= account.positions[market.name].lots * step
    world.say(
        FundingSettled,
        market=market.name,
        interval_start=command.interval_start,
        rate_ppb=command.rate_ppb,
        mark_ticks=market.mark,
        index_step_quanta=step,
        funding_index_quanta=before + step,
        funding_type=command.funding_type,
    )
