"""Analytics know every account's cash after everything that matching can say about money."""

from cleartide.contracts import Message
from cleartide.contracts.vaults import VaultTerms
from hypothesis import given, settings

from services.analytics.app import SERVICE
from services.analytics.domain.state import AnalyticsState
from services.earnings.app import SERVICE as EARNINGS
from services.earnings.domain.state import EarningsState
from services.matching.tests.money_flows import Step, bank, flows, perform
from services.matching.tests.test_own_vaults_property import House, steps, terms
from services.matching.tests.test_own_vaults_property import Step as VaultStep
from services.matching.tests.test_own_vaults_property import perform as ask_vault
from tests.support.fold_bench import HandlerBench

HOUR = 3_600_000_000
SHARED = ("account", "start", "equity_start", "equity_end", "flows", "pnl", "funding", "fees", "earned")
SHARED_QUANTA = ("account", "day", *(f"{name}_quanta" for name in SHARED[2:-1]), "yield_quanta")


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
            moved = row["flows"] + row["pnl"] + row["funding"] - row["fees"] + row["earned"]
            assert row["equity_end"] - row["equity_start"] == moved


@settings(max_examples=40, deadline=None)
@given(terms, steps)
def test_days_of_holders_of_vaults_are_those_of_earnings(promised: VaultTerms, script: list[VaultStep]) -> None:
    """ANA-VAULT-005: two folds, one of which closes hours, tell the same days of everybody, the strategy as well."""
    ex, statistics, books = House(**promised.model_dump()), Statistics(), HandlerBench[EarningsState](EARNINGS.fold, 0)
    for number, step in enumerate(script):
        ask_vault(ex, step)
        if number % 5 == 4:
            ex.wait(7 * HOUR)
            ex.price(f"{ex.mark:.1f}")
    ex.wait(24 * HOUR)
    ex.price(f"{ex.mark:.1f}")
    ex.price(f"{ex.mark:.1f}")
    for number, event in enumerate(ex.effects.emitted):
        if type(event) in EARNINGS.fold.handlers:
            books.take(event, seq=event.seq, at=event.occurred_at)
        statistics.hear([event])
        if number % 40 == 0:
            statistics.restart()
    for bench in (statistics, books):
        bench.commit()
    days = [tuple(row[name] for name in SHARED) for row in statistics.rows("account_days")]
    told = [tuple(row[name] for name in SHARED_QUANTA) for row in books.rows("earnings_days")]
    assert days
    assert sorted(days) == sorted(told)
