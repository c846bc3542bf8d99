"""The tables of earnings, and the way between rows and state."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from cleartide.fold import Changes, Repository, Row, Table

from services.earnings.domain.account import Account, EarningsDay, Market, Position, Valuation
from services.earnings.domain.state import DayTotals, EarningsState
from services.earnings.domain.vaults import Vault

CLOCK: Final = Table("earnings_clock", key=("one",), columns={"one": "boolean", "day": "bigint", "swept": "bigint"})
MARKETS: Final = Table(
    "earnings_markets",
    key=("market",),
    columns={
        "market": "text",
        "quanta_per_lot_tick": "bigint",
        "mark_ticks": "bigint",
        "funding_index_quanta": "bigint",
        "close_mark_ticks": "bigint",
        "close_funding_index_quanta": "bigint",
    },
)
ACCOUNTS: Final = Table(
    "earnings_accounts",
    key=("account",),
    columns={
        "account": "text",
        "number": "bigint",
        "cash_quanta": "bigint",
        "day": "bigint",
        "active": "boolean",
        "equity_start_quanta": "bigint",
        "value_start_quanta": "bigint",
        "unsettled_start_quanta": "bigint",
        "flows_quanta": "bigint",
        "fill_flow_quanta": "bigint",
        "settled_funding_quanta": "bigint",
        "fees_quanta": "bigint",
        "rebates_quanta": "bigint",
        "vaults_start_quanta": "bigint",
        "vault_flow_quanta": "bigint",
        "vault_fees_quanta": "bigint",
    },
)
VAULTS: Final = Table(
    "earnings_vaults",
    key=("vault",),
    columns={
        "vault": "text",
        "strategy": "text",
        "virtual_shares": "bigint",
        "reserve_quanta": "bigint",
        "fees_owed_quanta": "bigint",
        "shares": "bigint",
        "close_assets_quanta": "bigint",
        "close_shares": "bigint",
        "acted": "text",
    },
)
SHARES: Final = Table(
    "earnings_shares", key=("account", "vault"), columns={"account": "text", "vault": "text", "shares": "bigint"}
)
POSITIONS: Final = Table(
    "earnings_positions",
    key=("account", "market"),
    columns={
        "account": "text",
        "market": "text",
        "lots": "bigint",
        "quote_quanta": "bigint",
        "settled_index_quanta": "bigint",
    },
)
_DAY: Final = {
    "account": "text",
    "day": "bigint",
    "equity_start_quanta": "bigint",
    "equity_end_quanta": "bigint",
    "flows_quanta": "bigint",
    "pnl_quanta": "bigint",
    "funding_quanta": "bigint",
    "fees_quanta": "bigint",
    "rebates_quanta": "bigint",
    "yield_quanta": "bigint",
}
DAYS: Final = Table(
    "earnings_days",
    key=("account", "day"),
    columns={"ts": "timestamptz", "number": "bigint", **_DAY},
    write="append",
    load=False,
)
OPEN_DAYS: Final = Table("earnings_open_days", key=("account",), columns={**_DAY, "as_of": "bigint"}, load=False)
TOTALS: Final = Table(
    "earnings_totals",
    key=("day",),
    columns={
        "day": "bigint",
        "accounts": "bigint",
        "equity_start_quanta": "bigint",
        "equity_end_quanta": "bigint",
        "flows_quanta": "bigint",
        "pnl_quanta": "bigint",
        "funding_quanta": "bigint",
        "fees_quanta": "bigint",
        "rebates_quanta": "bigint",
        "yield_quanta": "bigint",
    },
)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class EarningsRepository(Repository[EarningsState]):
    """Loads everything but days, which are only ever written: closed ones once, open ones with each event."""

    tables: ClassVar[tuple[Table, ...]] = (CLOCK, MARKETS, ACCOUNTS, VAULTS, SHARES, POSITIONS, DAYS, OPEN_DAYS, TOTALS)

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
    return (_EPOCH + timedelta(microseconds=day), number, *_amounts(row))


def _amounts(row: EarningsDay) -> Row:
    return (*row[:8], row.rebates, row.earned)


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
        account.flows,
        account.fill_flow,
        account.settled,
        account.fees,
        account.rebates,
        account.vaults_start,
        account.vault_flow,
        account.vault_fees,
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
    state.touched_vaults.clear()
    state.touched_shares.clear()
    state.day_rows.clear()
