"""The tables of vaults, and the way between rows and state.

The raw tables are the state: lines, prices and holdings are made of them anew at every start.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import ClassVar, Final

from cleartide.fold import Changes, Repository, Row, Table

from services.vaults.domain.ledger import EventKey, Move, Point
from services.vaults.domain.months import Month
from services.vaults.domain.state import Cursor, Note, PricePoint, Report, Seen, ToldDay, VaultFacts, VaultsState

_KEY: Final = {"chain": "text", "signature": "text", "event_index": "bigint"}
_LINE: Final = {"owner": "text", "protocol": "text", "asset": "text"}
_STATE_KIND: Final = "VaultStateUpdated"


def _bigints(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "bigint")


EVENTS: Final = Table(
    "chain_events",
    key=tuple(_KEY),
    columns={
        **_KEY,
        "place": "bigint",
        "kind": "text",
        "vault": "text",
        **_LINE,
        **_bigints("slot", "block_time", "deposit", "withdrawal", "fee", "shares", "staked"),
    },
    write="append",
)
STATES: Final = Table(
    "vault_states",
    key=tuple(_KEY),
    columns={
        **_KEY,
        "vault": "text",
        "protocol": "text",
        "asset": "text",
        **_bigints("slot", "block_time", "total_assets", "total_shares", "virtual_assets", "virtual_shares"),
        **_bigints("lending_apy_ppb", "incentives_apy_ppb", "price_quanta", "decimals"),
        "status": "text",
    },
    write="append",
)
NOTES: Final = Table(
    "chain_notes",
    key=tuple(_KEY),
    columns={
        **_KEY,
        "kind": "text",
        "vault": "text",
        "owner": "text",
        **_bigints("slot", "block_time"),
        "body": "text",
    },
    write="append",
    load=False,
)
BRAKES: Final = Table(
    "vault_brakes",
    key=tuple(_KEY),
    columns={**_KEY, "vault": "text", **_bigints("slot", "block_time"), "action": "text"},
    write="append",
    load=False,
)
RETRACTIONS: Final = Table(
    "chain_retractions", key=tuple(_KEY), columns={**_KEY, "place": "bigint", "reason": "text"}, write="append"
)
CURSORS: Final = Table(
    "chain_cursors",
    key=("chain",),
    columns={"chain": "text", **_bigints("slot", "block_time", "received_at", "events", "duplicates", "late")},
)
CLOCK: Final = Table("vault_clock", key=("one",), columns={"one": "boolean", **_bigints("day", "previous", "swept")})
LINES: Final = Table("vault_lines", key=tuple(_LINE), columns={**_LINE, "number": "bigint"}, write="append")
HOLDINGS: Final = Table(
    "vault_holdings",
    key=("owner", "vault"),
    columns={
        "owner": "text",
        "vault": "text",
        "protocol": "text",
        "asset": "text",
        **_bigints("shares", "staked", "deposited", "withdrawn", "fees", "moves"),
    },
    load=False,
)
_SUMS: Final = ("equity_start", "equity_end", "deposits", "withdrawals", "fees", "earned")
DAYS: Final = Table(
    "vault_days",
    key=(*_LINE, "day", "revision"),
    columns={
        "ts": "timestamptz",
        "number": "bigint",
        **_LINE,
        **_bigints("day", "revision", *_SUMS, "return_1e12"),
    },
    write="append",
    load=False,
)
RESTATED: Final = Table(
    "vault_restated", key=("day", "revision"), columns=_bigints("day", "revision"), write="append", load=False
)
_NOTHING: Final = Month()
_DECIMALS: Final = list(STATES.columns).index("decimals")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MONTHS: Final = Table(
    "vault_months",
    key=(*_LINE, "month"),
    columns={**_LINE, **_bigints("month", *_SUMS, "active_days", "return_days", "return_sum")},
)


class VaultsRepository(Repository[VaultsState]):
    """Loads the raw events, and of what is made of them only what was told."""

    tables: ClassVar[tuple[Table, ...]] = (
        EVENTS,
        STATES,
        NOTES,
        BRAKES,
        RETRACTIONS,
        CURSORS,
        CLOCK,
        LINES,
        HOLDINGS,
        DAYS,
        RESTATED,
        MONTHS,
    )

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> VaultsState:
        """State from the loaded tables."""
        state = VaultsState()
        for _, day, previous, swept in rows[CLOCK.name]:
            state.day, state.previous, state.swept = day, previous, swept
        for owner, protocol, asset, _ in sorted(rows[LINES.name], key=lambda row: int(row[3])):
            state.line(owner, protocol, asset)
        state.retracted = {EventKey(*row[:3]) for row in rows[RETRACTIONS.name]}
        for row in rows[EVENTS.name]:
            _restore_event(state, row)
        for row in rows[STATES.name]:
            _restore_point(state, row)
        for chain, *cursor in rows[CURSORS.name]:
            state.cursors[chain] = Cursor(*cursor)
        for owner, protocol, asset, month, *sums in rows[MONTHS.name]:
            state.months[(owner, protocol, asset), month] = Month(*sums)
        _clear(state)
        return state

    def collect(self, state: VaultsState) -> Changes:
        """Rows of everything that is new or has changed since the last call."""
        changes = Changes()
        changes.put_all(EVENTS, map(_event, state.seen))
        changes.put_all(STATES, map(_report, state.reports))
        changes.put_all(NOTES, map(_note, state.notes))
        changes.put_all(BRAKES, ((*each.key, *each[1:]) for each in state.brakes))
        changes.put_all(RETRACTIONS, ((*each.key, each.place, each.reason) for each in state.retractions))
        for chain in sorted(state.touched_cursors):
            cursor = state.cursors[chain]
            counts = (cursor.events, cursor.duplicates, cursor.late)
            changes.put(CURSORS, (chain, cursor.slot, cursor.block_time, cursor.received_at, *counts))
        if state.touched_clock:
            changes.put(CLOCK, (True, state.day, state.previous, state.swept))
        changes.put_all(LINES, ((line.owner, line.protocol, line.asset, line.number) for line in state.new_lines))
        for owner, vault in sorted(state.touched_holdings):
            changes.put(HOLDINGS, _holding(state, owner, vault))
        changes.put_all(DAYS, map(_day, state.told))
        changes.put_all(RESTATED, sorted({(told.row.day, told.revision) for told in state.told if told.revision}))
        _collect_months(changes, state)
        _clear(state)
        return changes


def _restore_event(state: VaultsState, row: Row) -> None:
    chain, signature, index, _, kind, vault, owner, protocol, asset, slot, block_time, *amounts = row
    key = EventKey(chain, signature, index)
    if kind == _STATE_KIND:
        return
    if not protocol:
        state.others.add(key)
        return
    claimed = kind == "FarmRewardsClaimed"
    move = Move(key, owner, "" if claimed else vault, protocol, asset, slot, block_time, *amounts)
    state.moves[key] = move
    state.know(move.vault, protocol, asset)
    if key not in state.retracted:
        state.take(move, 1)


def _restore_point(state: VaultsState, row: Row) -> None:
    chain, signature, index, vault, protocol, asset, slot, block_time, *ledger = row[:12]
    key, facts = EventKey(chain, signature, index), VaultFacts(vault, protocol, asset)
    point = Point(block_time, slot, index, signature, chain, *ledger)
    state.points[key] = PricePoint(key, facts, point)
    state.decimals[asset] = row[_DECIMALS]
    state.know(*facts)
    if key not in state.retracted:
        state.add_point(vault, point)


def _event(seen: Seen) -> Row:
    move = seen.move
    line = (move.owner, move.protocol, move.asset) if move else (seen.owner, "", "")
    amounts = move[7:] if move else (0, 0, 0, 0, 0)
    return (*seen.key, seen.place, seen.kind, seen.vault, *line, seen.slot, seen.block_time, *amounts)


def _report(report: Report) -> Row:
    key, facts, point = report.known
    ledger = (point.assets, point.shares, point.virtual_assets, point.virtual_shares)
    return (*key, *facts, point.slot, point.block_time, *ledger, *report[1:])


def _note(note: Note) -> Row:
    return (*note.key, *note[1:])


def _holding(state: VaultsState, owner: str, vault: str) -> Row:
    held, facts = state.holdings[owner, vault], state.vaults[vault]
    amounts = (held.shares, held.staked, held.deposited, held.withdrawn, held.fees, held.moves)
    return (owner, *facts, *amounts)


def _day(told: ToldDay) -> Row:
    line, revision, row = told
    return (_midnight(row.day), line.number, line.owner, line.protocol, line.asset, row.day, revision, *row[1:])


@lru_cache(maxsize=4_096)
def _midnight(day: int) -> datetime:
    return _EPOCH + timedelta(microseconds=day)


def _collect_months(changes: Changes, state: VaultsState) -> None:
    state.settle_months()
    kept = []
    for line, month in state.touched_months:
        sums = state.months[line, month]
        # A month in which nothing holds any more is one that has never been.
        if sums == _NOTHING:
            changes.delete(MONTHS, (*line, month))
        else:
            kept.append((*line, month, *sums_of(sums)))
    changes.put_all(MONTHS, kept)


def sums_of(month: Month) -> Row:
    """A month's figures in the order of their columns."""
    flows = (month.equity_start, month.equity_end, month.deposits, month.withdrawals, month.fees, month.earned)
    return (*flows, month.active_days, month.return_days, month.return_sum)


def _clear(state: VaultsState) -> None:
    state.touched_clock, state.published = False, 0
    fresh_rows = (state.seen, state.reports, state.notes, state.brakes, state.retractions, state.new_lines, state.told)
    for fresh in fresh_rows:
        fresh.clear()
    for touched in (state.touched_cursors, state.touched_holdings, state.touched_months):
        touched.clear()
