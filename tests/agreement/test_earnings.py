"""Earnings' identity holds on everything that matching can say about money (domain rule R34)."""

from cleartide.contracts import EarningsDayRecorded, Message
from hypothesis import given, settings

from services.earnings.app import SERVICE
from services.earnings.domain.state import EarningsState
from services.matching.tests.money_flows import Step, bank, flows, perform
from tests.support.fold_bench import HandlerBench

HOUR = 3_600_000_000


class Books(HandlerBench[EarningsState]):
    """The earnings service, fed with what matching says; it stops on a quantum that it cannot explain."""

    def __init__(self) -> None:
        super().__init__(SERVICE.fold, 0)

    def hear(self, events: list[Message]) -> None:
        for event in events:
            if type(event) in SERVICE.fold.handlers:
                self.take(event, seq=event.seq, at=event.occurred_at)


@settings(max_examples=60, deadline=None)
@given(flows)
def test_every_day_adds_up_whatever_moves_money(steps: list[Step]) -> None:
    """EARN-FLOW-001: transfers, swaps, repayments, liquidations; cash is matching's after every event."""
    ex, books = bank(), Books()
    books.hear(ex.effects.emitted)
    for number, step in enumerate(steps):
        if number % 7 == 0:
            ex.wait(5 * HOUR)
        books.hear(perform(ex, step))
        if number % 10 == 0:
            books.restart()
        for name, account in books.state.accounts.items():
            assert account.cash == ex.state.accounts[name].cash.balance
    for said in books.effects.emitted:
        assert isinstance(said, EarningsDayRecorded)
        moved = said.flows_quanta + said.pnl_quanta + said.funding_quanta - said.fees_quanta
        assert said.equity_end_quanta - said.equity_start_quanta == moved
