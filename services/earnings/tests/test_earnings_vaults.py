"""Shares of the venue's vaults in the daily identity, fed by what matching says of them."""

from typing import Any

from cleartide.contracts import EarningsDayRecorded, Message
from cleartide.contracts.vaults import VaultSharesRedeemed, VaultTerms, VaultValued
from hypothesis import given, settings

from services.earnings.app import SERVICE
from services.earnings.domain.state import EarningsState
from services.matching.tests.fund_house import FundHouse
from services.matching.tests.support import QUOTE, SECOND, of
from services.matching.tests.test_farms import Farmers
from services.matching.tests.test_own_vaults_property import House, Step, perform, steps, terms
from tests.support.fold_bench import HandlerBench

HOUR = 3_600 * SECOND


class Books(HandlerBench[EarningsState]):
    """The earnings service beside a venue. It restarts between the events of a step, too."""

    def __init__(self, ex: FundHouse) -> None:
        super().__init__(SERVICE.fold, 0)
        self.ex, self.told = ex, 0

    def catch_up(self, *, restarts: bool = False) -> list[Message]:
        """Hear what was said since the last time."""
        events = self.ex.effects.emitted[self.told :]
        self.told += len(events)
        for event in events:
            if type(event) in SERVICE.fold.handlers:
                self.take(event, seq=event.seq, at=event.occurred_at)
                if restarts:
                    self.restart()
        return events

    def day(self, account: str) -> dict[str, Any]:
        """The account's newest row."""
        self.commit()
        rows = [*self.rows("earnings_days"), *self.rows("earnings_open_days")]
        return max((row for row in rows if row["account"] == account), key=lambda row: row["day"])


def test_what_goes_into_a_vault_is_no_flow_and_what_it_gains_is_yield() -> None:
    """EARN-VAULT-001: 1,000 in for a fee of 1, a tenth gained, half taken out again, for a fee of 10 in 10,000."""
    ex = House(deposit_fee_bps=10, withdraw_fee_bps=10)
    books = Books(ex)
    ex.pay("ann", "1000")
    ex.work("999")
    ex.long("1")
    ex.price("1099.9")
    paid = of(ex.leave("ann", ex.shares("ann") // 2), VaultSharesRedeemed)
    books.catch_up()
    row = books.day("ann")
    assert row["flows_quanta"] == 100_000 * QUOTE
    assert row["fees_quanta"] == QUOTE + sum(redeemed.fee_quanta for redeemed in paid)
    assert 99_890_000 <= row["yield_quanta"] <= 99_910_000
    assert row["equity_end_quanta"] == ex.cash("ann") + ex.worth("ann")


@given(terms, steps)
@settings(max_examples=25, deadline=None)
def test_shares_are_worth_what_matching_pays_for_them_and_every_day_adds_up(
    promised: VaultTerms, script: list[Step]
) -> None:
    """EARN-VAULT-002: after each step of the vault both services value it alike; a restart anywhere changes nothing."""
    ex = House(**promised.model_dump())
    books, killed = Books(ex), Books(ex)
    for number, step in enumerate(script):
        perform(ex, step)
        if number % 5 == 4:
            ex.wait(7 * HOUR)
            ex.price(f"{ex.mark:.1f}")
        said = books.catch_up()
        killed.catch_up(restarts=True)
        vault = books.state.vaults["calm"]
        if said and isinstance(said[-1], VaultValued):
            assert books.state._assets(vault) == said[-1].assets_quanta
            for name, account in books.state.accounts.items():
                shares = account.shares.get("calm", 0)
                assert shares == ex.shares(name)
                assert vault.worth(shares, said[-1].assets_quanta) == ex.worth(name)
    for said_day in of(books.effects.emitted, EarningsDayRecorded):
        moved = said_day.flows_quanta + said_day.pnl_quanta + said_day.funding_quanta - said_day.fees_quanta
        assert said_day.equity_end_quanta - said_day.equity_start_quanta == moved + said_day.yield_quanta
    for bench in (books, killed):
        bench.commit()
    assert books.tables == killed.tables


def test_farm_rewards_are_yield_and_the_platforms_part_a_fee() -> None:
    """EARN-VAULT-003: 100 earned gross, 20 of it the platform's."""
    ex = Farmers()
    books = Books(ex)
    ex.stake("ann", 2**29)
    ex.reward("100", 10)
    ex.wait(10 * SECOND)
    ex.claim("ann")
    books.catch_up()
    row = books.day("ann")
    assert (row["yield_quanta"], row["fees_quanta"]) == (100 * QUOTE, 20 * QUOTE)
    assert row["equity_end_quanta"] == 100_080 * QUOTE
