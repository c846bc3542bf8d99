"""The matching engine trades whole flows as a slow and obvious book does, to the last lot and in the same order."""

import hashlib
from collections.abc import Iterator

import pytest

from benchmarks.engine.flows import ADD, CANCEL, MODIFY, TAKE, Flow, recorded, synthetic, trade_digest
from benchmarks.engine.ladder import Ladder
from benchmarks.engine.public import MARKETS, flow
from benchmarks.engine.reports import report_hash
from benchmarks.engine.subjects.ours import framed_trades


def test_match_eng_023_a_synthetic_flow_trades_as_the_ladder_says() -> None:
    """MATCH-ENG-023: price and time decide over thousands of orders, cancels and takers."""
    made = synthetic(commands=20_000, start=2_000)
    assert made.fills > 4_000
    assert trade_digest(framed_trades(made)) == made.digest


def test_match_eng_023_a_recorded_market_trades_as_the_ladder_says() -> None:
    """Six minutes of a real perpetual: 447,000 commands, prices on 6,700 levels."""
    made = recorded()
    assert (len(made), made.fills) == (446_986, 14_128)
    assert trade_digest(framed_trades(made)) == made.digest


@pytest.mark.parametrize("market", MARKETS)
def test_match_eng_024_reports_are_those_of_an_obvious_book(market: str) -> None:
    """MATCH-ENG-024: every report of the public benchmark's scenarios, rejections of what is gone included."""
    made = flow(market, orders=3_000)
    assert report_hash(made) == hashlib.sha256("\n".join(_reports(made)).encode()).hexdigest()


def _reports(made: Flow) -> Iterator[str]:
    """What the benchmark's description asks for, from the ladder."""
    book = Ladder()
    for seq, (what, number, side, price, lots) in enumerate(made.commands()):
        resting = number in book.places
        if what == CANCEL and resting:
            at = book.places[number][1]
            book.remove(number)
            yield f"2,{seq},{side},{number},{at}"
        elif what == CANCEL:
            yield f"4,{seq},{number}"
        elif what == MODIFY and not resting:
            yield f"5,{seq},{number}"
        else:
            if what == MODIFY:
                book.remove(number)
            else:
                yield f"0,{seq},{side},{number},{price},{lots}"
            trades = book.take(side, lots, price)
            yield from (f"1,{seq},{at},{traded},{maker},{number}" for maker, at, traded in trades)
            left = lots - sum(traded for _, _, traded in trades)
            if left and what != TAKE:
                book.rest(number, side, price, left)
            if what == MODIFY:
                yield f"3,{seq},{side},{number},{price},{lots}"
            elif left and what == TAKE:
                yield f"2,{seq},{side},{number},{price}"
            assert what in (ADD, TAKE, MODIFY)
