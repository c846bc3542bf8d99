"""Steps, takeover, deleveraging and shared losses (domain rules R20 and R23 to R25). MM is 5 %, f is 0.5 %.

ann is long 1 from 1,000 with 110 of cash: E = P - 890 and MM = P / 20, so she is due below 936.84, beyond help below
920.69, and bankrupt at 890.
"""

from typing import Any

import pytest
from cleartide.bus.ports import Delivery
from cleartide.client_orders import OrderCommands, Receipt
from cleartide.contracts import (
    HaltMarket,
    InsuranceChanged,
    KeeperRewarded,
    LiquidateAccount,
    LiquidationExecuted,
    LiquidationRejected,
    LossSocialized,
    Message,
    PositionDeleveraged,
    ResumeMarket,
    TradeExecuted,
    TransferApplied,
)
from cleartide.contracts.codec import encode
from cleartide.fold import Reject

from services.matching.app import SERVICE
from services.matching.tests.ruled import figures, holds, insurance, keep, ruled, worth
from services.matching.tests.support import MARKET, SECOND, Exchange, of, only
from tests.support.fold_bench import FoldBench


def small(**changes: Any) -> Exchange:
    """ann as above."""
    ex = ruled(**changes)
    holds(ex, "ann", "110")
    return ex


def large(**changes: Any) -> Exchange:
    """ann with ten times as much, in a market where positions above 5,000 are large; bob bids for everything at 930."""
    ex = ruled(large_notional_quanta=5_000_000_000, **changes)
    holds(ex, "ann", "1100", size="10")
    ex.price("930")
    ex.place("bob", "buy", "100", "930")
    return ex


def test_match_wtf_001_a_large_position_is_closed_in_steps_of_a_fifth_with_a_cooldown() -> None:
    """MATCH-WTF-001: 2 of 10 restore the account, so the share is a tenth here: one step, 30 s, and another."""
    ex = large(step_ppb=100_000_000)
    first = only(ex.liquidate("ann"), LiquidationExecuted)
    assert (first.closed_lots, first.remaining_lots, first.waits) == (1_000, 9_000, "cooling_down")
    ex.wait(30 * SECOND - 1)
    assert only(ex.liquidate("ann"), LiquidationRejected).reason == "cooling_down"
    ex.wait(1)
    second = only(ex.liquidate("ann"), LiquidationExecuted)
    assert (second.closed_lots, second.remaining_lots) == (900, 8_100)


def test_match_wtf_002_a_cooldown_survives_a_restart() -> None:
    """MATCH-WTF-002"""
    ex = large(step_ppb=100_000_000)
    ex.liquidate("ann")
    ex.restart()
    assert only(ex.liquidate("ann"), LiquidationRejected).reason == "cooling_down"


def test_match_wtf_003_a_cooldown_does_not_hold_an_account_that_is_beyond_help() -> None:
    """MATCH-WTF-003: between 900 and the bid of 930 its equity is below two thirds, and everything may go at once."""
    ex = large(step_ppb=100_000_000)
    ex.liquidate("ann")
    ex.price("900")
    step = of(ex.liquidate("ann"), LiquidationExecuted)[0]
    assert step.closed_lots > 1_000 and step.waits is None


def test_match_wtf_004_a_small_position_is_closed_as_far_as_needed_at_once() -> None:
    """MATCH-WTF-004"""
    ex = small()
    ex.price("930")
    ex.place("bob", "buy", "1", "930")
    assert only(ex.liquidate("ann"), LiquidationExecuted).closed_lots == 200
    assert only(ex.liquidate("ann"), LiquidationRejected).reason == "healthy"


@pytest.mark.parametrize(("minimum", "closed"), [(744_000_000, 200), (744_000_001, 1_000)])
def test_match_wtf_005_what_would_leave_less_than_the_minimum_is_closed_whole(minimum: int, closed: int) -> None:
    """MATCH-WTF-005: closing 0.2 leaves 0.8 at 930, 744."""
    ex = small(min_notional_quanta=minimum)
    ex.price("930")
    ex.place("bob", "buy", "1", "930")
    assert only(ex.liquidate("ann"), LiquidationExecuted).closed_lots == closed


