"""How many orders an account sends: the caps of its tier, in rolling windows of sequenced time."""

from services.matching.domain.errors import Refused
from services.matching.domain.venue.record import NO_CAPS, NO_TERMS, Venue
from services.matching.domain.venue.tallies import DAY, HOUR, MINUTE


def take_place(venue: Venue, account: str, at: int) -> None:
    """Note an order at `at`, or raise Refused where one of the windows that end now is full.

    A window is half open: what came exactly a minute ago is out of the minute. An order that a later check refuses has
    its place; one that is refused here has none, so waiting always helps. Sub-accounts share their parent's windows.
    """
    tier = venue.tiers.get(venue.terms.get(account, NO_TERMS).tier, NO_CAPS)
    if tier == NO_CAPS:
        return
    windows = [
        (cap, span, reason)
        for cap, span, reason in (
            (tier.per_minute, MINUTE, "rate_minute"),
            (tier.per_hour, HOUR, "rate_hour"),
            (tier.per_day, DAY, "rate_day"),
        )
        if cap is not None
    ]
    times = venue.order_times
    times.forget(account, at - max(span for _, span, _ in windows))
    for cap, span, reason in windows:
        if times.count_reaches(account, cap, at - span):
            raise Refused(reason)
    times.add(account, at)
