"""Risk alerts -> the feed's rows. The gateway says nothing to others."""

from cleartide.contracts import RiskAlertRaised, RuleAlertRaised
from cleartide.fold import Effects, Handlers

from services.gateway.domain.feed import AlertFeed


def on_alert(feed: AlertFeed, event: RiskAlertRaised | RuleAlertRaised, _effects: Effects) -> None:
    """Every alert enters the feed once, under the number by which clients resume."""
    feed.add(event)


HANDLERS: Handlers = {RiskAlertRaised: on_alert, RuleAlertRaised: on_alert}
