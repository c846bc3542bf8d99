"""A tape of venue statuses: the smallest service on a stream whose messages age out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cleartide.bus.folder import Fold
from cleartide.bus.streams import MARKET
from cleartide.contracts import VenueStatus
from cleartide.fold import Changes, Effects, Repository, Row, Table

STATUSES = Table("statuses", key=("seq",), columns={"seq": "bigint"}, write="append", load=False)
TAPE_MIGRATION: Final = "-- migrate:up\nCREATE TABLE statuses (seq bigint PRIMARY KEY);\n"


@dataclass
class TapeState:
    """What was heard since the last collection."""

    heard: list[Row] = field(default_factory=list)


def on_status(state: TapeState, _event: VenueStatus, effects: Effects) -> None:
    """Note the message's place in the stream."""
    state.heard.append((effects.seq,))


class TapeRepository(Repository[TapeState]):
    """Every place once."""

    tables = (STATUSES,)

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> TapeState:
        """Nothing is held in memory."""
        return TapeState()

    def collect(self, state: TapeState) -> Changes:
        """New notes."""
        changes = Changes()
        changes.put_all(STATUSES, state.heard)
        state.heard = []
        return changes


TAPE: Final = Fold("ingestor", MARKET, {VenueStatus: on_status}, TapeRepository())


def status(number: int) -> VenueStatus:
    """The n-th status of a venue."""
    return VenueStatus(
        id=f"s{number}",
        occurred_at=number,
        source="ingestor",
        venue="v",
        symbol="S",
        venue_time=number,
        received_at=number,
        venue_seq=number,
        status="synced",
    )
