"""Liquidation, step by step, until the account is safe again or nothing more can be done (domain rules R19 to R25)."""

from typing import Final

from cleartide.contracts import LiquidateAccount, LiquidationExecuted, LiquidationRejected
from cleartide.money import MAX_PRICE_TICKS
from cleartide.rules.accounts import SYSTEM_ACCOUNTS
from cleartide.rules.margin import AccountMargin, is_liquidatable

from services.matching.domain.accounts import Account, Holding
from services.matching.domain.bankruptcy import bankruptcy_price, beyond_help, close_size, maintenance_of
from services.matching.domain.canceling import open_orders
from services.matching.domain.conversion import restore_health
from services.matching.domain.limits import readable
from services.matching.domain.margin import standing
from services.matching.domain.output import Output
from services.matching.domain.resting import close
from services.matching.domain.state import LiquidationRecord, MatchingState
from services.matching.domain.sweep import sweep
from services.matching.domain.takeover import LiquidationTaker, Takeover, cover_deficit, give_up
from services.matching.domain.waterfall import fund, quotes
from services.matching.domain.waterfall.pace import HINDRANCES, hindrance, is_large, step_lots
from services.matching.domain.waterfall.reward import reward

MOST_STEPS: Final = 16
"""Of one command; what is left then is due again, and risk asks again."""


def liquidate(state: MatchingState, command: LiquidateAccount, out: Output) -> None:
    """Risk asks: the request is checked against the state as it is now (R37)."""
    if (reason := close_positions(state, command.account, out)) is not None:
        reject(state, out, command.account, command.market, reason)


def close_positions(state: MatchingState, name: str, out: Output, keeper: Account | None = None) -> str | None:
    """Cancel the account's orders, then close positions, the largest requirement first, until it is safe (R19, R20).

    A reason is returned when nothing is to be closed. Positions that may not be traded now count with their last mark
    but are not closed (`waterfall/pace.py`). `keeper`: who asked from outside, and is rewarded.
    """
    account = state.accounts.get(name)
    now = standing(account) if account is not None else AccountMargin(0, 0, 0)
    reason = _refusal(state, account, now, out.at)
    if account is None or reason is not None:
        return reason or "unknown_account"
    funds = fund.balances(held.market for held in account.holdings.values() if held.lots)
    for order in open_orders(account):
        if order.state != "armed":
            close(state, out, order, "liquidation")
    if account.collateral:
        now = restore_health(state, out, account)
        if not is_liquidatable(now.equity_quanta, now.maintenance_margin_quanta):
            return "collateral_sold"
    exhausted, first = set[str](), len(state.dirty.liquidations)
    for _ in range(MOST_STEPS):
        holding = _largest(state, account, out.at, exhausted, now)
        if holding is None or not is_liquidatable(now.equity_quanta, now.maintenance_margin_quanta):
            break
        if not _step(state, out, account, holding, now, keeper):
            exhausted.add(holding.market.id)
        now = standing(account)
    for name in sorted({step.market for step in state.dirty.liquidations[first:] if step.taken_over_lots}):
        if state.markets[name].spec.liquidation is not None:
            quotes.offer_taken(state, state.markets[name], out)
    if keeper is not None:
        reward(state, out, keeper, state.dirty.liquidations[first:])
    fund.announce(state, out, funds, "liquidation")
    return None


def _refusal(state: MatchingState, account: Account | None, now: AccountMargin, at: int) -> str | None:
    if account is None:
        return "unknown_account"
    if account.name in SYSTEM_ACCOUNTS:
        return "reserved_account"
    held = [holding for holding in account.holdings.values() if holding.lots]
    if not held:
        return "no_position"
    if not is_liquidatable(now.equity_quanta, now.maintenance_margin_quanta):
        return "healthy"
    reasons = {hindrance(state, holding, at, now) for holding in held}
    return None if None in reasons else next(reason for reason in HINDRANCES if reason in reasons)


def _largest(
    state: MatchingState, account: Account, at: int, exhausted: set[str], now: AccountMargin
) -> Holding | None:
    """The position with the largest maintenance margin, then by market id (R20)."""
    candidates = [
        held
        for held in account.holdings.values()
        if held.lots and held.market.id not in exhausted and hindrance(state, held, at, now) is None
    ]
    return min(candidates, key=lambda held: (-maintenance_of(held, held.lots), held.market.id), default=None)


def reject(state: MatchingState, out: Output, name: str, market: str, reason: str) -> None:
    """Say that nothing was closed, and what the account's figures are."""
    account = state.accounts.get(name)
    now = standing(account) if account is not None else AccountMargin(0, 0, 0)
    out.emit(
        LiquidationRejected,
        account=name,
        market=market,
        reason=reason,
        equity_quanta=readable(now.equity_quanta),
        maintenance_margin_quanta=readable(now.maintenance_margin_quanta),
    )


def _step(
    state: MatchingState, out: Output, account: Account, holding: Holding, before: AccountMargin, keeper: Account | None
) -> bool:
    """One step in one market; False when the market could not give all that was wanted."""
    started, rules = holding.lots, holding.market.spec.liquidation
    wanted = step_lots(holding, close_size(holding, before), before)
    if rules is not None and is_large(holding):
        state.solvency.cool(holding, out.at, rules)
    price = bankruptcy_price(holding, wanted, before)
    taker = LiquidationTaker(account, holding, limit=price, lots=wanted)
    if 0 < price <= MAX_PRICE_TICKS:
        sweep(state, out, taker)
    closed, filled = started - holding.lots, not taker.remaining
    after, gone = standing(account), Takeover(price, waits=None if filled else "not_filled")
    if not filled and beyond_help(after):
        gone = give_up(state, out, account, holding, after)
    paid = gone.paid + cover_deficit(state, out, account, holding.market)
    deleveraged = gone.deleveraged if started > 0 else -gone.deleveraged
    record = LiquidationRecord(
        liquidation_id=_next(state),
        at=out.at,
        account=account.name,
        market=holding.market.id,
        closed_lots=closed,
        taken_over_lots=started - closed - holding.lots - deleveraged,
        remaining_lots=holding.lots,
        mark_ticks=holding.market.prices.mark,
        bankruptcy_price_ticks=min(max(1, gone.price), MAX_PRICE_TICKS),
        fee_quanta=taker.fees + gone.fee,
        insurance_paid_quanta=paid,
        equity_before_quanta=readable(before.equity_quanta),
        maintenance_margin_before_quanta=readable(before.maintenance_margin_quanta),
        deleveraged_lots=deleveraged,
        waits=_waits(holding, gone, standing(account), cools=state.solvency.cools(holding, out.at)),
        keeper=keeper.name if keeper is not None else None,
    )
    state.dirty.liquidations.append(record)
    _announce(out, record)
    return filled


def _waits(holding: Holding, gone: Takeover, now: AccountMargin, *, cools: bool) -> str | None:
    """Why the rest of the position stays although the account is still below maintenance."""
    if not holding.lots or not is_liquidatable(now.equity_quanta, now.maintenance_margin_quanta):
        return None
    if gone.waits is not None:
        return gone.waits
    return "cooling_down" if cools and not beyond_help(now) else None


def _next(state: MatchingState) -> int:
    state.counters.liquidations += 1
    return state.counters.liquidations


def _announce(out: Output, record: LiquidationRecord) -> None:
    told = record._asdict()
    for name in ("liquidation_id", "at", "keeper"):
        del told[name]
    out.emit(LiquidationExecuted, **told)
