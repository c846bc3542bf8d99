"""Both exchanges, command by command. After each one everything they know must be the same."""

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

from cleartide.book_view import BookView
from cleartide.contracts import (
    BookChanged,
    BustTrade,
    ChangeAsset,
    CollateralSwapped,
    CorrectTrade,
    DepositProgressed,
    LiquidateAccount,
    Message,
    PositionChanged,
    PositionSettled,
    ReportTrade,
    RequestLiquidation,
    RequestWithdrawal,
    SettleFunding,
    SubmitOrders,
    TradingEvent,
    TransferFunds,
    TransferToPool,
    UpdateIndexPrice,
    Withdraw,
    WithdrawalProgressed,
    WithdrawCollateral,
)
from cleartide.fold import Changes, Reject, Row

from services.matching.app import SERVICE
from services.matching.domain.errors import SourceGap
from services.matching.domain.state import MatchingState
from services.matching.tests.model.collateral import SETTLEMENT
from services.matching.tests.model.exchange import apply
from services.matching.tests.model.expected import COLUMNS, EXPECTED, TRADES, books
from services.matching.tests.model.margin import equity, standing
from services.matching.tests.model.rows import Rows
from services.matching.tests.model.steps import Scripted
from services.matching.tests.model.world import RESERVED, Account, Missing, Refusal, World
from tests.support.fold_bench import HandlerBench

START: Final = 1_700_000_040_000_000
MOVERS: Final = (UpdateIndexPrice, SettleFunding, ReportTrade, BustTrade, CorrectTrade, ChangeAsset)
"""The only commands that may push an account's equity below zero: the declared deficit path."""
PAYERS: Final = (Withdraw, WithdrawCollateral, RequestWithdrawal, TransferFunds, TransferToPool)

_TABLES: Final = {table.name: table for table in SERVICE.fold.repository.tables}
_PICK: Final = {
    name: itemgetter(*(list(_TABLES[name].columns).index(column) for column in columns))
    for name, columns in COLUMNS.items()
}
_TRADE: Final = {name: list(_TABLES["trades"].columns).index(name) for name in TRADES}


class Difference(AssertionError):  # noqa: N818 - what the comparison is for
    """The two exchanges disagree, or both break an invariant."""


class Wealth(NamedTuple):
    """An account's equity, and whether it holds any position."""

    equity: int
    holds: bool


def _wealth(world: World, account: Account) -> Wealth:
    return Wealth(equity(world, account), any(position.lots for position in account.positions.values()))


def picked(name: str, row: Row) -> Row:
    """The columns of a row that the model knows."""
    found = _PICK[name](row)
    return found if len(COLUMNS[name]) > 1 else (found,)


class Service(HandlerBench[MatchingState]):
    """The real exchange, with its tables as the model knows them."""

    def __init__(self) -> None:
        super().__init__(SERVICE.fold, START)
        self.seen: dict[str, Rows] = {name: {} for name in COLUMNS}
        self.fills: Counter[tuple[str, str]] = Counter()
        self.entries: Counter[str] = Counter()
        self.views: dict[str, BookView] = {}
        self.changes_told = 0

    def do(self, command: Message, at: int) -> tuple[list[Message], str | None, Changes]:
        """One command and one commit: its events, the reason if it is a dead letter, and what was written."""
        events: list[Message] = []
        reason = None
        self.effects.emitted.clear()
        try:
            events = self._heard(self.take(command, seq=self.effects.seq + 1, at=at))
        except Reject as verdict:
            events, reason = self._heard(self.effects.emitted), verdict.reason
        except SourceGap:
            self.state = self.restored()
            raise
        changes = self.repository.collect(self.state)
        self.schema.write(changes)
        self._see(changes)
        for event in events:
            if isinstance(event, PositionChanged | PositionSettled):
                self.fills[event.account, event.market] += event.fill_lots
        return events, reason, changes

    def _heard(self, said: Sequence[Message]) -> list[Message]:
        """The trading events; a subscriber of the books takes the rest, and never needs a snapshot after the first."""
        for change in said:
            if not isinstance(change, BookChanged):
                continue
            self.changes_told += 1
            if not self._view(change.market).apply(change):
                raise Difference(f"change {change.book_seq} of {change.market}'s book does not follow the last one")
        return [event for event in said if isinstance(event, TradingEvent)]

    def _view(self, market: str) -> BookView:
        if market not in self.views:
            self.views[market] = BookView(market)
            self.views[market].load({"book_seq": 0, "complete": True, "bids": [], "asks": []})
        return self.views[market]

    def _see(self, changes: Changes) -> None:
        for table, rows in changes.rows.items():
            seen = self.seen.get(table.name)
            if seen is not None:
                seen.update((table.key_of(row), picked(table.name, row)) for row in rows)
        for table, keys in changes.deletes.items():
            for key in keys:
                self.seen.get(table.name, {}).pop(key, None)

    def books(self) -> dict[str, list[tuple[int, int, int, int]]]:
        """The books in memory, as `expected.books` tells them."""
        return {
            f"{name} {side:+d}": [(o.order_id, o.price, o.remaining, o.shown) for o in market.book.half(side).orders()]
            for name, market in self.state.markets.items()
            for side in (1, -1)
        }

    def told(self) -> dict[str, list[tuple[int, int]]]:
        """The levels of the books as a subscriber has them."""
        return {
            f"{name} {side:+d}": list((view.bids if side > 0 else view.asks).levels())
            for name, view in ((name, self._view(name)) for name in self.state.markets)
            for side in (1, -1)
        }


