"""Who may not be recorded, and what is to be written. Everything else that there is to know is in the tables."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cleartide.contracts.product import ProductEvent

from services.product.domain.events import Told, told_by

MOST_LATE_MICROS: Final = 7 * 86_400_000_000
"""An event may come a week after it happened: clients keep what they could not send."""
MOST_AHEAD_MICROS: Final = 10 * 60 * 1_000_000


class Recorded(NamedTuple):
    """An event that is to be kept, and where in the stream it stands."""

    event: ProductEvent
    told: Told
    place: int


@dataclass
class ProductState:
    """choices: by person and place in the stream, whether recording was allowed from there on; the last one holds.
    erased: when and where pseudonyms were erased, under which nothing is recorded any more.
    """

    choices: dict[str, dict[int, bool]] = field(default_factory=dict)
    erased: dict[str, tuple[int, int]] = field(default_factory=dict)
    recorded: list[Recorded] = field(default_factory=list)
    chosen: list[tuple[str, int]] = field(default_factory=list)
    to_erase: list[str] = field(default_factory=list)

    def records(self, person: str) -> bool:
        """Whether anything may be recorded under this pseudonym."""
        return person not in self.erased and self._allowed(person)

    def _allowed(self, person: str) -> bool:
        chosen = self.choices.get(person)
        return chosen is None or chosen[max(chosen)]

    def record(self, event: ProductEvent, place: int) -> None:
        """Keep an event."""
        self.recorded.append(Recorded(event, told_by(event), place))

    def allow(self, person: str, allowed: bool, place: int) -> None:
        """Switch recording on or off; the same again changes nothing."""
        if allowed == self._allowed(person) or person in self.erased:
            return
        self.choices.setdefault(person, {})[place] = allowed
        if (person, place) not in self.chosen:
            self.chosen.append((person, place))

    def erase(self, person: str, at: int, place: int) -> None:
        """Forget a person: also what was told in this very batch. What the pseudonym chose before stays: a fold that
        begins between the choice and the erasure has to pass over the same.
        """
        if person in self.erased:
            return
        self.erased[person] = (at, place)
        self.to_erase.append(person)
        self.recorded = [entry for entry in self.recorded if entry.event.person != person]


def too_late(happened_at: int, at: int) -> bool:
    """Both in microseconds: whether it happened longer ago than a client may keep it."""
    return happened_at < at - MOST_LATE_MICROS


def too_early(happened_at: int, at: int) -> bool:
    """Both in microseconds: whether the client's clock is ahead beyond what we bear."""
    return happened_at > at + MOST_AHEAD_MICROS
