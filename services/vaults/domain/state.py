"""The state of vaults: every event once, lines and prices made of them, and days closed, told and told again."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from cleartide.rules.calendar import DAY_MICROS, day_of, month_of, months_between

from services.vaults.domain.ledger import DayRow, EventKey, Line, Move, Point, Prices, void
from services.vaults.domain.months import Month

CLOSES_PER_EVENT: Final = 256
LineKey = tuple[str, str, str]


class VaultFacts(NamedTuple):
    """What never changes of a vault."""

    vault: str
    protocol: str
    asset: str


class PricePoint(NamedTuple):
    """A vault's point, with the vault and the event's key."""

    key: EventKey
    facts: VaultFacts
    point: Point


class Seen(NamedTuple):
    """A new event, with its place in the stream; `move` is what it moved, if it moved anything."""

    key: EventKey
    place: int
    kind: str
    vault: str
    owner: str
    slot: int
    block_time: int
    move: Move | None


class Report(NamedTuple):
    """What a vault reported beside its point. Rates in ppb, the price in quote quanta of one whole asset.

    status: None where it said none.
    """

    known: PricePoint
    lending_apy_ppb: int
    incentives_apy_ppb: int
    price_quanta: int | None
    decimals: int
    status: str | None


class Note(NamedTuple):
    """An event as it was told, for reading."""

    key: EventKey
    kind: str
    vault: str
    owner: str
    slot: int
    block_time: int
    body: str


class Brake(NamedTuple):
    """Somebody pulled a vault's brake or let it go."""

    key: EventKey
    vault: str
    slot: int
    block_time: int
    action: str


class Retraction(NamedTuple):
    """An event that is not on the chain; `place` is where the word of it stands in the stream."""

    key: EventKey
    place: int
    reason: str


@dataclass(slots=True)
class Cursor:
    """How far a chain has been read: the highest slot, its latest block, and when we got it; with counts."""

    slot: int = 0
    block_time: int = 0
    received_at: int = 0
    events: int = 0
    duplicates: int = 0
    late: int = 0


@dataclass(slots=True)
class Holding:
    """One owner in one vault, since the beginning. All sums, so the order of events does not matter."""

    shares: int = 0
    staked: int = 0
    deposited: int = 0
    withdrawn: int = 0
    fees: int = 0
    moves: int = 0


class ToldDay(NamedTuple):
    """A row as it was told."""

    line: Line
    revision: int
    row: DayRow


