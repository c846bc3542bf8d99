"""Who may not be recorded, and what is to be written. Everything else that there is to know is in the tables."""

from dataclasses import dataclass, field
from typing import Final

from cleartide.contracts.product import ProductEvent

from services.product.domain.events import Told, told_by

MOST_LATE_MICROS: Final = 7 * 86_400_000_000
"""An event may come a week after it happened: clients keep what they could not send."""
MOST_AHEAD_MICROS: Final = 10 * 60 * 1_000_000


@dataclass
class ProductState:
    """silent: persons who have switched recording off. erased: pseudonyms under which nothing is recorded any more."""

    silent: set[str] = field(default_factory=set)
    erased: dict[str, int] = field(default_factory=dict)
    recorded: list[tuple[ProductEvent, Told]] = field(default_factory=list)
    switched: dict[str, bool] = field(default_factory=dict)
    to_erase: list[str] = field(default_factory=list)

    def records(self, person: str) -> bool:
        """Whether anything may be recorded under this pseudonym."""
        return person not in self.silent and person not in self.erased

    def record(self, event: ProductEvent) -> None:
        """Keep an event."""
        self.recorded.append((event, told_by(event)))

    def allow(self, person: str, allowed: bool) -> None:
        """Switch recording on or off; the same again changes nothing."""
        if allowed == (person not in self.silent) or person in self.erased:
            return
        (self.silent.discard if allowed else self.silent.add)(person)
        self.switched[person] = allowed

    def erase(self, person: str, at: int) -> None:
        """Forget a person: also what was told in this very batch, and that recording was off."""
        if person in self.erased:
            return
        self.allow(person, True)
        self.erased[person] = at
        self.to_erase.append(person)
        self.recorded = [entry for entry in self.recorded if entry[0].person != person]


def too_late(happened_at: int, at: int) -> bool:
    """Both in microseconds: whether it happened longer ago than a client may keep it."""
    return happened_at < at - MOST_LATE_MICROS


def too_early(happened_at: int, at: int) -> bool:
    """Both in microseconds: whether the client's clock is ahead beyond what we bear."""
    return happened_at > at + MOST_AHEAD_MICROS
