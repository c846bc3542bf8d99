"""The gateway's tables: the alert feed and every account's current level."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from cleartide.contracts.codec import encode
from cleartide.fold import Changes, Repository, Row, Table

from services.gateway.domain.feed import AlertFeed, Entry, markets_of, newest_per_account

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
        "rule": "text",
        "markets": "text",
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


ALERT_SOURCES = Table(
    "alert_sources",
    key=("source",),
    columns={"source": "text", "told_seq": "bigint"},
)


class AlertRepository(Repository[AlertFeed]):
    """Feed rows out; only how far each source has told is loaded back, as no alert depends on an earlier one."""

    tables: ClassVar[tuple[Table, ...]] = (ALERT_FEED, ALERT_ACCOUNT_STATE, ALERT_SOURCES)

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> AlertFeed:
        """A feed that waits for the next alert."""
        return AlertFeed(dict(rows.get(ALERT_SOURCES.name, ())))

    def collect(self, state: AlertFeed) -> Changes:
        """One feed row per alert, one state row per account that had any, and the last of each source."""
        changes = Changes()
        entries = state.drain()
        if entries:
            changes.put_all(ALERT_FEED, map(_feed_row, entries))
            changes.put_all(ALERT_ACCOUNT_STATE, map(_state_row, newest_per_account(entries)))
            told = {entry.alert.source: entry.alert.seq for entry in entries}
            changes.put_all(ALERT_SOURCES, sorted(told.items()))
        return changes


def _feed_row(entry: Entry) -> Row:
    alert = entry.alert
    payload = encode(alert).decode()
    named = (entry.seq, alert.account, alert.level, alert.account_seq, alert.occurred_at)
    return (*named, payload, getattr(alert, "rule", ""), " ".join(sorted(markets_of(alert))))


def _state_row(entry: Entry) -> Row:
    alert = entry.alert
    return (
        alert.account,
        entry.seq,
        alert.level,
        alert.account_seq,
        alert.occurred_at,
        alert.health_factor,
        alert.equity,
        alert.maintenance_margin,
    )
