"""From a client's event to its row; from a person's choice to what is recorded from then on."""

from typing import Final

from cleartide.contracts.product import CLIENT_EVENTS, PersonErased, ProductEvent, RecordingAllowed
from cleartide.fold import Effects, Handlers, Reject

from services.product.domain.state import ProductState, too_early, too_late


def on_event(state: ProductState, event: ProductEvent, effects: Effects) -> None:
    """Record it, if the person lets us. Who has switched recording off leaves no trace, not even a dead letter."""
    if not state.records(event.person):
        return
    if too_late(event.happened_at, effects.at):
        raise Reject("too_old", "it happened more than a week ago")
    if too_early(event.happened_at, effects.at):
        raise Reject("in_future", "it happened more than ten minutes from now")
    state.record(event, effects.seq)


def on_allowed(state: ProductState, event: RecordingAllowed, effects: Effects) -> None:
    """Record from here on, or no longer."""
    state.allow(event.person, event.allowed, effects.seq)


def on_erased(state: ProductState, event: PersonErased, effects: Effects) -> None:
    """Delete what was recorded."""
    state.erase(event.person, effects.at, effects.seq)


HANDLERS: Final[Handlers] = {
    **dict.fromkeys(CLIENT_EVENTS, on_event),
    RecordingAllowed: on_allowed,
    PersonErased: on_erased,
}
