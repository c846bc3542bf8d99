"""The way between rows and state."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter, itemgetter
from typing import ClassVar, Final

from cleartide.fold import Changes, Repository, Row, Table

from services.analytics.domain.account import Account, Holding, Span, Unit, day_of
from services.analytics.domain.ledger import Ledger
from services.analytics.domain.state import AnalyticsState, MarketDay, MarketNow
from services.analytics.domain.vaults import Vault
from services.analytics.engine.minute import Candle
from services.analytics.tables import (
    ACCOUNT_DAYS,
    ACCOUNT_HOURS,
    ACCOUNTS,
    ADJUSTMENTS,
    CANDLES,
    CLOCK,
    HOLDINGS,
    LIQUIDATIONS,
    MARKET_DAYS,
    MARKETS,
    OPEN_CANDLES,
    OPEN_MARKET_DAYS,
    RESTATEMENTS,
    TRADES,
    UNITS,
    VAULT_HOURS,
    VAULT_SHARES,
    VAULTS,
)

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# One C call per row; dataclasses.astuple would copy every value deeply.
_candle: Final = attrgetter(*tuple(OPEN_CANDLES.columns)[2:])
_market: Final = attrgetter(*MARKETS.columns)
_market_day: Final = attrgetter(*MARKET_DAYS.columns)
_account: Final = attrgetter(*ACCOUNTS.columns)
_vault: Final = attrgetter(*VAULTS.columns)
_unit: Final = attrgetter("quanta_per_lot_tick", "mark", "index", "boundary_mark", "boundary_index")


class AnalyticsRepository(Repository[AnalyticsState]):
    """Loads the clock, markets, open candles, open days and accounts; history is only ever written."""

    tables: ClassVar[tuple[Table, ...]] = (
        CLOCK,
        MARKETS,
        OPEN_CANDLES,
        CANDLES,
        TRADES,
        RESTATEMENTS,
        LIQUIDATIONS,
        UNITS,
        MARKET_DAYS,
        OPEN_MARKET_DAYS,
        ACCOUNTS,
        HOLDINGS,
        VAULTS,
        VAULT_SHARES,
        VAULT_HOURS,
        ACCOUNT_HOURS,
        ACCOUNT_DAYS,
        ADJUSTMENTS,
    )

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> AnalyticsState:
        """State from the loaded tables."""
        state = AnalyticsState()
        ledger = state.ledger
        for _, minute, hour, swept in rows[CLOCK.name]:
            state.minute, ledger.hour, ledger.swept = minute, hour, swept
            state.today = day_of(minute)
        for row in rows[MARKETS.name]:
            state.markets[row[0]] = MarketNow(*row)
        for market, series, *candle in rows[OPEN_CANDLES.name]:
            state.series[series].candles[market] = Candle(*candle)
        for minute in state.series.values():
            minute.open_time = state.minute
        for row in rows[OPEN_MARKET_DAYS.name]:
            state.days[row[0]] = MarketDay(*row)
        for market, *unit in rows[UNITS.name]:
            ledger.units[market] = Unit(*unit)
        for row in sorted(rows[ACCOUNTS.name]):
            account = Account(*row)
            ledger.accounts[account.account] = account
            ledger.numbered.append(account)
        for name, market, *held in rows[HOLDINGS.name]:
            ledger.accounts[name].holdings[market] = Holding(*held)
        for row in rows[VAULTS.name]:
            ledger.vaults[row[0]] = Vault(*row)
        for name, vault, shares in rows[VAULT_SHARES.name]:
            ledger.accounts[name].shares[vault] = shares
        return state

    def collect(self, state: AnalyticsState) -> Changes:
        """Rows of everything touched since the last call."""
        changes = Changes()
        if state.touched_clock or state.ledger.touched_clock:
            changes.put(CLOCK, (True, state.minute, state.ledger.hour, state.ledger.swept))
        changes.put_all(MARKETS, (_market(state.markets[name]) for name in sorted(state.touched_markets)))
        _collect_candles(state, changes)
        changes.put_all(TRADES, state.trades)
        changes.put_all(RESTATEMENTS, ((*place, *(terms or (None,) * 4)) for *place, terms in state.restatements))
        changes.put_all(LIQUIDATIONS, state.liquidations)
        changes.put_all(MARKET_DAYS, (_market_day(day) for day in state.closed_days))
        days = [_market_day(state.days[name]) for name in sorted(state.touched_days)]
        changes.put_all(MARKET_DAYS, days)
        changes.put_all(OPEN_MARKET_DAYS, days)
        _collect_ledger(state.ledger, changes)
        _clear_marks(state)
        return changes


def _collect_candles(state: AnalyticsState, changes: Changes) -> None:
    changes.put_all(CANDLES, ((market, series, *_candle(candle), True) for market, series, candle in state.closed))
    touched = ((market, series, minute) for series, minute in state.series.items() for market in minute.touched)
    for market, series, minute in sorted(touched, key=itemgetter(0, 1)):
        current = minute.candles.get(market)
        if current is None:
            changes.delete(OPEN_CANDLES, (market, series))
        else:
            row = (market, series, *_candle(current))
            changes.put(OPEN_CANDLES, row)
            changes.put(CANDLES, (*row, False))


def _collect_ledger(ledger: Ledger, changes: Changes) -> None:
    changes.put_all(UNITS, ((name, *_unit(ledger.units[name])) for name in sorted(ledger.touched_units)))
    changes.put_all(ACCOUNTS, (_account(ledger.accounts[name]) for name in sorted(ledger.touched)))
    for name, market in sorted(ledger.touched_holdings):
        held = ledger.accounts[name].holdings.get(market)
        if held is None:
            changes.delete(HOLDINGS, (name, market))
        else:
            changes.put(HOLDINGS, (name, market, held.lots, held.quote_quanta, held.settled_index))
    changes.put_all(VAULTS, (_vault(ledger.vaults[name]) for name in sorted(ledger.touched_vaults)))
    for name, vault in sorted(ledger.touched_shares):
        shares = ledger.accounts[name].shares.get(vault)
        if shares is None:
            changes.delete(VAULT_SHARES, (name, vault))
        else:
            changes.put(VAULT_SHARES, (name, vault, shares))
    changes.put_all(ACCOUNT_HOURS, _spans(ledger.hours))
    changes.put_all(ACCOUNT_DAYS, _spans(ledger.days))
    changes.put_all(VAULT_HOURS, ledger.prices)
    changes.put_all(ADJUSTMENTS, ledger.adjustments)


def _spans(spans: Iterable[Span]) -> Iterator[Row]:
    return ((EPOCH + timedelta(microseconds=span.start), *span) for span in spans)


def _clear_marks(state: AnalyticsState) -> None:
    state.closed.clear()
    state.trades.clear()
    state.restatements.clear()
    state.liquidations.clear()
    state.closed_days.clear()
    state.touched_clock = False
    state.touched_markets.clear()
    for minute in state.series.values():
        minute.touched.clear()
    state.touched_days.clear()
    ledger = state.ledger
    ledger.hours.clear()
    ledger.days.clear()
    ledger.adjustments.clear()
    ledger.prices.clear()
    ledger.touched_clock = False
    ledger.touched_units.clear()
    ledger.touched.clear()
    ledger.touched_holdings.clear()
    ledger.touched_vaults.clear()
    ledger.touched_shares.clear()
