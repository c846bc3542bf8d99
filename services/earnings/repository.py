"""The way between the rows of earnings and its state."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Final

from cleartide.fold import Changes, Repository, Row, Table

from services.earnings.domain.account import Account, EarningsDay, Market, Position, Valuation
from services.earnings.domain.months import Month
from services.earnings.domain.state import DayTotals, EarningsState
from services.earnings.domain.vaults import Vault
from services.earnings.tables import (
    ACCOUNTS,
    CLOCK,
    DAYS,
    MARKETS,
    MONTHS,
    OPEN_DAYS,
    OPEN_MONTHS,
    POSITIONS,
    SHARES,
    TOTALS,
    VAULTS,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class EarningsRepository(Repository[EarningsState]):
    """Loads everything but days and ended months, which are only ever written: an open day with each event."""

    tables: ClassVar[tuple[Table, ...]] = (
        *(CLOCK, MARKETS, ACCOUNTS, VAULTS, SHARES, POSITIONS, DAYS, OPEN_DAYS, MONTHS, OPEN_MONTHS, TOTALS),
    )

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> EarningsState:
        """State from the loaded tables."""
        state = EarningsState()
        for _, day, swept in rows[CLOCK.name]:
            state.day, state.swept = day, swept
        for market, unit, mark, index, close_mark, close_index in rows[MARKETS.name]:
            state.markets[market] = Market(market, unit, Valuation(mark, index), Valuation(close_mark, close_index))
        for row in rows[ACCOUNTS.name]:
            state.accounts[row[0]] = Account(*row)
        state.numbered = sorted(state.accounts.values(), key=lambda account: account.number)
        for account, market, lots, quote, settled in rows[POSITIONS.name]:
            state.accounts[account].positions[market] = Position(lots, quote, settled)
        for row in rows[VAULTS.name]:
            vault = state.vaults[row[0]] = Vault(*row[:-1])
            vault.acted.update(filter(None, row[-1].split(",")))
        for account, vault, shares in sorted(rows[SHARES.name]):
            state.accounts[account].shares[vault] = shares
        for account, *sums, growth in rows[OPEN_MONTHS.name]:
            month = state.months[account] = Month(*sums)
            month.growth = Decimal(growth)
        for day, *sums in rows[TOTALS.name]:
            state.totals[day] = DayTotals(*sums)
        return state

    def collect(self, state: EarningsState) -> Changes:
        """Rows of everything touched since the last call."""
        changes = Changes()
        if state.touched_clock:
            changes.put(CLOCK, (True, state.day, state.swept))
        for name in sorted(state.touched_markets):
            changes.put(MARKETS, _market(state.markets[name]))
        for name in sorted(state.touched_accounts):
            changes.put(ACCOUNTS, _account(state.accounts[name]))
        for account, market in sorted(state.touched_positions):
            position = state.accounts[account].positions.get(market)
            if position is None:
                changes.delete(POSITIONS, (account, market))
            else:
                changes.put(POSITIONS, (account, market, *_position(position)))
        _collect_vaults(changes, state)
        _collect_days(changes, state)
        changes.put_all(MONTHS, (_month(account, month) for account, month in state.ended_months))
        changes.put_all(
            OPEN_MONTHS, (_month(account, state.months[account]) for account in sorted(state.touched_months))
        )
        for day in sorted(state.touched_totals):
            changes.put(TOTALS, (day, *_totals(state.totals[day])))
        _clear_marks(state)
        return changes


def _collect_days(changes: Changes, state: EarningsState) -> None:
    closed = [(row.day, state.accounts[row.account].number, row) for row in state.day_rows.values() if row.closed]
    changes.put_all(DAYS, (_closed(*each) for each in sorted(closed)))
    opened = {row.account: row for row in state.day_rows.values() if not row.closed}
    for account in sorted({row.account for _, _, row in closed} - opened.keys()):
        changes.delete(OPEN_DAYS, (account,))
    changes.put_all(OPEN_DAYS, ((*_amounts(opened[account]), opened[account].as_of) for account in sorted(opened)))


def _closed(day: int, number: int, row: EarningsDay) -> Row:
    return (_EPOCH + timedelta(microseconds=day), number, *_amounts(row), row.return_1e12)


def _amounts(row: EarningsDay) -> Row:
    flows = (row.deposits, row.withdrawals)
    return (*row[:8], row.rebates, row.earned, *flows, row.cumulative_earned, row.cumulative_net)


def _month(account: str, month: Month) -> Row:
    bounds = (month.month, month.equity_start, month.equity_end)
    gains = (month.pnl, month.funding, month.fees, month.rebates, month.earned)
    days = (month.active_days, month.return_days, month.return_sum, str(month.growth))
    return (account, *bounds, month.deposits, month.withdrawals, *gains, *days)


def _collect_vaults(changes: Changes, state: EarningsState) -> None:
    for name in sorted(state.touched_vaults):
        vault = state.vaults[name]
        held = (vault.reserve, vault.fees_owed, vault.shares, vault.close_assets, vault.close_shares)
        acted = ",".join(sorted(vault.acted))
        changes.put(VAULTS, (name, vault.strategy, vault.virtual_shares, *held, acted))
    for account, name in sorted(state.touched_shares):
        shares = state.accounts[account].shares.get(name)
        if shares is None:
            changes.delete(SHARES, (account, name))
        else:
            changes.put(SHARES, (account, name, shares))


def _market(market: Market) -> Row:
    return (market.market, market.quanta_per_lot_tick, *market.now, *market.close)


def _account(account: Account) -> Row:
    return (
        account.account,
        account.number,
        account.cash,
        account.day,
        account.active,
        account.equity_start,
        account.value_start,
        account.unsettled_start,
        account.deposits,
        account.withdrawals,
        account.weighted,
        account.fill_flow,
        account.settled,
        account.fees,
        account.rebates,
        account.vaults_start,
        account.vault_flow,
        account.vault_fees,
        account.cumulative_earned,
        account.cumulative_net,
    )


def _position(position: Position) -> Row:
    return (position.lots, position.quote_quanta, position.settled_index_quanta)


def _totals(totals: DayTotals) -> Row:
    return (
        totals.accounts,
        totals.equity_start,
        totals.equity_end,
        totals.flows,
        totals.pnl,
        totals.funding,
        totals.fees,
        totals.rebates,
        totals.earned,
    )


def _clear_marks(state: EarningsState) -> None:
    state.touched_clock = False
    state.touched_markets.clear()
    state.touched_accounts.clear()
    state.touched_positions.clear()
    state.touched_totals.clear()
    state.touched_months.clear()
    state.ended_months.clear()
    state.touched_vaults.clear()
    state.touched_shares.clear()
    state.day_rows.clear()