@pytest.mark.parametrize(("extra", "taken"), [(0, 1_000), (-1, 0)])
def test_match_wtf_006_the_fund_takes_a_position_only_if_it_bears_the_stress_loss(extra: int, taken: int) -> None:
    """MATCH-WTF-006: at 880 it is worth 10 less than its price, and a tenth of 880 may be lost: 98 to the quantum."""
    ex = small()
    quanta = 98_000_000 + extra
    ex.insure(f"{quanta // 1_000_000}.{quanta % 1_000_000:06d}")
    ex.price("880")
    done = only(ex.liquidate("ann"), LiquidationExecuted)
    assert done.taken_over_lots == taken
    assert done.deleveraged_lots == 1_000 - taken
    assert (insurance(ex), worth(ex) - insurance(ex)) == (quanta, -10_000_000 * (taken // 1_000))
    assert ex.cash("ann") == 0


@pytest.mark.parametrize(("cap", "taken"), [(880_000_000, 1_000), (879_999_999, 0)])
def test_match_wtf_007_the_fund_keeps_to_its_position_cap(cap: int, taken: int) -> None:
    """MATCH-WTF-007"""
    ex = small(position_cap_quanta=cap)
    ex.insure("1000")
    ex.price("880")
    assert only(ex.liquidate("ann"), LiquidationExecuted).taken_over_lots == taken


def test_match_wtf_008_what_the_fund_may_not_take_is_closed_against_the_other_side_at_the_bankruptcy_price() -> None:
    """MATCH-WTF-008: at 880 bob, short 1 from 1,000, buys her position at 890; no fee, no last price."""
    ex = small()
    ex.price("880")
    events = ex.liquidate("ann")
    done = only(events, LiquidationExecuted)
    assert (done.deleveraged_lots, done.remaining_lots, done.fee_quanta, done.waits) == (1_000, 0, 0, None)
    said = only(events, PositionDeleveraged)
    assert (said.account, said.against, said.lots, said.price_ticks) == ("bob", "ann", 1_000, 8_900)
    assert (said.rank, said.candidates) == (1, 1)
    trade = only(events, TradeExecuted)
    assert (trade.origin, trade.buyer, trade.seller, trade.price_ticks) == ("takeover", "bob", "ann", 8_900)
    assert (ex.lots("bob"), ex.cash("ann"), ex.cash("bob")) == (0, 0, 1_000_110_000_000)
    assert ex.state.markets[MARKET].prices.last == 10_000
    assert insurance(ex) == 0


def test_match_wtf_009_the_most_profitable_and_most_leveraged_go_first_then_by_name() -> None:
    """MATCH-WTF-009: dan has less cash than cat and eve, who are alike."""
    ex = ruled()
    for name, cash in (("eve", "400"), ("dan", "200"), ("cat", "400")):
        holds(ex, name, cash, "sell", "0.4")
    holds(ex, "ann", "110")
    ex.price("880")
    said = of(ex.liquidate("ann"), PositionDeleveraged)
    assert [(each.account, each.lots, each.rank) for each in said] == [
        ("dan", 400, 1),
        ("cat", 400, 2),
        ("eve", 200, 3),
    ]
    assert {each.candidates for each in said} == {3}


def test_match_wtf_010_who_has_no_equity_or_would_become_riskier_is_passed_over() -> None:
    """MATCH-WTF-010: cat's profit is more than lost elsewhere; her equity is below zero."""
    ex = ruled()
    holds(ex, "cat", "100", "sell", "0.5")
    ex.list(market="ETH-PERP", taker_fee_ppb=0, maker_fee_ppb=0)
    ex.price("1000", "ETH-PERP")
    ex.report("1000", "3", buyer="cat", seller="bob", market="ETH-PERP")
    holds(ex, "ann", "110")
    ex.report("1000", "0.5", buyer="bob", seller="dan")
    ex.deposit("dan", "1000")
    ex.price("900", "ETH-PERP")
    ex.price("880")
    said = of(ex.liquidate("ann"), PositionDeleveraged)
    assert [each.account for each in said] == ["dan"]
    assert only(ex.liquidate("ann"), LiquidationExecuted).waits == "no_counterparty"


def test_match_wtf_011_a_debt_that_the_fund_cannot_pay_is_shared_by_profit() -> None:
    """MATCH-WTF-011: no price could have saved cat; dan's profit is 3 times eve's, and what rounding brings is kept."""
    ex = ruled()
    for name, size in (("dan", "3"), ("eve", "1")):
        holds(ex, name, "1000", "sell", size)
    ex.report("0.1", "1", seller="cat", buyer="fay")
    ex.report("300.1", "1", buyer="cat", seller="fay")
    ex.report("100", "0.01", seller="cat", buyer="fay")
    ex.price("800")
    events = ex.liquidate("cat")
    shared = only(events, LossSocialized)
    moved = [event for event in of(events, TransferApplied) if event.kind == "socialized_loss"]
    charges = {event.account: -event.amount_quanta for event in moved if event.amount_quanta < 0}
    assert (shared.account, shared.accounts, len(charges)) == ("cat", 2, 2)
    assert abs(charges["dan"] - 3 * charges["eve"]) <= 3
    assert shared.charged_quanta == sum(charges.values()) >= shared.loss_quanta > 0
    assert ex.cash("cat") == 0
    assert insurance(ex) == shared.charged_quanta - shared.loss_quanta


def test_match_wtf_012_the_fund_sells_its_position_in_parts_and_keeps_the_result() -> None:
    """MATCH-WTF-012: taken at 890 and marked at 910; a tenth a minute, no worse than half a percent from the mark."""
    ex = small()
    ex.insure("1000")
    ex.price("910")
    assert only(ex.liquidate("ann"), LiquidationExecuted).taken_over_lots == 1_000
    ex.place("bob", "buy", "1", "909")
    ex.place("bob", "sell", "1", "911")
    ex.wait(60 * SECOND)
    events = ex.price("910")
    trade = only(events, TradeExecuted)
    assert (trade.seller, trade.size_lots, trade.price_ticks, trade.origin) == ("insurance", 100, 9_090, "liquidation")
    change = only(events, InsuranceChanged)
    assert (change.change_quanta, change.reason) == (1_900_000, "disposal")
    assert (insurance(ex), ex.cash("insurance")) == (1_001_900_000, 0)
    assert not of(ex.price("910"), TradeExecuted)
    ex.wait(60 * SECOND)
    assert only(ex.price("910"), TradeExecuted).size_lots == 90


def test_match_wtf_013_the_fund_gives_its_position_up_before_it_is_empty() -> None:
    """MATCH-WTF-013: it took 1 at 890 with 98; at 800 it has 8 left against a maintenance of 40: bob takes it."""
    ex = small()
    ex.insure("98")
    ex.price("880")
    assert only(ex.liquidate("ann"), LiquidationExecuted).taken_over_lots == 1_000
    events = ex.price("800")
    said = only(events, PositionDeleveraged)
    assert (said.account, said.against, said.price_ticks) == ("bob", "insurance", 7_920)
    assert (ex.lots("insurance"), ex.cash("insurance"), insurance(ex)) == (0, 0, 0)


def test_match_wtf_014_a_keeper_is_paid_a_share_of_the_fee() -> None:
    """MATCH-WTF-014: a fifth of 0.93, floored."""
    ex = small()
    ex.deposit("kim", "1")
    ex.price("930")
    ex.place("bob", "buy", "1", "930")
    events = keep(ex, "kim", "ann")
    assert only(events, LiquidationExecuted).fee_quanta == 930_000
    paid = only(events, KeeperRewarded)
    assert (paid.keeper, paid.account, paid.reward_quanta, paid.cash_quanta) == ("kim", "ann", 186_000, 1_186_000)
    assert insurance(ex) == only(events, InsuranceChanged).balance_quanta == 744_000


def test_match_wtf_015_a_keeper_is_judged_as_risk_is() -> None:
    """MATCH-WTF-015: a healthy account stays as it is; nobody is his own keeper, or one without an account."""
    ex = small()
    ex.deposit("kim", "1")
    assert only(keep(ex, "kim", "ann"), LiquidationRejected).reason == "healthy"
    ex.price("930")
    assert only(keep(ex, "tom", "ann"), LiquidationRejected).reason == "unknown_keeper"
    assert only(keep(ex, "insurance", "ann"), LiquidationRejected).reason == "unknown_keeper"
    assert only(keep(ex, "ann", "ann"), LiquidationRejected).reason == "own_account"
    ex.price(None)
    assert only(keep(ex, "kim", "ann"), LiquidationRejected).reason == "stale_index"


def test_match_wtf_016_nobody_is_liquidated_for_a_while_after_a_stale_index() -> None:
    """MATCH-WTF-016: declared or silent; the grace runs from the first fresh price."""
    ex = small(grace_micros=10 * SECOND)
    ex.wait(10 * SECOND)
    for silence in (None, 61 * SECOND):
        if silence is None:
            ex.price(None)
        else:
            ex.wait(silence)
        ex.price("930")
        ex.wait(10 * SECOND - 1)
        assert only(ex.liquidate("ann"), LiquidationRejected).reason == "grace"
    ex.restart()
    assert only(ex.liquidate("ann"), LiquidationRejected).reason == "grace"
    ex.wait(1)
    assert of(ex.liquidate("ann"), LiquidationExecuted)


def test_match_wtf_017_nobody_is_liquidated_while_a_market_is_halted_and_a_while_after() -> None:
    """MATCH-WTF-017"""
    ex = small(grace_micros=10 * SECOND)
    ex.wait(10 * SECOND)
    ex.send(HaltMarket, source="operator", market=MARKET)
    ex.price("930")
    assert only(ex.liquidate("ann"), LiquidationRejected).reason == "market_paused"
    ex.send(ResumeMarket, source="operator", market=MARKET)
    assert only(ex.liquidate("ann"), LiquidationRejected).reason == "grace"
    ex.wait(10 * SECOND)
    ex.price("930")
    assert of(ex.liquidate("ann"), LiquidationExecuted)


def test_match_wtf_018_a_request_from_before_an_outage_is_judged_by_what_holds_after_it() -> None:
    """MATCH-WTF-018: risk's request waited while nothing was folded; by its own time the index is silent."""
    ex = small(grace_micros=10 * SECOND)
    ex.price("930")
    ex.wait(3_600 * SECOND)
    ex.restart()
    assert only(ex.liquidate("ann"), LiquidationRejected).reason == "stale_index"
    ex.price("1000")
    assert only(ex.liquidate("ann"), LiquidationRejected).reason == "healthy"


def test_match_wtf_019_rules_of_liquidation_come_back_after_a_restart() -> None:
    """MATCH-WTF-019"""
    ex = small(step_ppb=1, position_cap_quanta=7)
    before = ex.state.markets[MARKET].spec
    ex.restart()
    assert ex.state.markets[MARKET].spec == before


def test_match_wtf_020_the_whole_open_interest_may_go_in_one_liquidation() -> None:
    """MATCH-WTF-020: with a sufficient fund nobody else is touched; a quantum short, bob's gain is what pays."""
    for extra, against in ((0, "insurance"), (-1, "bob")):
        ex = ruled(large_notional_quanta=2**52)
        holds(ex, "ann", "11000", size="100")
        assert ex.state.markets[MARKET].open_interest == 100_000
        quanta = 9_800_000_000 + extra
        ex.insure(f"{quanta // 1_000_000}.{quanta % 1_000_000:06d}")
        ex.price("880")
        trade = only(ex.liquidate("ann"), TradeExecuted)
        assert (trade.buyer, trade.size_lots) == (against, 100_000)
        assert figures(ex, "ann") == (0, 0, 0)
        assert insurance(ex) == quanta


def test_match_wtf_026_a_clock_that_steps_back_ends_no_cooldown_early() -> None:
    """MATCH-WTF-026: the broker's clock is an hour behind after the first step; sequenced time stands still."""
    ex = large(step_ppb=100_000_000)
    ex.liquidate("ann")
    bench, now = FoldBench(SERVICE.fold), ex.effects.at
    for at, command in ex.commands:
        bench.deliver(Delivery(0, at, command.subject, encode(command), "", 0))
    before = len(bench.published)
    body: dict[str, Any] = {"equity": "0", "maintenance_margin": "0", "mark_price_ticks": 1, "observed_seq": 0}
    for number, at in enumerate((now - 3_600 * SECOND, now + 30 * SECOND - 1, now + 30 * SECOND), start=2):
        late = LiquidateAccount(
            id=f"late-{number}", source="risk", seq=number, occurred_at=at, account="ann", market=MARKET, **body
        )
        bench.deliver(Delivery(0, at, late.subject, encode(late), "", 0))
    packs: list[Any] = [message for message in bench.published[before:] if isinstance(message, list)]
    said = [event for pack in packs for event in pack]
    told = [event.get("reason") for event in said if event["type"].startswith("Liquidation")]
    assert told == ["cooling_down", "cooling_down", None]


def test_match_wtf_028_a_position_that_a_step_makes_small_still_waits_for_its_cooldown() -> None:
    """MATCH-WTF-028: 10 at 921 are large, the 6.1 that the step leaves are not; its fills were too poor to restore."""
    ex = ruled(large_notional_quanta=6_000_000_000, step_ppb=400_000_000)
    holds(ex, "ann", "1100", size="10")
    ex.price("921")
    ex.place("bob", "buy", "100", "912")
    step = only(ex.liquidate("ann"), LiquidationExecuted)
    assert (step.remaining_lots * 921 < 6_000_000, step.waits) == (True, "cooling_down")
    assert only(ex.liquidate("ann"), LiquidationRejected).reason == "cooling_down"


class Desk(OrderCommands):
    """A client whose messages go straight to the bench."""

    _source = "kims-desk"

    def __init__(self, ex: Exchange) -> None:
        self.ex = ex

    async def _ask(self, service: str, query: str, **params: Any) -> Any:
        return {}

    def _envelope(self, message_id: str) -> dict[str, Any]:
        return {"id": message_id, "source": self._source, "occurred_at": self.ex.effects.at}

    async def _publish(self, message: Message) -> Receipt:
        self.ex.fold(message)
        return Receipt(message.id, self.ex.effects.seq, False)


async def test_match_wtf_027_a_client_asks_for_a_liquidation() -> None:
    """MATCH-WTF-027: and is paid; the same request again is a duplicate."""
    ex = small()
    ex.deposit("kim", "1")
    ex.price("930")
    ex.place("bob", "buy", "1", "930")
    desk = Desk(ex)
    await desk.request_liquidation(keeper="kim", account="ann", market=MARKET, request_id="one")
    assert ex.cash("kim") == 1_186_000
    with pytest.raises(Reject, match="duplicate"):
        await desk.request_liquidation(keeper="kim", account="ann", market=MARKET, request_id="one")
