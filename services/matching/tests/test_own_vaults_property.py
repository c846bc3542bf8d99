"""Whatever is asked of a vault in whatever order: no quantum is made or lost, and nobody takes what is another's."""

from typing import Final, NamedTuple

from cleartide.contracts.vaults import (
    VaultSharesIssued,
    VaultSharesRedeemed,
    VaultTerms,
    VaultValued,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.tests.fund_house import PEOPLE, STRATEGY, FundHouse
from services.matching.tests.support import QUOTE, SECOND, of

HOLDERS: Final = ("ann", "bob", "mia")
START: Final = 100_000 * QUOTE


class Step(NamedTuple):
    """What is asked, by whom, and how much of what he has, in 1/1000."""

    verb: str
    who: str
    part: int


VERBS: Final = ("pay", "pay", "leave", "leave", "work", "back", "long", "short", "price", "wait", "harvest", "compound")
steps = st.lists(
    st.builds(Step, st.sampled_from(VERBS), st.sampled_from(HOLDERS), st.integers(1, 1_000)), min_size=4, max_size=30
)
terms = st.builds(
    VaultTerms,
    deposit_fee_bps=st.sampled_from((0, 7)),
    withdraw_fee_bps=st.sampled_from((0, 13)),
    management_fee_bps=st.sampled_from((0, 200)),
    performance_fee_bps=st.sampled_from((0, 1_000)),
    reserve_bps=st.sampled_from((0, 2_000)),
    virtual_shares=st.sampled_from((1, 1_000)),
)


def perform(ex: "House", step: Step) -> None:
    """Ask for it; a refusal is an answer too."""
    share = step.part / 1_000
    match step.verb:
        case "pay":
            ex.pay(step.who, f"{20_000 * share:.6f}")
        case "leave":
            ex.leave(step.who, max(1, ex.shares(step.who) * step.part // 1_000))
        case "work" | "back":
            held = ex.balance("vault:calm") if step.verb == "work" else -ex.cash(STRATEGY)
            ex.work(f"{held * share / QUOTE:.6f}")
        case "long" | "short":
            ex.long(f"{'-' if step.verb == 'short' else ''}{step.part / 100:.3f}", f"{ex.mark:.1f}")
        case "price":
            ex.price(f"{ex.mark * (0.97 + 0.06 * share):.1f}")
        case "wait":
            ex.wait(step.part * 3_600 * SECOND)
            ex.price(f"{ex.mark:.1f}")
        case "harvest":
            ex.harvest()
        case _:
            ex.compound()


class House(FundHouse):
    """Knows the mark as a number."""

    @property
    def mark(self) -> float:
        return self.state.markets["BTC-PERP"].prices.mark / 10


@given(terms, steps)
@settings(max_examples=60, deadline=None)
def test_ovl_prop_001_money_is_conserved_and_comings_and_goings_cost_the_others_nothing(
    promised: VaultTerms, script: list[Step]
) -> None:
    """OVL-PROP-001: assets and fees owed are all there is after each valuation, and who comes or goes never lowers the
    price of those who stay. When everything is flat and all have left, nothing is left but dust and fees.
    """
    ex = House(**promised.model_dump())
    for step in script:
        book, before = ex.vault.book, ex.vault.book.price()
        seen = len(ex.effects.emitted)
        perform(ex, step)
        events = ex.effects.emitted[seen:]
        if of(events, VaultValued):
            assert ex.in_balance()
            fees = sum(event.management_fee_quanta + event.performance_fee_quanta for event in of(events, VaultValued))
            if step.verb in {"pay", "leave"} and not fees and not ex.lots(STRATEGY):
                assert book.price() >= before
    ex.wait(3_600 * SECOND)
    ex.price(f"{ex.mark:.1f}")
    if ex.lots(STRATEGY):
        ex.flatten(f"{ex.mark:.1f}")
    ex.stop("paused")
    book = ex.vault.book
    dust = 8 + book.price() * promised.virtual_shares // 10**12
    for name in HOLDERS:
        waiting = sum(exit_.shares for exit_ in book.queue if exit_.owner == name)
        if ex.shares(name) > waiting:
            ex.leave(name, ex.shares(name) - waiting)
    ex.wait(10 * SECOND)
    ex.price(f"{ex.mark:.1f}")
    held = sum(ex.cash(name) for name in PEOPLE) + ex.cash(STRATEGY) + ex.balance("vault:calm")
    assert held == len(PEOPLE) * START
    if not book.queue:
        assert book.shares == 0
        assert book.assets <= dust


@given(st.integers(1, 10**10), st.integers(1, 10**10), st.integers(-5_000, 5_000), st.sampled_from((1, 1_000)))
@settings(max_examples=100, deadline=None)
def test_ovl_prop_002_in_and_out_again_is_never_a_gain(mine: int, others: int, gained: int, virtual: int) -> None:
    """OVL-PROP-002: however much is there, and whatever a share is worth."""
    ex = FundHouse(virtual_shares=virtual)
    ex.pay("bob", f"{others / QUOTE:.6f}")
    ex.state.ledger.begin(1, ex.effects.at)
    ex.state.ledger.move(
        "pool", ex.state.accounts["tom"].cash, ex.state.accounts[STRATEGY].cash, others * max(0, gained) // 1_000
    )
    paid = of(ex.pay("ann", f"{mine / QUOTE:.6f}"), VaultSharesIssued)
    if paid:
        back = of(ex.leave("ann"), VaultSharesRedeemed)
        assert sum(redeemed.amount_quanta for redeemed in back) <= mine
    assert ex.cash("ann") <= START