def _levels(orders: list[tuple[int, int, int, int]]) -> list[tuple[int, int]]:
    lots: Counter[int] = Counter()
    for _, price, _, shown in orders:
        lots[price] += shown
    return list(lots.items())


class Pair:
    """The real exchange and the model, side by side."""

    def __init__(self) -> None:
        self.service, self.world = Service(), World(at=START)
        self.steps = 0
        self.outcomes: Counter[str] = Counter()
        self.wealth: dict[str, Wealth] = {}
        self.resting: dict[str, list[tuple[int, int, int, int]]] = {}

    def restart(self) -> None:
        """The service forgets all but its tables."""
        self.service.restart()

    def take(self, scripted: Scripted) -> None:
        """One step on both sides. Raises Difference."""
        self.steps += 1
        if scripted.command is None:
            self.world.at = scripted.at
            return
        command, at, world = scripted.command, scripted.at, self.world
        told = self.service.changes_told
        verdict = self._model(command, at)
        if verdict == "missing":
            self._same("a missing number", self._stops(command, at), True)
            return
        events, reason, changes = self.service.do(command, at)
        self._same("the verdict", reason, verdict)
        self._events(events)
        self._tables(changes)
        resting = books(world)
        self._same("the books", self.service.books(), resting)
        if self.service.changes_told > told or resting != self.resting:
            levels = {name: _levels(side) for name, side in resting.items()}
            self._same("the books as told", self.service.told(), levels)
        self.resting = resting
        refused = any(_is_refusal(event) for event in events) and not isinstance(command, SubmitOrders)
        if not world.passed and (reason is not None or refused):
            self._untouched(changes)
        self._invariants(command, changes)
        refused = reason is not None or any(map(_is_refusal, events))
        self.outcomes.update([reason or "", *(_outcome(event) for event in events)])
        self.outcomes[f"{command.type}: {'refused' if refused else 'done'}"] += 1

    def _model(self, command: Message, at: int) -> str | None:
        try:
            apply(self.world, command, at)
        except Refusal as refusal:
            return refusal.reason
        except Missing:
            return "missing"
        return None

    def _stops(self, command: Message, at: int) -> bool:
        try:
            self.service.do(command, at)
        except SourceGap:
            return True
        return False

    def _events(self, events: list[Message]) -> None:
        said = self.world.said
        self._same("the events", [event.type for event in events], [name for name, _ in said])
        for event, (name, body) in zip(events, said, strict=True):
            self._same(name, {field: getattr(event, field) for field in body}, body)

    def _tables(self, changes: Changes) -> None:
        for name, rows in EXPECTED.items():
            seen = self.service.seen[name]
            if name == "ledger_balances":
                seen = {key: row for key, row in seen.items() if row[0]}
            wanted = rows(self.world)
            if name == "counters":
                seen = {key: row for key, row in seen.items() if key in wanted}
            self._same(name, seen, wanted)
        written = {table.name: rows for table, rows in changes.rows.items()}
        trades = [{name: row[place] for name, place in _TRADE.items()} for row in written.get("trades", ())]
        self._same("trades", trades, self.world.trades)
        self._same("transfers", [tuple(row) for row in written.get("transfers", ())], self.world.transfers)
        self._same("moves", [tuple(row) for row in written.get("own_vault_moves", ())], self.world.vault_moves)
        tables = self.service.tables
        self._same("applied ids", len(tables["applied_ids"]), len(self.world.applied))
        self._same("new ids", [row for row in written.get("applied_ids", ()) if row not in self.world.applied], [])
        names = {(account.name, name) for account in self.world.accounts.values() for name in account.names}
        self._same("client order ids", tables["client_order_ids"].keys(), names)

    def _untouched(self, changes: Changes) -> None:
        """A refusal writes nothing but that it was given, when, and counts."""
        names = {table.name for table in [*changes.rows, *changes.deletes]}
        self._same(
            "what a refusal writes", names - {"applied_ids", "command_sources", "order_attempts", "order_times"}, set()
        )

    def _invariants(self, command: Message, changes: Changes) -> None:
        """What holds whoever is right: on the service's own rows."""
        service, world = self.service, self.world
        balances = {key[0]: row[0] for key, row in service.seen["ledger_balances"].items()}
        sums = Counter[str]()
        for units, asset in service.seen["ledger_balances"].values():
            sums[asset] += units
        self._same("the sums of all assets", _without_zeros(sums), {})
        for table, rows in changes.rows.items():
            if table.name == "ledger_entries":
                legs = Counter[str]()
                for row in rows:
                    legs[row[7]] += row[3]
                    service.entries[row[2]] += row[3]
                self._same("the legs", _without_zeros(legs), {})
        self._same(
            "balances and legs",
            {k: v for k, v in service.entries.items() if v},
            {k: v for k, v in balances.items() if v},
        )
        lots = {key: row[0] for key, row in service.seen["positions"].items()}
        self._same("positions and fills", lots, _without_zeros(service.fills))
        for name in world.markets:
            self._same("longs and shorts", sum(held for (_, market), held in lots.items() if market == name), 0)
            bid, ask = world.best(name, 1), world.best(name, -1)
            crossed = bid is not None and ask is not None and bid >= ask
            self._same("a crossed book", crossed and world.markets[name].matches, False)
            owed = sum(a.positions[name].funding for a in world.accounts.values() if name in a.positions)
            self._same("the funding pot", balances.get(f"funding:{name}", 0), owed)
            self._same("an overdrawn fund", balances.get(f"insurance:{name}", 0) < 0, False)
        before = self.wealth
        self.wealth = {name: _wealth(world, account) for name, account in world.accounts.items()}
        if not isinstance(command, MOVERS):
            self._collateral(command, before)

    def _collateral(self, command: Message, before: Mapping[str, Wealth]) -> None:
        """No account falls below zero by its own orders, by anybody's, by a liquidation or by a withdrawal.

        Only a liquidation leaves a debt where no position is left, and says so: the declared deficit; and selling what
        counts for more than it brings costs the difference.
        """
        for name, account in self.world.accounts.items():
            had, has = before.get(name, Wealth(0, False)), self.wealth[name]
            left = has.equity + self.world.conceded[name]
            if left < min(0, had.equity) and name not in RESERVED:
                raise Difference(f"{name}: equity fell from {had.equity} to {has.equity} by a {command.type}")
            closed_in_debt = had.holds and not has.holds and left < 0
            if closed_in_debt and not isinstance(command, LiquidateAccount | RequestLiquidation):
                raise Difference(f"{name}: a debt of {-account.cash} is left by a {command.type}")
            if isinstance(command, PAYERS) and left < had.equity and not self.world.batched:
                now = standing(self.world, account)
                self._same("a withdrawal below initial margin", now.equity - now.haircut < now.initial, False)
                self._same("cash that is not there", command.asset == SETTLEMENT and account.cash < 0, False)

    def _same(self, what: str, got: Any, wanted: Any) -> None:
        if got != wanted:
            raise Difference(f"{what}: {_short(got, wanted)}")


