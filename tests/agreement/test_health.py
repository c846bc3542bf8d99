"""Risk's figures are matching's: whatever happens to money, positions, rules and prices, to the quantum."""

from cleartide.contracts import MarkPriceUpdated, Message
from hypothesis import given, settings

from services.matching.domain.margin import standing
from services.matching.tests.bank import PERCENT, Bank
from services.matching.tests.money_flows import Step, bank, flows, perform
from services.matching.tests.support import QUOTE
from services.risk.app import SERVICE
from services.risk.domain.health import margin_of
from services.risk.domain.state import RiskState
from tests.support.fold_bench import HandlerBench


class Watcher(HandlerBench[RiskState]):
    """The risk service, fed with what matching says."""

    def __init__(self) -> None:
        super().__init__(SERVICE.fold, 0)

    def hear(self, events: list[Message]) -> None:
        for event in events:
            if type(event) in SERVICE.fold.handlers:
                self.take(event, seq=event.seq, at=event.occurred_at)


def check(ex: Bank, watcher: Watcher, *, initial: bool) -> None:
    """Every account's equity and requirements. Initial margin follows open interest with the next price only."""
    for name, account in watcher.state.accounts.items():
        ours, theirs = margin_of(account), standing(ex.state.accounts[name])
        assert ours.equity_quanta == theirs.equity_quanta, name
        assert ours.maintenance_margin_quanta == theirs.maintenance_margin_quanta, name
        if initial:
            assert ours.initial_margin_quanta == theirs.initial_margin_quanta, name


def play(ex: Bank, steps: list[Step], restart_every: int) -> None:
    watcher = Watcher()
    watcher.hear(ex.effects.emitted)
    check(ex, watcher, initial=False)
    for number, step in enumerate(steps):
        events = perform(ex, step)
        watcher.hear(events)
        if number % restart_every == 0:
            watcher.restart()
        check(ex, watcher, initial=False)
        if any(isinstance(event, MarkPriceUpdated) for event in events):
            for market in ex.state.markets.values():
                told = watcher.state.markets[market.id]
                told.open_interest_lots = market.open_interest
            check(ex, watcher, initial=True)


@settings(max_examples=80, deadline=None)
@given(flows)
def test_health_is_the_same_in_both_services(steps: list[Step]) -> None:
    """RISK-COL-011: after every event, through restarts, with collateral, leverage and changed rules."""
    play(bank(), steps, restart_every=9)


@settings(max_examples=30, deadline=None)
@given(flows)
def test_initial_margin_follows_open_interest_in_both(steps: list[Step]) -> None:
    """RISK-COL-011: markets whose initial margin rises with open interest."""
    ex = Bank(oi_scale_lower_quanta=300 * QUOTE, oi_scale_upper_quanta=3_000 * QUOTE, mark_band_ppb=5 * PERCENT)
    for head in ("ann", "bob"):
        ex.deposit(head, "150")
        ex.open(head, "grid")
        ex.bring(head, "ETH", "3")
        ex.deposit(f"{head}--grid", "80")
    play(ex, steps, restart_every=7)
