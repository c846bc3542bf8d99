"""Analytics know every account's cash after everything that matching can say about money."""

from cleartide.contracts import Message
from hypothesis import given, settings

from services.analytics.app import SERVICE
from services.analytics.domain.state import AnalyticsState
from services.matching.tests.money_flows import Step, bank, flows, perform
from tests.support.fold_bench import HandlerBench

HOUR = 3_600_000_000


class Statistics(HandlerBench[AnalyticsState]):
    """The analytics service, fed with what matching says; it stops on a quantum that it cannot explain."""

    def __init__(self) -> None:
        super().__init__(SERVICE.fold, 0)

    def hear(self, events: list[Message]) -> None:
        for event in events:
            if type(event) in SERVICE.fold.handlers:
                self.take(event, seq=event.seq, at=event.occurred_at)


@settings(max_examples=25, deadline=None)
@given(flows)
def test_every_span_adds_up_whatever_moves_money(steps: list[Step]) -> None:
    """ANA-DAY-001: equity moves by flows, pnl, funding and fees alone; cash is matching's after every event."""
    ex, statistics = bank(), Statistics()
    statistics.hear(ex.effects.emitted)
    for number, step in enumerate(steps):
        if number % 7 == 0:
            ex.wait(5 * HOUR)
        statistics.hear(perform(ex, step))
        if number % 10 == 0:
            statistics.restart()
        for name, account in statistics.state.ledger.accounts.items():
            assert account.cash == ex.state.accounts[name].cash.balance
    statistics.commit()
    for table in ("account_hours", "account_days"):
        for row in statistics.rows(table):
            moved = row["flows"] + row["pnl"] + row["funding"] - row["fees"]
            assert row["equity_end"] - row["equity_start"] == moved
