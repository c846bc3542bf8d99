"""The row of checks, in its order; the first that fails answers the order.

    fields -> account -> rate -> risk -> market -> margin -> position

`fields` is read where the order comes in; the others are here. A check refuses before anything has changed, but for two
notes that refused orders leave as well: that there was an attempt, and its place in the rate windows.
"""

from collections.abc import Mapping
from typing import Final

from services.matching.domain.acceptance import checks
from services.matching.domain.acceptance.rates import take_place
from services.matching.domain.draft import Draft
from services.matching.domain.state import MatchingState

REASONS: Final[Mapping[str, tuple[str, ...]]] = {
    "fields": (),
    "account": (
        "unknown_account",
        "not_permitted",
        "isolated_market",
        "account_suspended",
        "account_reduce_only",
        "too_many_orders",
        "too_many_conditional_orders",
    ),
    "rate": ("rate_minute", "rate_hour", "rate_day"),
    "risk": (
        "below_min_size",
        "above_max_size",
        "notional_cap",
        "balance_cap",
        "leverage_cap",
        "daily_loss",
        "price_band",
    ),
    "market": (
        "kill_switch",
        "maintenance",
        "market_post_only",
        "market_auction",
        "market_reduce_only",
        "market_halted",
        "market_delisting",
        "market_delisted",
        "batched_only",
        "no_mark_price",
        "index_stale",
        "post_only_would_cross",
        "fok_not_fillable",
    ),
    "margin": ("reduce_only", "insufficient_margin"),
    "position": ("position_cap", "position_limit"),
}
"""Every check with its reasons, in order; `fields` has all that are not named here."""
CHECK_OF: Final = {reason: check for check, reasons in REASONS.items() for reason in reasons}
ACCEPTED: Final = "accepted"


def authorize(state: MatchingState, draft: Draft, at: int) -> bool:
    """Pass every check or raise Refused. True: not funded in full, so each fill is to be checked by itself (3.11)."""
    checks.account(state, draft)
    take_place(state.venue, draft.account.root, at)
    checks.risk(state, draft, at)
    checks.market(state, draft, at)
    guarded = checks.margin(draft)
    checks.position(state, draft)
    return guarded


def authorize_waiting(state: MatchingState, draft: Draft, at: int) -> None:
    """Of an order that waits for a price: what does not depend on when that comes. Raises Refused."""
    checks.account(state, draft)
    take_place(state.venue, draft.account.root, at)
    checks.size(draft)
    checks.openness(state, draft)
    checks.batched(draft)


def authorize_triggered(state: MatchingState, draft: Draft, at: int) -> bool:
    """The row for an order whose price has come: it was counted when it was armed. As `authorize` otherwise."""
    checks.standing(state, draft)
    checks.risk(state, draft, at)
    checks.market(state, draft, at)
    guarded = checks.margin(draft)
    checks.position(state, draft)
    return guarded


def require_open(state: MatchingState, draft: Draft, at: int) -> None:
    """Of an order that goes on taking: what venue, market and account allow now. Raises Refused."""
    checks.standing(state, draft)
    checks.market(state, draft, at)


def note_attempt(state: MatchingState, market: str, reason: str = "") -> None:
    """Count an order by what became of it; markets that are not listed are counted as one."""
    check = CHECK_OF.get(reason, "fields") if reason else ACCEPTED
    key = (market if market in state.markets else "", check, reason)
    venue = state.venue
    venue.attempts[key] = venue.attempts.get(key, 0) + 1
    venue.touched_attempts.add(key)
