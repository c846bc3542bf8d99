"""The way between rows and state. What orders keep reserved is not stored but derived from them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from cleartide.contracts import MarginBracket, MarketSpec
from cleartide.fold import Changes, Repository, Row, Table

from services.matching import tables
from services.matching.domain.book_feed import settle_down
from services.matching.domain.errors import InvariantBroken
from services.matching.domain.intake import AppliedId
from services.matching.domain.market import Funding, Market, Prices
from services.matching.domain.state import Dirty, MatchingState
from services.matching.tables import access, auctions, conditional, reported, sealed, solvency, treasury, vaults
from services.matching.tables.order_rows import collect_orders, restore_orders
from services.matching.tables.venue_rows import (
    collect_markets,
    collect_venue,
    limits_by_market,
    restore_states,
    restore_venue,
)


class MatchingRepository(Repository[MatchingState]):
    """Loads everything but the histories, which are only ever written."""

    tables: ClassVar[tuple[Table, ...]] = tables.TABLES

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> MatchingState:
        """State from the loaded tables."""
        state = MatchingState()
        _restore_ledger(state, rows)
        _restore_markets(state, rows)
        access.restore(state, rows)
        _restore_positions(state, rows)
        treasury.restore(state, rows)
        restore_orders(state, rows)
        conditional.restore(state, rows)
        auctions.restore(state, rows)
        sealed.restore(state, rows)
        vaults.restore(state, rows)
        settle_down(state)
        _restore_intake(state, rows)
        reported.restore(state.reported, rows)
        restore_venue(state.venue, rows)
        solvency.restore(state, rows)
        return state

    def collect(self, state: MatchingState) -> Changes:
        """Rows of everything that changed since the last call."""
        changes, dirty = Changes(), state.dirty
        state.dirty = Dirty()
        _collect_markets(changes, dirty)
        access.collect(changes, state, dirty)
        treasury.collect(changes, state)
        for key, holding in dirty.holdings.items():
            if holding.lots:
                changes.put(tables.POSITIONS, (*key, holding.lots, holding.funding_index))
            else:
                changes.delete(tables.POSITIONS, key)
        collect_orders(changes, dirty)
        conditional.collect(changes, state)
        auctions.collect(changes, state)
        sealed.collect(changes, state)
        vaults.collect(changes, state.vaults)
        changes.put_all(tables.BOOKS, ((book.market, book.seq) for book in dirty.books.values()))
        changes.put_all(tables.TRADES, dirty.trades)
        changes.put_all(tables.LIQUIDATIONS, dirty.liquidations)
        changes.put_all(tables.FUNDING_HISTORY, dirty.funding_history)
        _collect_ledger(changes, state)
        _collect_intake(changes, state)
        _collect_counters(changes, state)
        reported.collect(changes, state.reported)
        collect_venue(changes, state.venue)
        solvency.collect(changes, state, dirty)
        return changes


def _restore_ledger(state: MatchingState, rows: Mapping[str, Sequence[Row]]) -> None:
    for name, balance, asset in rows[tables.LEDGER_BALANCES.name]:
        state.ledger.account(name, asset).balance = balance
    state.restore_numbers(dict(rows[tables.COUNTERS.name]))


def _restore_markets(state: MatchingState, rows: Mapping[str, Sequence[Row]]) -> None:
    brackets: dict[str, list[MarginBracket]] = {}
    for market_id, _, upper, initial, maintenance in sorted(rows[tables.BRACKETS.name], key=lambda row: row[:2]):
        bracket = MarginBracket(
            upper_notional_quanta=upper,
            initial_margin_ppb=initial,
            maintenance_fraction_ppb=maintenance,
        )
        brackets.setdefault(market_id, []).append(bracket)
    names, limits, liquidation = list(tables.MARKETS.columns), limits_by_market(rows), solvency.rules_by_market(rows)
    batching = sealed.batching_by_market(rows)
    for row in rows[tables.MARKETS.name]:
        fields = dict(zip(names, row, strict=True))
        groups: dict[str, Any] = {"limits": limits.get(row[0]), "liquidation": liquidation.get(row[0])}
        groups["batching"] = batching.get(row[0])
        spec = MarketSpec(**fields, brackets=tuple(brackets[row[0]]), **groups)
        state.markets[spec.market] = Market(spec, state.ledger, state.changed_books)
    for market_id, *values, open_interest in rows[tables.MARKS.name]:
        _set(state.markets[market_id].prices, _MARK_FIELDS, values)
        state.markets[market_id].open_interest = open_interest
    for market_id, *values in rows[tables.FUNDING.name]:
        _set(state.markets[market_id].funding, _FUNDING_FIELDS, values)
    restore_states(state, rows)
    for market_id, book_seq in rows[tables.BOOKS.name]:
        state.markets[market_id].book.seq = book_seq


def restore_account(rows: Mapping[str, Sequence[Row]]) -> MatchingState:
    """One account among all markets: what its margin depends on, and nobody else. For questions, not for a fold."""
    state = MatchingState()
    _restore_ledger(state, rows)
    _restore_markets(state, rows)
    access.restore(state, rows)
    _place_positions(state, rows)
    treasury.restore(state, rows)
    restore_orders(state, rows)
    return state


def _place_positions(state: MatchingState, rows: Mapping[str, Sequence[Row]]) -> None:
    for name, market_id, lots, funding_index in rows[tables.POSITIONS.name]:
        holding = state.holding(state.accounts[name], state.markets[market_id])
        holding.lots, holding.funding_index = lots, funding_index


def _restore_positions(state: MatchingState, rows: Mapping[str, Sequence[Row]]) -> None:
    """Open interest is stored for readers; the positions must add up to it."""
    _place_positions(state, rows)
    longs: Counter[str] = Counter()
    for _, market_id, lots, _ in rows[tables.POSITIONS.name]:
        longs[market_id] += max(0, lots)
    for market in state.markets.values():
        if market.open_interest != longs[market.id]:
            raise InvariantBroken(f"{market.id}: open interest {market.open_interest}, positions {longs[market.id]}")


def _restore_intake(state: MatchingState, rows: Mapping[str, Sequence[Row]]) -> None:
    state.intake.numbers.update(rows[tables.COMMAND_SOURCES.name])
    for row in rows[tables.APPLIED_IDS.name]:
        state.intake.restore(AppliedId(*row))


_MARK_FIELDS = (
    "mark",
    "index",
    "last",
    "stale",
    "updated_at",
    "ema",
    "ema_at",
    "premium_minute",
    "average",
    "fresh_since",
)
_FUNDING_FIELDS = ("index", "carry", "rate_ppb", "interval_start", "interval_micros")


def _set(target: Prices | Funding, names: Sequence[str], values: Sequence[object]) -> None:
    for name, value in zip(names, values, strict=True):
        setattr(target, name, value)


def _get(source: Prices | Funding, names: Sequence[str]) -> Row:
    return tuple(getattr(source, name) for name in names)


def _collect_markets(changes: Changes, dirty: Dirty) -> None:
    for market in dirty.markets.values():
        spec = market.spec
        changes.put(tables.MARKETS, tuple(getattr(spec, name) for name in tables.MARKETS.columns))
        for number, bracket in enumerate(spec.brackets):
            limits = (bracket.upper_notional_quanta, bracket.initial_margin_ppb, bracket.maintenance_fraction_ppb)
            changes.put(tables.BRACKETS, (market.id, number, *limits))
        for number in range(len(spec.brackets), market.bracket_rows):
            changes.delete(tables.BRACKETS, (market.id, number))
        market.bracket_rows = len(spec.brackets)
    for market in dirty.prices.values():
        changes.put(tables.MARKS, (market.id, *_get(market.prices, _MARK_FIELDS), market.open_interest))
    for market in dirty.funding.values():
        changes.put(tables.FUNDING, (market.id, *_get(market.funding, _FUNDING_FIELDS)))

    collect_markets(changes, dirty)


def _collect_ledger(changes: Changes, state: MatchingState) -> None:
    ledger = state.ledger
    held = ledger.touched.values()
    changes.put_all(tables.LEDGER_BALANCES, ((account.name, account.balance, account.asset) for account in held))
    changes.put_all(tables.LEDGER_ENTRIES, ledger.entries)
    ledger.touched, ledger.entries = {}, []


def _collect_intake(changes: Changes, state: MatchingState) -> None:
    intake = state.intake
    changes.put_all(tables.COMMAND_SOURCES, ((name, intake.numbers[name]) for name in sorted(intake.touched)))
    changes.put_all(tables.APPLIED_IDS, intake.fresh)
    intake.touched, intake.fresh = set(), []


def _collect_counters(changes: Changes, state: MatchingState) -> None:
    numbers, collected = state.numbers(), state.collected_numbers
    changes.put_all(tables.COUNTERS, (pair for pair in numbers.items() if collected.get(pair[0], 0) != pair[1]))
    state.collected_numbers = numbers
