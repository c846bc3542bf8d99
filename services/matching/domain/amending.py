"""Amending open orders."""

from cleartide.contracts import AmendTerms

from services.matching.domain.access import permits
from services.matching.domain.answers import Sender, reject
from services.matching.domain.canceling import find
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState


def amend(state: MatchingState, out: Output, sender: Sender, terms: AmendTerms) -> None:
    """Refused: an order that is not open, and so far every change."""
    if not permits(state, sender, "trade"):
        reject(out, sender, terms.client_order_id, "amend", "not_permitted")
        return
    known = find(state, sender, terms.client_order_id) is not None
    reject(out, sender, terms.client_order_id, "amend", "amend_not_supported" if known else "unknown_order")
