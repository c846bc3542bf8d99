"""The gateway's tables: the alert feed and every account's current level."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from cleartide.contracts import RiskAlertRaised
from cleartide.contracts.codec import encode
from cleartide.fold import Changes, Repository, Row, Table

from services.gateway.domain.feed import AlertFeed, newest_per_account

ALERT_FEED = Table(
    "alert_feed",
    key=("seq",),
    columns={
        "seq": "bigint",
        "account": "text",
        "level": "text",
        "account_seq": "bigint",
        "occurred_at": "bigint",
        "payload": "text",
    },
    write="ignore",
    load=False,
)
ALERT_ACCOUNT_STATE = Table(
    "alert_account_state",
    key=("account",),
    columns={
        "account": "text",
        "seq": "bigint",
        "level": "text",
        "account_seq": "bigint",
        "occurred_at": "bigint",
        "health_factor": "text",
        "equity": "text",
        "maintenance_margin": "text",
    },
    load=False,
)


class AlertRepository(Repository[AlertFeed]):
    """Feed rows out; nothing is loaded back, because no alert depends on an earlier one."""

    tables: ClassVar[tuple[Table, ...]] = (ALERT_FEED, ALERT_ACCOUNT_STATE)

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> AlertFeed:
        """A feed that waits for the next alert."""
        assert not rows, "no table of the gateway is loaded"
        return AlertFeed()

    def collect(self, state: AlertFeed) -> Changes:
        """One feed row per alert, one state row per account that had any."""
        changes = Changes()
        alerts = state.drain()
        if alerts:
            changes.put_all(ALERT_FEED, map(_feed_row, alerts))
            changes.put_all(ALERT_ACCOUNT_STATE, map(_state_row, newest_per_account(alerts)))
        return changes


def _feed_row(alert: RiskAlertRaised) -> Row:
    payload = encode(alert).decode()
    return (alert.seq, alert.account, alert.level, alert.account_seq, alert.occurred_at, payload)


def _state_row(alert: RiskAlertRaised) -> Row:
    return (
        alert.account,
        alert.seq,
        alert.level,
        alert.account_seq,
        alert.occurred_at,
        alert.health_factor,
        alert.equity,
        alert.maintenance_margin,
    )
