"""What the gateway remembers of risk alerts between two commits: every alert, and the newest one per account."""

from dataclasses import dataclass, field

from cleartide.contracts import RiskAlertRaised


@dataclass
class AlertFeed:
    """Alerts that were folded and not yet collected. Nothing older is kept: the table holds the feed."""

    raised: list[RiskAlertRaised] = field(default_factory=list)

    def add(self, alert: RiskAlertRaised) -> None:
        """Append one alert; alerts arrive in order of `seq`."""
        self.raised.append(alert)

    def drain(self) -> list[RiskAlertRaised]:
        """Everything added since the last call, in order."""
        drained, self.raised = self.raised, []
        return drained


def newest_per_account(alerts: list[RiskAlertRaised]) -> list[RiskAlertRaised]:
    """The last alert about each account's health, in order of account; `alerts` is in order of `seq`."""
    newest = {alert.account: alert for alert in alerts if alert.kind == "health"}
    return [newest[account] for account in sorted(newest)]
