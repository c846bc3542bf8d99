"""Liquidation, step by step, until the account is safe again or nothing more can be done (domain rules R19 to R25)."""

from typing import Final

from cleartide.contracts import LiquidateAccount, LiquidationExecuted, LiquidationRejected
from cleartide.money import MAX_PRICE_TICKS
from cleartide.rules.accounts import SYSTEM_ACCOUNTS
from cleartide.rules.margin import AccountMargin, is_liquidatable

from services.matching.domain.accounts import Account, Holding
from services.matching.domain.bankruptcy import bankruptcy_price, close_size, maintenance_of
from services.matching.domain.canceling import open_orders
from services.matching.domain.conversion import restore_health
from services.matching.domain.limits import readable
from services.matching.domain.margin import standing
from services.matching.domain.mark_price import is_stale
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.resting import close
from services.matching.domain.state import LiquidationRecord, MatchingState
from services.matching.domain.sweep import sweep
from services.matching.domain.takeover import LiquidationTaker, cover_deficit, take_over

MOST_STEPS: Final = 16
"""Of one command; what is left then is due again, and risk asks again."""


def liquidate(state: MatchingState, command: LiquidateAccount, out: Output) -> None:
    """Check the request against the state as it is now (R37), then close positions, the largest requirement first.

    Positions in markets with a stale index, or where nothing matches now, count with their last mark but are not closed
    (R13, R31).
    """
    account = state.accounts.get(command.account)
    now = standing(account) if account is not None else AccountMargin(0, 0, 0)
    reason = _refusal(account, now, out.at)
    if account is None or reason is not None:
        _reject(out, command, reason or "unknown_account", now)
        return
    for order in open_orders(account):
        if order.state != "armed":
            close(state, out, order, "liquidation")
    if account.collateral:
        now = restore_health(state, out, account)
        if not is_liquidatable(now.equity_quanta, now.maintenance_margin_quanta):
            _reject(out, command, "collateral_sold", now)
            return
    exhausted: set[str] = set()
    for _ in range(MOST_STEPS):
        holding = _largest(account, out.at, exhausted)
        if holding is None or not is_liquidatable(now.equity_quanta, now.maintenance_margin_quanta):
            return
        if not _step(state, out, account, holding, now):
            exhausted.add(holding.market.id)
        now = standing(account)


def _refusal(account: Account | None, now: AccountMargin, at: int) -> str | None:
    if account is None:
        return "unknown_account"
    if account.name in SYSTEM_ACCOUNTS:
        return "reserved_account"
    if not any(held.lots for held in account.holdings.values()):
        return "no_position"
    if not is_liquidatable(now.equity_quanta, now.maintenance_margin_quanta):
        return "healthy"
    if _largest(account, at, set()) is not None:
        return None
    paused = any(held.lots and not held.market.status.matches for held in account.holdings.values())
    return "market_paused" if paused else "stale_index"


def _largest(account: Account, at: int, exhausted: set[str]) -> Holding | None:
    """The position with the largest maintenance margin, then by market id (R20)."""
    candidates = [
        held
        for held in account.holdings.values()
        if held.lots and held.market.id not in exhausted and _trades(held.market, at)
    ]
    return min(candidates, key=lambda held: (-maintenance_of(held, held.lots), held.market.id), default=None)


def _trades(market: Market, at: int) -> bool:
    return market.status.matches and not is_stale(market.prices, at)


def _reject(out: Output, command: LiquidateAccount, reason: str, now: AccountMargin) -> None:
    out.emit(
        LiquidationRejected,
        account=command.account,
        market=command.market,
        reason=reason,
        equity_quanta=readable(now.equity_quanta),
        maintenance_margin_quanta=readable(now.maintenance_margin_quanta),
    )


def _step(state: MatchingState, out: Output, account: Account, holding: Holding, before: AccountMargin) -> bool:
    """One step in one market; False when the market could not give all that was wanted."""
    started = holding.lots
    wanted = close_size(holding, before)
    price = bankruptcy_price(holding, wanted, before)
    taker = LiquidationTaker(account, holding, limit=price, lots=wanted)
    if 0 < price <= MAX_PRICE_TICKS:
        sweep(state, out, taker)
    closed = started - holding.lots
    filled = not taker.remaining
    after = standing(account)
    paid = rounding = 0
    if not filled and _beyond_help(after):
        price, paid, rounding = take_over(state, out, account, holding, after)
    paid += cover_deficit(state, out, account, holding.market)
    record = LiquidationRecord(
        liquidation_id=_next(state),
        at=out.at,
        account=account.name,
        market=holding.market.id,
        closed_lots=closed,
        taken_over_lots=started - closed - holding.lots,
        remaining_lots=holding.lots,
        mark_ticks=holding.market.prices.mark,
        bankruptcy_price_ticks=min(max(1, price), MAX_PRICE_TICKS),
        fee_quanta=taker.fees + rounding,
        insurance_paid_quanta=paid,
        equity_before_quanta=readable(before.equity_quanta),
        maintenance_margin_before_quanta=readable(before.maintenance_margin_quanta),
    )
    state.dirty.liquidations.append(record)
    _announce(out, record)
    return filled


def _beyond_help(now: AccountMargin) -> bool:
    """E <= 0 or E < 2/3 MM: the book had its chance (R23)."""
    return now.equity_quanta <= 0 or 3 * now.equity_quanta < 2 * now.maintenance_margin_quanta


def _next(state: MatchingState) -> int:
    state.counters.liquidations += 1
    return state.counters.liquidations


def _announce(out: Output, record: LiquidationRecord) -> None:
    out.emit(
        LiquidationExecuted,
        account=record.account,
        market=record.market,
        closed_lots=record.closed_lots,
        taken_over_lots=record.taken_over_lots,
        mark_ticks=record.mark_ticks,
        bankruptcy_price_ticks=record.bankruptcy_price_ticks,
        fee_quanta=record.fee_quanta,
        insurance_paid_quanta=record.insurance_paid_quanta,
        equity_before_quanta=record.equity_before_quanta,
        maintenance_margin_before_quanta=record.maintenance_margin_before_quanta,
        remaining_lots=record.remaining_lots,
    )