def _is_refusal(event: Message) -> bool:
    """A liquidation that is over when assets are sold has done something."""
    if event.type == "OrdersCanceled":
        return bool(getattr(event, "reason", "") != "canceled")
    return "Rejected" in event.type and getattr(event, "reason", "") != "collateral_sold"


def _without_zeros(numbers: Mapping[Any, int]) -> dict[Any, int]:
    return {name: number for name, number in numbers.items() if number}


def _outcome(event: Message) -> str:
    if isinstance(event, PositionChanged) and event.fee_quanta < 0:
        return f"{event.type} rebate"
    if isinstance(event, PositionChanged) and event.referral_quanta:
        return f"{event.type} referral"
    if isinstance(event, DepositProgressed | WithdrawalProgressed):
        return f"{event.type} {event.status}"
    if isinstance(event, CollateralSwapped):
        return f"{event.type} {event.kind}"
    reason = getattr(event, "reason", None) or getattr(event, "origin", None)
    return f"{event.type} {reason}" if reason else event.type


def _short(got: Any, wanted: Any) -> str:
    """Only what differs, of dictionaries and lists."""
    if isinstance(got, dict) and isinstance(wanted, dict):
        keys = sorted((key for key in {*got, *wanted} if got.get(key) != wanted.get(key)), key=repr)
        return "; ".join(f"{key} is {got.get(key)}, must be {wanted.get(key)}" for key in keys[:6])
    return f"is {got}, must be {wanted}"
