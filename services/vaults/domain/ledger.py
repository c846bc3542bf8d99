"""What the chains' events add up to, whatever order they come in: prices of vaults, and owners' lines of days.

Everything here is a sum or a last-by-order over a set of events, so a late event changes what it is about and nothing
else. Amounts in smallest units of an asset, instants in microseconds UTC.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cleartide.rules.calendar import DAY_MICROS, day_of
from cleartide.rules.returns import day_return_1e12, weighted_flow


class EventKey(NamedTuple):
    """By what an event is known, for ever."""

    chain: str
    signature: str
    event_index: int


class Move(NamedTuple):
    """One event of one owner: what came in, went out, was kept, and how many shares changed hands or place.

    deposit: left the wallet, fee included. withdrawal: reached the wallet. staked: what of the shares went to the farm.
    """

    key: EventKey
    owner: str
    vault: str
    protocol: str
    asset: str
    slot: int
    block_time: int
    deposit: int = 0
    withdrawal: int = 0
    fee: int = 0
    shares: int = 0
    staked: int = 0


class Point(NamedTuple):
    """A vault's ledger at one instant. Points order by time, slot, index, and by signature where all else is equal."""

    block_time: int
    slot: int
    event_index: int
    signature: str
    chain: str
    assets: int
    shares: int
    virtual_assets: int
    virtual_shares: int

    def value(self, shares: int) -> int:
        """What shares are worth: floor(shares * (A + a) / (T + v)), domain rule R36; none, or fewer, nothing."""
        base = self.shares + self.virtual_shares
        return shares * (self.assets + self.virtual_assets) // base if shares > 0 and base > 0 else 0


@dataclass(slots=True)
class Prices:
    """A vault's points in order. Before the first of them the vault is valued at it.

    ends: what was found of days since the points last changed, for all holders ask for the same days.
    """

    points: list[Point] = field(default_factory=list)
    ends: dict[int, Point | None] = field(default_factory=dict, compare=False)

    def add(self, point: Point) -> None:
        """One more point, wherever it belongs."""
        insort(self.points, point)
        self.ends.clear()

    def remove(self, point: Point) -> None:
        """It was never there."""
        del self.points[bisect_left(self.points, point)]
        self.ends.clear()

    def at_end(self, day: int) -> Point | None:
        """The last point of a day or before it, else the first there is."""
        try:
            return self.ends[day]
        except KeyError:
            found = bisect_left(self.points, (day + DAY_MICROS,))
            point = self.ends[day] = self.points[max(found - 1, 0)] if self.points else None
            return point

    def reach(self, point: Point) -> tuple[int, int | None]:
        """Which days' ends this point decides: from (0 for all before it as well) to before (None for no end).

        Both as microseconds at midnight UTC.
        """
        place = bisect_left(self.points, point)
        after = self.points[place + 1] if place + 1 < len(self.points) else None
        return (day_of(point.block_time) if place else 0), day_of(after.block_time) if after else None


class DayRow(NamedTuple):
    """One line's day: equity_end - equity_start = deposits - withdrawals + earned - fees (R34); earned is the yield."""

    day: int
    equity_start: int
    equity_end: int
    deposits: int
    withdrawals: int
    fees: int
    earned: int
    return_1e12: int | None


def void(day: int) -> DayRow:
    """What is told of a day that was told and is now known to have held nothing."""
    return DayRow(day, 0, 0, 0, 0, 0, 0, None)


@dataclass(slots=True)
class Flows:
    """What moved in one day of a line; weighted: flows by the part of the day still to come (domain section 15.3).

    `events` says how many events that is about.
    """

    deposits: int = 0
    withdrawals: int = 0
    fees: int = 0
    weighted: int = 0
    events: int = 0


@dataclass(slots=True)
class Line:
    """One owner with one protocol and asset. number: order of first appearance, from 1, in which days are closed."""

    owner: str
    protocol: str
    asset: str
    number: int
    flows: dict[int, Flows] = field(default_factory=dict)
    shares: dict[str, dict[int, int]] = field(default_factory=dict)

    def apply(self, move: Move, sign: int) -> None:
        """Count a move in (sign 1) or out again (sign -1), on the UTC day of its block (domain rule R34)."""
        day = day_of(move.block_time)
        flows = self.flows.setdefault(day, Flows())
        flows.deposits += sign * move.deposit
        flows.withdrawals += sign * move.withdrawal
        flows.fees += sign * move.fee
        flows.weighted += sign * weighted_flow(move.deposit - move.withdrawal, move.block_time)
        flows.events += sign
        if move.shares:
            held = self.shares.setdefault(move.vault, {})
            held[day] = held.get(day, 0) + sign * move.shares

    def held_before(self, day: int) -> dict[str, int]:
        """Shares per vault at the beginning of a day."""
        held = {}
        for vault, changes in self.shares.items():
            shares = 0
            for when, change in changes.items():
                if when < day:
                    shares += change
            held[vault] = shares
        return held

    def first_day(self) -> int:
        """The first day of which anything is known."""
        return min(self.flows, default=0)

    def equity_at_end(self, day: int, prices: Mapping[str, Prices]) -> int:
        """What all its shares are worth at the end of a day, each vault's part floored (domain rule R36)."""
        return _worth(self.held_before(day + DAY_MICROS), day, prices)

    def rows(self, first: int, last: int, prices: Mapping[str, Prices]) -> Iterator[DayRow]:
        """The days from first to last on which it moved or held something, each by the identity of R34."""
        first = max(first, self.first_day())
        held = self.held_before(first)
        start = _worth(held, first - DAY_MICROS, prices)
        for day in range(first, last + 1, DAY_MICROS):
            flows = self.flows.get(day)
            before = any(held.values())
            if flows is not None:
                for vault, changes in self.shares.items():
                    held[vault] += changes.get(day, 0)
            end = _worth(held, day, prices)
            if before or (flows is not None and flows.events):
                yield _row(day, start, end, flows or Flows())
            start = end


def _worth(held: Mapping[str, int], day: int, prices: Mapping[str, Prices]) -> int:
    total = 0
    for vault, shares in held.items():
        point = prices[vault].at_end(day) if shares > 0 and vault in prices else None
        total += point.value(shares) if point is not None else 0
    return total


def _row(day: int, start: int, end: int, flows: Flows) -> DayRow:
    """The yield is what R34 leaves: E1 - E0 - deposits + withdrawals + fees; the return is that of R35."""
    net = flows.deposits - flows.withdrawals
    return DayRow(
        day=day,
        equity_start=start,
        equity_end=end,
        deposits=flows.deposits,
        withdrawals=flows.withdrawals,
        fees=flows.fees,
        earned=end - start - net + flows.fees,
        return_1e12=day_return_1e12(start, end, net, flows.weighted),
    )
