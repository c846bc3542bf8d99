"""A new index price: the mark, and once a minute the premium (domain rules R13 to R17)."""

from cleartide.contracts import MarkPriceUpdated, PremiumSampled, UpdateIndexPrice
from cleartide.rules.accounts import SYSTEM_ACCOUNTS

from services.matching.domain import mark_price as rule
from services.matching.domain.conversion import repay_debtors
from services.matching.domain.errors import Refused
from services.matching.domain.limits import MAX_VALUE_QUANTA
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.venue import breaker, lifecycle
from services.matching.domain.waterfall import backstop, quotes


def update(state: MatchingState, command: UpdateIndexPrice, out: Output) -> None:
    """Refused: unknown market, a price outside the market's range, or one at which a position is beyond all figures.

    A delisted market has no prices any more.
    """
    market = state.markets.get(command.market)
    if market is None:
        raise Refused("unknown_market", command.market)
    if market.status.state == "delisted":
        return
    index = market.grid.nearest_ticks(command.price) if command.price is not None else None
    if index is not None:
        _require_value(market, index)
    prices = market.prices
    if index is not None and rule.is_stale(prices, out.at):
        prices.fresh_since = out.at
    prices.stale = index is None
    left_behind = quotes.step_aside(state, market, out, index)
    state.dirty.prices[market.id] = market
    if index is not None:
        breaker.observe(market, index, out.at)
        prices.index, prices.updated_at = index, out.at
        market.refresh_fill_band()
        _step_average(market, out.at)
        prices.mark = rule.mark_ticks(index, _parts(market, out.at), market.spec.mark_band_ppb)
    if prices.mark:
        _announce(market, command, out)
    if index is not None:
        minute_begins = market.status.matches and _sample_premium(market, out)
        breaker.watch(state, market, out)
        backstop.tend(state, market, out, minute_begins=minute_begins, moved=left_behind)
        state.conditional.priced(market, "mark", prices.mark)
        state.conditional.priced(market, "index", index)
    lifecycle.wake(state, out)
    if state.treasury.debtors:
        repay_debtors(state, out)


def _require_value(market: Market, index: int) -> None:
    """No client's position may be worth more at the index than MAX_VALUE_QUANTA; none is larger than open interest."""
    most = MAX_VALUE_QUANTA // (index * market.unit)
    if market.open_interest <= most:
        return
    clients = (account for name, account in market.holders.items() if name not in SYSTEM_ACCOUNTS)
    if any(abs(account.holdings[market.id].lots) > most for account in clients):
        raise Refused("overflow", f"{index} ticks of {market.id}")


def _step_average(market: Market, at: int) -> None:
    """Step the average of (mid - index) once per elapsed second; a one-sided or waiting book gives no sample."""
    prices, book = market.prices, market.book
    bid, ask = book.bids.best_price, book.asks.best_price
    steps = (at - prices.ema_at) // rule.SECOND
    if bid is not None and ask is not None and market.status.matches:
        sample = rule.basis(bid, ask, prices.index)
        prices.ema = sample if prices.ema is None else rule.ema_step(prices.ema, sample, steps)
    prices.ema_at += steps * rule.SECOND


def _parts(market: Market, at: int) -> list[int]:
    """The inputs of the mark in micro-ticks; one that the book cannot give is left out (9.5).

    The last trade counts only beside a resting order: alone in an empty book it says nothing about now. Nor does a
    book in which orders wait without matching: its best prices may be crossed.
    """
    prices, book, funding = market.prices, market.book, market.funding
    bid, ask = book.bids.best_price, book.asks.best_price
    next_at = funding.interval_start + 2 * funding.interval_micros
    time_left = min(max(0, next_at - at), funding.interval_micros)
    parts = [rule.funding_part(prices.index, funding.rate_ppb, time_left, funding.interval_micros)]
    if not market.status.matches:
        return parts
    if bid is not None or ask is not None:
        seen = [price * rule.MICRO_TICKS for price in (bid, ask, prices.last) if price]
        parts.append(rule.median(seen))
    if bid is not None and ask is not None and prices.ema is not None:
        parts.append(prices.index * rule.MICRO_TICKS + prices.ema)
    return parts


def _announce(market: Market, command: UpdateIndexPrice, out: Output) -> None:
    """Say the mark, by which rules of the market, and from when the venues' prices are that count in it (R16)."""
    prices, book = market.prices, market.book
    times = [max(0, command.occurred_at - source.age_micros) for source in command.sources if not source.rejected]
    known = times if command.price is not None else []
    out.emit(
        MarkPriceUpdated,
        market=market.id,
        mark_ticks=prices.mark,
        index_ticks=prices.index,
        index_stale=prices.stale,
        best_bid_ticks=book.bids.best_price,
        best_ask_ticks=book.asks.best_price,
        last_ticks=prices.last or None,
        open_interest_lots=market.open_interest,
        spec_version=market.status.version,
        sourced_from=min(known, default=None),
        sourced_to=max(known, default=None),
    )


def _sample_premium(market: Market, out: Output) -> bool:
    """The first fresh price of a minute samples it; the sample is held within the cap of an 8 h rate (R17).

    Returns whether this was the first.
    """
    minute = out.at // rule.MINUTE * rule.MINUTE
    prices, unit = market.prices, market.unit
    if minute <= prices.premium_minute:
        return False
    prices.premium_minute = minute
    premium = rule.premium_ppb(
        ((price, lots * unit) for price, lots in market.book.bids.levels()),
        ((price, lots * unit) for price, lots in market.book.asks.levels()),
        prices.index,
        market.spec.impact_notional_quanta,
    )
    cap = min(8 * market.spec.funding_cap_hourly_ppb, rule.PREMIUM_BOUND_PPB)
    out.emit(
        PremiumSampled,
        market=market.id,
        minute=minute,
        premium_ppb=min(max(premium, -cap), cap),
        mark_ticks=prices.mark,
        index_ticks=prices.index,
    )
    return True
