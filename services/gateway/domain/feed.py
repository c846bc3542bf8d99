"""What the gateway remembers of risk alerts: how far each of risk's pools has told, and what is yet to be written."""

from dataclasses import dataclass, field
from typing import NamedTuple

from cleartide.contracts import RiskAlertRaised
from cleartide.contracts.risk import AlertRaised


class Entry(NamedTuple):
    """An alert and its number in the feed."""

    seq: int
    alert: AlertRaised


@dataclass
class AlertFeed:
    """Alerts that were folded and not yet collected; nothing older is kept: the table holds the feed.

    told: the last number of each pool. Each numbers its own without gaps, so that one which is told again is known, and
    the sum of the numbers is the feed's own: with one pool the alert's.
    """

    told: dict[str, int] = field(default_factory=dict)
    raised: list[Entry] = field(default_factory=list)

    def add(self, alert: AlertRaised) -> None:
        """Append one alert under the feed's next number."""
        if alert.seq > self.told.get(alert.source, 0):
            self.told[alert.source] = alert.seq
            self.raised.append(Entry(sum(self.told.values()), alert))

    def drain(self) -> list[Entry]:
        """Everything added since the last call, in order."""
        drained, self.raised = self.raised, []
        return drained


def markets_of(alert: AlertRaised) -> set[str]:
    """The market that an alert is of, and those of the positions that it was computed from."""
    own = getattr(alert, "market", None)
    return {position.market for position in alert.inputs} | ({own} if own else set())


def newest_per_account(entries: list[Entry]) -> list[Entry]:
    """The last alert about each account's health, in order of account; `entries` are in order of `seq`."""
    newest = {
        entry.alert.account: entry
        for entry in entries
        if isinstance(entry.alert, RiskAlertRaised) and entry.alert.kind == "health"
    }
    return [newest[account] for account in sorted(newest)]
