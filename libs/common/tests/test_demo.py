"""`cleartide demo` against what is there: figures from events, the invariants' line, and refusals in one line."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cleartide.bus.streams import EVENTS
from cleartide.console import main
from cleartide.contracts import (
    InsuranceChanged,
    LiquidationExecuted,
    LiquidationRejected,
    LossSocialized,
    MarketStateChanged,
    MarkPriceUpdated,
    Message,
    PositionDeleveraged,
    RiskAlertRaised,
)
from cleartide.contracts.codec import encode
from cleartide.contracts.examples import EXAMPLES
from cleartide.money import Grid
from cleartide.ops.demo.crash import chosen, share_ppm
from cleartide.ops.demo.hand import DemoError, Hand
from cleartide.ops.demo.invariants import Audited, Invariants
from cleartide.ops.demo.kill import Victim
from cleartide.ops.demo.outage import Balance, Folded
from cleartide.ops.demo.tally import Tally
from cleartide.ops.place import Place

MARKET = "BTC-PERP"
NAMES = ("BTC-PERP", "ETH-PERP", "SOL-PERP", "SOL-WEEK")
LISTED: Mapping[str, Any] = {"markets": [{"market": name, "base": name[:3]} for name in NAMES]}
CRASH = ("demo", "crash", "--market", "BTC", "--drop", "12%")
METRICS = """# HELP cleartide_audit_looks_total Times that the books were compared
cleartide_audit_looks_total 282.0
{findings}cleartide_audit_transaction 1.5e+03
cleartide_events_total{{service="matching"}} 223.0
"""
ADDS_UP: Mapping[str, Any] = {"assets": {"USDC": {"cash": 7, "external": -7}}, "lots": {MARKET: 0}}


def tally() -> Tally:
    return Tally(MARKET, Grid.of("0.1", "0.001"))


def event(contract: type[Message], **fields: Any) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(encode(EXAMPLES[contract]))
    return {**said, "market": MARKET, **fields}


class TestTally:
    def test_prices_are_followed_to_the_lowest(self) -> None:
        """LIB-DEMO-001."""
        counted = tally()
        for index, mark in ((618_000, 618_010), (543_840, 544_000), (545_000, 545_100)):
            assert counted.take(event(MarkPriceUpdated, index_ticks=index, mark_ticks=mark), 1.0) == ""
        assert (counted.index, counted.mark, counted.low) == (545_000, 545_100, 543_840)

    def test_accounts_without_equity_are_bankrupt_once(self) -> None:
        """LIB-DEMO-001: each is told of with what the fund paid; a second step of it is no second bankrupt."""
        counted = tally()
        gone = {"account": "lev-01", "equity_before_quanta": -1_500_000, "insurance_paid_quanta": 250_000}
        lots = {"closed_lots": 60, "taken_over_lots": 30, "deleveraged_lots": 10}
        said = counted.take(event(LiquidationExecuted, **gone, **lots), 1.0)
        assert said == (
            "lev-01 is bankrupt with -1.500000: 0.060 to the book, 0.030 to the fund, 0.010 deleveraged; "
            "the fund pays 0.250000"
        )
        assert counted.take(event(LiquidationExecuted, **gone, **lots), 1.0) == ""
        assert (
            counted.take(event(LiquidationExecuted, **{**gone, "account": "lev-02", "equity_before_quanta": 1}), 1)
            == ""
        )
        assert (counted.liquidations, counted.liquidated, counted.bankrupt) == (3, {"lev-01", "lev-02"}, {"lev-01"})
        assert counted.closed >= 120
        booked = {"closed_lots": 100, "taken_over_lots": 0, "deleveraged_lots": 0}
        told = [
            counted.take(event(LiquidationExecuted, **{**gone, "account": f"lev-{number}"}, **booked), 1.0)
            for number in range(10, 20)
        ]
        assert [bool(line) for line in told] == [True] * 4 + [False] * 6
        assert "to the fund" in counted.take(event(LiquidationExecuted, **{**gone, "account": "lev-20"}, **lots), 1.0)
        assert len(counted.bankrupt) == 12

    def test_who_waits_is_known_until_he_is_closed_or_well(self) -> None:
        """LIB-DEMO-001."""
        counted = tally()
        for account in ("a", "b"):
            counted.take(event(LiquidationRejected, account=account, reason="market_paused"), 5.0)
        assert counted.waits_since(4.9)
        assert not counted.waits_since(5.0)
        counted.take(event(LiquidationExecuted, account="a", equity_before_quanta=5), 6.0)
        counted.take(event(LiquidationRejected, account="b", reason="healthy"), 6.0)
        assert counted.waiting == {}

    def test_fund_deleveraging_and_shared_losses_are_counted(self) -> None:
        """LIB-DEMO-001: what the fund receives and what it pays are two figures."""
        counted = tally()
        for change in (70, -40, 5):
            counted.take(event(InsuranceChanged, change_quanta=change), 1.0)
        assert (counted.received, counted.paid) == (75, 40)
        said = counted.take(event(PositionDeleveraged, account="short", against="lev-01", lots=100, rank=1), 1.0)
        assert said == "short is deleveraged: 0.100 against lev-01, rank 1"
        assert "shared by" in counted.take(event(LossSocialized), 1.0)
        assert (counted.deleveraged, counted.shared_losses) == (1, 1)

    def test_alerts_of_other_markets_are_not_counted(self) -> None:
        """LIB-DEMO-001: counted are those of the market, and of accounts that hold a position there."""
        counted = tally()
        here, there = ({"market": name} for name in (MARKET, "ETH-PERP"))
        for said in ({"inputs": [there, here]}, {"market": MARKET, "inputs": []}):
            counted.warn({**event(RiskAlertRaised), "market": None, **said})
        assert counted.alerts == 2
        for said in ({"inputs": [there]}, {"market": "ETH-PERP", "inputs": []}, {"inputs": []}):
            counted.warn({**event(RiskAlertRaised), "market": None, **said})
        assert counted.alerts == 2

    def test_states_are_told_and_other_markets_are_not(self) -> None:
        """LIB-DEMO-001."""
        counted = tally()
        pause = {"state": "post_only", "reason": "circuit_breaker", "occurred_at": 5, "ends_at": 20_000_005}
        said = counted.take(event(MarketStateChanged, **pause), 1.0)
        assert said.startswith("circuit breaker: for 20 s nothing matches")
        assert counted.state == "post_only"
        said = counted.take(event(MarketStateChanged, state="auction", reason="post_only_over"), 1.0)
        assert said == "the market is auction (post_only_over)"
        said = counted.take(event(MarketStateChanged, state="post_only", reason="admin"), 1.0)
        assert counted.take({**event(MarketStateChanged, state="halted"), "market": "ETH-PERP"}, 1.0) == ""
        assert counted.state == "post_only"


class TestInvariants:
    def test_the_auditor_is_read_from_its_metrics(self) -> None:
        """LIB-DEMO-002: findings of every check are summed; a matching that tells nothing is no green light."""
        assert Audited.of(METRICS.format(findings="")) == Audited(282, 0, 1_500)
        findings = "".join(f'cleartide_audit_findings_total{{check="{name}"}} 2.0\n' for name in ("sum", "balance"))
        assert Audited.of(METRICS.format(findings=findings)) == Audited(282, 4, 1_500)
        with pytest.raises(ValueError, match="auditor"):
            Audited.of("cleartide_events_total 1")

    @pytest.mark.parametrize(
        ("conservation", "findings", "says"),
        [
            (ADDS_UP, 0, "hold: ledger sums to zero; long = short; auditor: 0 findings"),
            ({**ADDS_UP, "assets": {"USDC": {"cash": 8, "external": -7}}}, 0, "BROKEN: ledger is off by {'USDC': 1}"),
            ({**ADDS_UP, "lots": {MARKET: -3}}, 0, "BROKEN: ledger sums to zero; long - short is {'BTC-PERP': -3}"),
            (ADDS_UP, 1, "BROKEN: ledger sums to zero; long = short; auditor: 1 findings"),
        ],
    )
    def test_the_line_says_what_does_not_add_up(
        self, conservation: Mapping[str, Any], findings: int, says: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """LIB-DEMO-002."""
        found = Invariants(conservation, Audited(9, findings, 1))
        assert found.hold == says.startswith("hold")
        found.show()
        assert says in capsys.readouterr().out


def unit(name: str, state: str = "ready", port: int = 1) -> dict[str, Any]:
    return {"name": name, "state": state, "port": port}


class TestRefusals:
    @pytest.mark.parametrize(
        ("units", "says"),
        [
            ((), "no sandbox runs here: start one with `make up`"),
            ((unit("simulator", "stopped"), unit("sandbox", "stopped")), "no sandbox runs here"),
            ((unit("ingestor"), unit("sandbox")), "prices come from real venues"),
            ((unit("ingestor"), unit("simulator")), "no sandbox runs here: `make ps`"),
            ((unit("simulator", "restarting"), unit("sandbox")), "no simulator runs here"),
        ],
    )
    def test_a_place_without_a_replay_and_a_population(self, units: tuple[dict[str, Any], ...], says: str) -> None:
        """LIB-DEMO-003: nothing runs, real venues, no population: one line that says what to do."""
        with pytest.raises(DemoError, match=says):
            Hand.on(Place(units=units))

    @pytest.mark.parametrize(("text", "ppm"), [("12%", 120_000), ("12", 120_000), ("0.5 %", 5_000), ("7.25%", 72_500)])
    def test_a_drop_is_per_cent(self, text: str, ppm: int) -> None:
        """LIB-DEMO-003."""
        assert share_ppm(text) == ppm

    @pytest.mark.parametrize("text", ["ETH", "eth", "ETH-PERP", "eth-perp"])
    def test_a_market_by_its_name_or_its_base(self, text: str) -> None:
        """LIB-DEMO-006."""
        assert chosen(LISTED, text) == LISTED["markets"][1]

    @pytest.mark.parametrize("text", ["DOGE", "", "USDC", "SOL"])
    def test_a_market_that_is_not_there(self, text: str) -> None:
        """LIB-DEMO-006: nor one that is not the only one of its base; those that are there are named."""
        with pytest.raises(
            DemoError, match=f"no one market {text}: choose from BTC-PERP, ETH-PERP, SOL-PERP, SOL-WEEK"
        ):
            chosen(LISTED, text)

    @pytest.mark.parametrize("text", ["", "%", "-3%", "12%%", "a lot", "1e1", "0.00001%", "nan"])
    def test_what_is_no_drop(self, text: str) -> None:
        """LIB-DEMO-003."""
        with pytest.raises(DemoError, match="--drop"):
            share_ppm(text)

    async def test_it_is_said_in_one_line(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """LIB-DEMO-003: where nothing runs, and where the drop is none."""
        monkeypatch.setenv("CLEARTIDE_HOME", str(folder))
        for arguments in (CRASH, (*CRASH[:-1], "far"), ("demo", "kill", "risk")):
            assert await asyncio.to_thread(main, arguments) == 1
            said = capsys.readouterr()
            assert (said.out, said.err.count("\n"), said.err.startswith("cleartide demo: ")) == ("", 1, True)

    async def test_what_is_no_service_is_not_killed(self) -> None:
        """LIB-DEMO-003: nothing runs, no such service, a server, one that does not answer."""
        with pytest.raises(DemoError, match="no system runs here"):
            await Victim.of(Place(units=(unit("risk", "stopped"),)), "risk")
        place = Place(units=(unit("nats"), unit("risk"), unit("risk_2")))
        for name in ("nats", "rsik", ""):
            with pytest.raises(DemoError, match="choose from risk, risk_2"):
                await Victim.of(place, name)
        with pytest.raises(DemoError, match="risk is not at work now"):
            await Victim.of(place, "risk")

    def test_a_process_that_is_another_one_now_is_spared(self) -> None:
        """LIB-DEMO-003: the id was given anew; this test would end here."""
        stale = {**unit("risk"), "pid": os.getpid(), "mark": "1"}
        with pytest.raises(DemoError, match="no longer process"):
            Victim("risk", stale, (stale,), EVENTS).kill()


class TestBalance:
    @pytest.mark.parametrize(
        ("wanted", "folded", "says"),
        [
            (5, 5, "events lost 0, duplicates applied 0"),
            (5, 3, "events lost 2, duplicates applied 0"),
            (5, 9, "events lost 0, duplicates applied 4"),
        ],
    )
    def test_lost_and_doubled(self, wanted: int, folded: int, says: str) -> None:
        """LIB-DEMO-005."""
        verdict, reckoned = Balance(10, 15, wanted, folded, 1).lines()
        assert verdict == says
        assert reckoned == f"{wanted} in the stream from 10 to 15; {folded} folded, 1 came again and were skipped"

    def test_what_a_process_counts_is_read_from_its_metrics(self) -> None:
        """LIB-DEMO-005: a process that counts nothing has not folded everything."""
        names = ("events_total", "events_skipped_total", "position")
        text = "".join(f'cleartide_{name}{{service="risk"}} {number}.0\n' for number, name in enumerate(names, start=3))
        assert Folded.of(text) == Folded(3, 4, 5)
        with pytest.raises(ValueError, match="does not count"):
            Folded.of(METRICS)