class VaultsState:
    """Everything known of chains, vaults and owners. `touched_*` name what the repository has to write.

    touched_months: with whether days before the last one were told again.
    """

    def __init__(self) -> None:
        self.day = 0
        self.previous = 0
        self.swept = 0
        self.moves: dict[EventKey, Move] = {}
        self.points: dict[EventKey, PricePoint] = {}
        self.others: set[EventKey] = set()
        self.retracted: set[EventKey] = set()
        self.vaults: dict[str, VaultFacts] = {}
        self.decimals: dict[str, int] = {}
        self.lines: dict[LineKey, Line] = {}
        self.numbered: list[Line] = []
        self.prices: dict[str, Prices] = {}
        self.holders: dict[str, dict[LineKey, Line]] = {}
        self.holdings: dict[tuple[str, str], Holding] = {}
        self.months: dict[tuple[LineKey, int], Month] = {}
        self.cursors: dict[str, Cursor] = {}
        self.told: list[ToldDay] = []
        self.published = 0
        self.touched_clock = False
        self.touched_cursors: set[str] = set()
        self.touched_months: dict[tuple[LineKey, int], bool] = {}
        self.touched_holdings: set[tuple[str, str]] = set()
        self.new_lines: list[Line] = []
        self.seen: list[Seen] = []
        self.reports: list[Report] = []
        self.notes: list[Note] = []
        self.brakes: list[Brake] = []
        self.retractions: list[Retraction] = []

    def knows(self, key: EventKey) -> bool:
        """Whether this event was counted already."""
        return key in self.moves or key in self.points or key in self.others

    def advance(self, block_time: int) -> None:
        """Let the chains' time reach `block_time`: a later day closes the ones before it, in bounded steps.

        At most CLOSES_PER_EVENT lines close with one event; what is then left closes when yet another day begins.
        """
        day = day_of(block_time)
        if day > self.day:
            self._sweep(len(self.numbered))
            self.previous, self.day, self.swept = self.day or day, day, 0
            self.touched_clock = True
        self._sweep(CLOSES_PER_EVENT)

    def closed_through(self, line: Line) -> int:
        """The day from which on this line's days have not been told."""
        return self.day if line.number <= self.swept else self.previous

    def move(self, move: Move, seq: int) -> None:
        """Count an owner's event. seq: the place of its message, the revision of days that it changes."""
        self.moves[move.key] = move
        self.know(move.vault, move.protocol, move.asset)
        if move.key not in self.retracted:
            self._count(move, 1, seq)

    def price(self, known: PricePoint, seq: int) -> None:
        """A vault's ledger at an instant."""
        self.points[known.key] = known
        self.know(*known.facts)
        if known.key not in self.retracted:
            self._place(known, seq, there=True)

    def note(self, key: EventKey) -> None:
        """An event that moves no money: it only counts once."""
        self.others.add(key)

    def retract(self, key: EventKey, seq: int, reason: str) -> None:
        """An event is not on the chain, whether it has been told already or comes later."""
        if key in self.retracted:
            return
        self.retracted.add(key)
        self.retractions.append(Retraction(key, seq, reason))
        if key in self.moves:
            self._count(self.moves[key], -1, seq)
        elif key in self.points:
            self._place(self.points[key], seq, there=False)

    def line(self, owner: str, protocol: str, asset: str) -> Line:
        """The line of these three; made on first sight."""
        key = (owner, protocol, asset)
        known = self.lines.get(key)
        if known is None:
            known = self.lines[key] = Line(owner, protocol, asset, len(self.numbered) + 1)
            self.numbered.append(known)
            self.new_lines.append(known)
        return known

    def know(self, vault: str, protocol: str, asset: str) -> None:
        """A vault's protocol and asset, as they were first told."""
        if vault:
            self.vaults.setdefault(vault, VaultFacts(vault, protocol, asset))

    def _count(self, move: Move, sign: int, seq: int) -> None:
        line = self.line(move.owner, move.protocol, move.asset)
        first, last = day_of(move.block_time), self.closed_through(line) - DAY_MICROS
        before = {row.day: row for row in line.rows(first, last, self.prices)}
        self.take(move, sign)
        self._tell_changed(line, before, line.rows(first, last, self.prices), seq)

    def take(self, move: Move, sign: int) -> None:
        """Count a move in or out, and tell nobody."""
        line = self.line(move.owner, move.protocol, move.asset)
        line.apply(move, sign)
        if move.vault:
            if move.shares:
                self.holders.setdefault(move.vault, {})[move.owner, move.protocol, move.asset] = line
            key = (move.owner, move.vault)
            held = self.holdings.setdefault(key, Holding())
            held.shares += sign * move.shares
            held.staked += sign * move.staked
            held.deposited += sign * move.deposit
            held.withdrawn += sign * move.withdrawal
            held.fees += sign * move.fee
            held.moves += sign
            self.touched_holdings.add(key)

    def add_point(self, vault: str, point: Point) -> None:
        """Put a point among a vault's prices, and tell nobody."""
        self.prices.setdefault(vault, Prices()).add(point)

    def _place(self, known: PricePoint, seq: int, *, there: bool) -> None:
        """Put a vault's point in or take it out; the closed days that it decides are told again for every holder."""
        vault, point = known.facts.vault, known.point
        if there:
            self.add_point(vault, point)
        prices = self.prices[vault]
        first, after = prices.reach(point)
        was = None
        if first < self.day and first != after:
            was = {**self.prices, vault: Prices(prices.points.copy())}
            if there:
                was[vault].remove(point)
        if not there:
            prices.remove(point)
        if was is None:
            return
        holders = self.holders.get(vault, {})
        for line in sorted(holders.values(), key=lambda line: line.number):
            last = self.closed_through(line) - DAY_MICROS
            last = last if after is None else min(last, after)
            if first <= last:
                before = {row.day: row for row in line.rows(first, last, was)}
                self._tell_changed(line, before, line.rows(first, last, self.prices), seq)

    def _tell_changed(self, line: Line, before: dict[int, DayRow], now: Iterator[DayRow], seq: int) -> None:
        rows = {row.day: row for row in now}
        for day in sorted(before.keys() | rows.keys()):
            old, new = before.get(day), rows.get(day, void(day))
            if old != new:
                self._tell_again(line, seq, old, new)

    def _sweep(self, count: int) -> None:
        upto = min(len(self.numbered), self.swept + count)
        for line in self.numbered[self.swept : upto]:
            key = (line.owner, line.protocol, line.asset)
            for row in line.rows(self.previous, self.day - DAY_MICROS, self.prices):
                self.told.append(ToldDay(line, 0, row))
                month = (key, month_of(row.day))
                self._month(month).end_with(row)
                self.touched_months.setdefault(month, False)
        if upto != self.swept:
            self.swept, self.touched_clock = upto, True

    def _tell_again(self, line: Line, revision: int, old: DayRow | None, new: DayRow) -> None:
        """A day before the last one: where its month begins and ends has to be looked up again."""
        self.told.append(ToldDay(line, revision, new))
        month = ((line.owner, line.protocol, line.asset), month_of(new.day))
        sums = self._month(month)
        if old is not None:
            sums.count(old, -1)
        sums.count(new, 1)
        self.touched_months[month] = True

    def _month(self, month: tuple[LineKey, int]) -> Month:
        known = self.months.get(month)
        if known is None:
            known = self.months[month] = Month()
        return known

    def settle_months(self) -> None:
        """Set the ends of months whose days were told again: what a line was worth when the month began, and when its
        last closed day ended (R34), in smallest units.
        """
        for (key, month), again in self.touched_months.items():
            if again:
                line, sums, (start, end) = self.lines[key], self.months[key, month], months_between(month)
                last = min(end, max(self.closed_through(line), start)) - DAY_MICROS
                sums.equity_start = line.equity_at_end(start - DAY_MICROS, self.prices)
                sums.equity_end = line.equity_at_end(last, self.prices)
