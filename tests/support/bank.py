"""A bank: the smallest service that has everything a real one has, and a mirror that folds what the bank says.

The bank stands where matching stands (COMMANDS in, trading events out) and the mirror where earnings stands, so both
run on the system's own streams, roles and permissions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cleartide.bus.folder import Fold
from cleartide.bus.streams import COMMANDS, EVENTS
from cleartide.contracts import Deposit, EarningsDayRecorded, TransferApplied, TransferRejected, Withdraw
from cleartide.fold import Changes, Effects, Reject, Repository, Row, Table
from cleartide.money import MoneyError, quanta_from_text

BALANCES = Table("balances", key=("account",), columns={"account": "text", "cash_quanta": "bigint"})
APPLIED = Table(
    "applied", key=("source", "id"), columns={"source": "text", "id": "text", "cause_seq": "bigint"}, write="append"
)
BANK_MIGRATION: Final = """-- migrate:up
CREATE TABLE balances (account text PRIMARY KEY, cash_quanta bigint NOT NULL CHECK (cash_quanta >= 0));
CREATE TABLE applied (source text, id text, cause_seq bigint NOT NULL, PRIMARY KEY (source, id));
CREATE TABLE journal (stream_seq bigint PRIMARY KEY, at bigint NOT NULL, subject text NOT NULL, payload bytea NOT NULL);
"""


@dataclass
class BankState:
    """Balances and what was applied, with what changed since the last collection."""

    balances: dict[str, int] = field(default_factory=dict)
    applied: set[tuple[str, str]] = field(default_factory=set)
    dirty: dict[str, None] = field(default_factory=dict)
    fresh: list[Row] = field(default_factory=list)


def on_transfer(state: BankState, command: Deposit | Withdraw, effects: Effects) -> None:
    """Move money once per command; an overdraft is answered, an unusable amount is a dead letter."""
    if (command.source, command.id) in state.applied:
        raise Reject("duplicate", command.id)
    try:
        amount = quanta_from_text(command.amount)
    except MoneyError as error:
        raise Reject(error.reason, str(error)) from None
    signed = amount if isinstance(command, Deposit) else -amount
    state.applied.add((command.source, command.id))
    state.fresh.append((command.source, command.id, effects.seq))
    after = state.balances.get(command.account, 0) + signed
    if after < 0:
        effects.emit(TransferRejected, account=command.account, reason="insufficient_funds")
        return
    state.balances[command.account] = after
    state.dirty[command.account] = None
    effects.emit(TransferApplied, account=command.account, amount_quanta=signed, cash_quanta=after)


class BankRepository(Repository[BankState]):
    """Balances by account, applied commands for ever."""

    tables = (BALANCES, APPLIED)

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> BankState:
        """State from the tables."""
        balances: dict[str, int] = dict(rows[BALANCES.name])
        return BankState(balances, {(source, id_) for source, id_, _ in rows[APPLIED.name]})

    def collect(self, state: BankState) -> Changes:
        """Changed balances, new applications."""
        changes = Changes()
        changes.put_all(BALANCES, [(account, state.balances[account]) for account in state.dirty])
        changes.put_all(APPLIED, state.fresh)
        state.dirty, state.fresh = {}, []
        return changes


BANK: Final = Fold("matching", COMMANDS, {Deposit: on_transfer, Withdraw: on_transfer}, BankRepository(), journal=True)

COPIES = Table("copies", key=("account",), columns={"account": "text", "cash_quanta": "bigint", "moves": "bigint"})
MOVES = Table(
    "moves",
    key=("seq",),
    columns={"seq": "bigint", "account": "text", "amount_quanta": "bigint"},
    write="append",
    load=False,
)
MIRROR_MIGRATION: Final = """-- migrate:up
CREATE TABLE copies (account text PRIMARY KEY, cash_quanta bigint NOT NULL, moves bigint NOT NULL);
CREATE TABLE moves (seq bigint PRIMARY KEY, account text NOT NULL, amount_quanta bigint NOT NULL);
"""


@dataclass
class MirrorState:
    """A copy of each balance with the number of its moves."""

    copies: dict[str, tuple[int, int]] = field(default_factory=dict)
    dirty: dict[str, None] = field(default_factory=dict)
    moves: list[Row] = field(default_factory=list)


def on_applied(state: MirrorState, event: TransferApplied, effects: Effects) -> None:
    """Follow one balance and say so; the bank's own figure and the sum of the moves must agree."""
    cash, moves = state.copies.get(event.account, (0, 0))
    if cash + event.amount_quanta != event.cash_quanta:
        raise AssertionError(f"{event.account}: {cash} + {event.amount_quanta} is not {event.cash_quanta}")
    state.copies[event.account] = (event.cash_quanta, moves + 1)
    state.dirty[event.account] = None
    state.moves.append((event.seq, event.account, event.amount_quanta))
    effects.emit(
        EarningsDayRecorded,
        account=event.account,
        day=0,
        equity_start_quanta=cash,
        equity_end_quanta=event.cash_quanta,
        flows_quanta=event.amount_quanta,
        pnl_quanta=0,
        funding_quanta=0,
        fees_quanta=0,
    )


class MirrorRepository(Repository[MirrorState]):
    """Copies by account; every move for ever."""

    tables = (COPIES, MOVES)

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> MirrorState:
        """State from the tables."""
        return MirrorState({account: (cash, moves) for account, cash, moves in rows[COPIES.name]})

    def collect(self, state: MirrorState) -> Changes:
        """Changed copies, new moves."""
        changes = Changes()
        changes.put_all(COPIES, [(account, *state.copies[account]) for account in state.dirty])
        changes.put_all(MOVES, state.moves)
        state.dirty, state.moves = {}, []
        return changes


MIRROR: Final = Fold("earnings", EVENTS, {TransferApplied: on_applied}, MirrorRepository())


def deposit(number: int, account: str = "alice", amount: str = "1") -> Deposit:
    """The n-th deposit of an outside sender."""
    return Deposit(id=f"d{number}", occurred_at=0, source="trader", account=account, asset="USDC", amount=amount)


def withdraw(number: int, account: str = "alice", amount: str = "1") -> Withdraw:
    """The n-th withdrawal of an outside sender."""
    return Withdraw(id=f"w{number}", occurred_at=0, source="trader", account=account, asset="USDC", amount=amount)
