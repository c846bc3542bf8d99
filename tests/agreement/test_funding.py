"""Funding and matching together: every interval once, and what is told on read is what the ledger did."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from cleartide.contracts import FundingSettled, Message, PositionChanged, SettleFunding
from cleartide.fold import Reject

from services.funding.domain.rate import HOUR_MICROS
from services.funding.handlers import HANDLERS
from services.funding.tests.support import Venue
from services.matching.tests.support import MARKET, SECOND, Exchange

ACCOUNTS = ("ann", "bob", "cat", "dan")


class Both:
    """The exchange, and workers of funding that hear all it says."""

    def __init__(self, workers: int) -> None:
        self.ex = Exchange(funding_interval_seconds=3_600, taker_fee_ppb=0, maker_fee_ppb=0)
        self.workers = [Venue() for _ in range(workers)]
        self.heard = 0
        for account in ACCOUNTS:
            self.ex.deposit(account, "100000")
        self.hear()

    def hear(self) -> None:
        """Every worker folds what is new, and matching takes from each what it says, in any order."""
        new = self.ex.effects.emitted[self.heard :]
        self.heard = len(self.ex.effects.emitted)
        said = [message for worker in self.workers for message in _fold(worker, new)]
        for command in sorted(said, key=lambda command: command.seq):
            try:
                self.ex.fold(command)
            except Reject as verdict:
                assert verdict.reason == "no_mark_price"
        if said:
            self.hear()


def _fold(worker: Venue, events: Sequence[Message]) -> list[SettleFunding]:
    """What the worker asks for, numbered as its outbox would number it."""
    number = sum(isinstance(message, SettleFunding) for message in worker.effects.emitted)
    commands: list[SettleFunding] = []
    for event in events:
        if type(event) in HANDLERS:
            said = worker.take(event, seq=worker.effects.seq + 1, at=max(worker.effects.at, event.occurred_at))
            asked = [message for message in said if isinstance(message, SettleFunding)]
            places = range(number + len(commands) + 1, number + len(commands) + len(asked) + 1)
            commands += [each.model_copy(update={"seq": place}) for each, place in zip(asked, places, strict=True)]
    return commands


def day(both: Both, seed: int, hours: int = 6) -> None:
    """Trades among four accounts, prices and quotes that make a premium, and a restart of a worker now and then."""
    chance, ex = random.Random(seed), both.ex
    for number in range(hours * 12):
        ex.wait(5 * 60 * SECOND)
        for account, side, price in (("ann", "buy", 999 + chance.randrange(4)), ("bob", "sell", 1_004)):
            ex.cancel_all(account)
            ex.place(account, side, "3", str(price))
        ex.price(str(1_000 + chance.randrange(-3, 4)))
        buyer, seller = chance.sample(ACCOUNTS, 2)
        ex.report("1000", str(chance.randrange(1, 500) / 1_000), buyer=buyer, seller=seller)
        both.hear()
        if number % 17 == 5:
            both.workers[-1].restart()


@pytest.mark.parametrize("workers", [1, 2])
def test_every_interval_is_settled_once(workers: int) -> None:
    """FUND-MODE-012: two workers say the same commands with the same numbers, of which matching takes one."""
    both = Both(workers)
    day(both, 7)
    settled = [event for event in both.ex.effects.emitted if isinstance(event, FundingSettled)]
    starts = [event.interval_start for event in settled]
    assert starts == [starts[0] + number * HOUR_MICROS for number in range(len(starts))]
    assert len(starts) >= 5
    one = Both(1)
    day(one, 7)
    assert [event for event in one.ex.effects.emitted if isinstance(event, FundingSettled)] == settled


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_payments_told_on_read_are_those_of_the_ledger(seed: int) -> None:
    """FUND-MODE-013: of every account over all intervals, to the quantum; of every interval they sum to zero."""
    both = Both(1)
    day(both, seed)
    worker, ex = both.workers[0], both.ex
    worker.commit()
    told: Counter[str] = Counter()
    for market, start, _, _, step, _, _ in worker.tables["funding_settlements"].values():
        paid = {account: -_held(worker, account, market, start) * step for account in (*ACCOUNTS, "outside")}
        assert sum(paid.values()) == 0
        told.update(paid)
    for account in ACCOUNTS:
        moved = sum(
            event.funding_quanta
            for event in ex.effects.emitted
            if isinstance(event, PositionChanged) and event.account == account
        )
        assert told[account] == moved + ex.state.accounts[account].holdings[MARKET].unsettled
    assert any(told.values())


def _held(worker: Venue, account: str, market: str, interval_start: int) -> int:
    """What the account held when the interval was settled, as the question finds it."""
    rows = [row for row in worker.tables["funding_positions"].values() if row[:2] == (account, market)]
    before = [row for row in rows if row[2] < interval_start]
    return max(before, key=lambda row: row[2])[3] if before else 0
