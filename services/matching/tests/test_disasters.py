"""The disasters that venues have had, by name: each ended others, and none may end this one.

The numbers are those of `test_waterfall.py`: ann is long 1 from 1,000 with 110 of cash.
"""

from typing import Any

from cleartide.bus.ports import Delivery
from cleartide.contracts import (
    HaltMarket,
    LiquidateAccount,
    LiquidationExecuted,
    LiquidationRejected,
    Message,
    PositionDeleveraged,
    ResumeMarket,
    TradeExecuted,
)
from cleartide.contracts.codec import encode

from services.matching.app import SERVICE
from services.matching.tests.ruled import figures, holds, insurance, ruled
from services.matching.tests.support import HOUR, MARKET, SECOND, Exchange, of, only
from tests.support.fold_bench import FoldBench


def everything(quanta: int) -> tuple[Exchange, list[Message]]:
    """ann holds all that there is, 100 long, and is bankrupt; the fund has so much."""
    ex = ruled(large_notional_quanta=2**52)
    holds(ex, "ann", "11000", size="100")
    ex.insure(f"{quanta // 1_000_000}.{quanta % 1_000_000:06d}")
    ex.price("880")
    assert abs(ex.lots("ann")) == ex.state.markets[MARKET].open_interest
    return ex, ex.liquidate("ann")


def test_match_dis_001_the_whole_open_interest_in_one_liquidation_with_a_sufficient_fund() -> None:
    """MATCH-DIS-001: the fund takes it; nobody else's position is touched, and no loss is shared."""
    ex, events = everything(9_800_000_000)
    assert only(events, TradeExecuted).buyer == "insurance"
    assert not of(events, PositionDeleveraged)
    assert (figures(ex, "ann"), ex.lots("bob")) == ((0, 0, 0), -100_000)
    assert insurance(ex) == 9_800_000_000


def test_match_dis_002_a_fund_that_is_short_by_one_unit() -> None:
    """MATCH-DIS-002: it takes nothing and pays nothing; the other side is closed at the bankruptcy price instead."""
    ex, events = everything(9_799_999_999)
    said = only(events, PositionDeleveraged)
    assert (said.account, said.lots, said.price_ticks) == ("bob", 100_000, 8_900)
    assert (ex.lots("ann"), ex.lots("bob"), "insurance" in ex.state.accounts) == (0, 0, False)
    assert insurance(ex) == 9_799_999_999


def test_match_dis_003_a_stale_oracle_when_trading_resumes() -> None:
    """MATCH-DIS-003: eight hours halted, then trading on the prices of before: nobody is closed by them.

    Not while the oracle is silent, nor in the grace after its first price, in which holders may pay in.
    """
    ex = ruled(grace_micros=10 * SECOND)
    holds(ex, "ann", "110")
    ex.deposit("cat", "110")
    ex.report("1000", "1", buyer="cat", seller="bob")
    ex.price("930")
    ex.send(HaltMarket, source="operator", market=MARKET)
    ex.wait(8 * HOUR)
    ex.restart()
    ex.send(ResumeMarket, source="operator", market=MARKET)
    ex.wait(60 * SECOND)
    for name in ("ann", "cat"):
        assert only(ex.liquidate(name), LiquidationRejected).reason == "stale_index"
    ex.price("925")
    for name in ("ann", "cat"):
        assert only(ex.liquidate(name), LiquidationRejected).reason == "grace"
    ex.deposit("ann", "100")
    ex.wait(10 * SECOND)
    ex.price("925")
    assert only(ex.liquidate("ann"), LiquidationRejected).reason == "healthy"
    assert of(ex.liquidate("cat"), LiquidationExecuted)


def test_match_dis_004_two_risk_workers_ask_for_the_same_account() -> None:
    """MATCH-DIS-004: whoever comes second is judged by what the first one left, and closes nothing more."""
    ex = ruled()
    holds(ex, "ann", "110")
    ex.price("930")
    ex.place("bob", "buy", "1", "930")
    body: dict[str, Any] = {"account": "ann", "market": MARKET, "equity": "0", "maintenance_margin": "0"}
    body |= {"mark_price_ticks": 1, "observed_seq": 0, "seq": 1}
    first = ex.send(LiquidateAccount, source="risk", **body)
    held = ex.lots("ann")
    second = ex.send(LiquidateAccount, source="risk_2", **body)
    assert only(first, LiquidationExecuted).closed_lots == 1_000 - held == 200
    assert only(second, LiquidationRejected).reason == "healthy"
    assert ex.lots("ann") == held


def test_match_dis_005_a_clock_that_steps_back() -> None:
    """MATCH-DIS-005: an hour, within a cooldown: sequenced time stands still until the clock has caught up."""
    ex = ruled(large_notional_quanta=5_000_000_000, step_ppb=100_000_000)
    holds(ex, "ann", "1100", size="10")
    ex.price("930")
    ex.place("bob", "buy", "100", "930")
    ex.liquidate("ann")
    bench, now = FoldBench(SERVICE.fold), ex.effects.at
    for at, command in ex.commands:
        bench.deliver(Delivery(0, at, command.subject, encode(command), "", 0))
    before = len(bench.published)
    body: dict[str, Any] = {"equity": "0", "maintenance_margin": "0", "mark_price_ticks": 1, "observed_seq": 0}
    for number, at in ((2, now - HOUR), (3, now - HOUR + 40 * SECOND), (4, now + 30 * SECOND)):
        late = LiquidateAccount(
            id=f"late-{number}", source="risk", seq=number, occurred_at=at, account="ann", market=MARKET, **body
        )
        bench.deliver(Delivery(0, at, late.subject, encode(late), "", 0))
    packs: list[Any] = [message for message in bench.published[before:] if isinstance(message, list)]
    told = [event.get("reason") for pack in packs for event in pack if event["type"].startswith("Liquidation")]
    assert told == ["cooling_down", "cooling_down", None]
