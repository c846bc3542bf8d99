"""Rows and state: what is stored is enough, and nothing is stored twice."""

import pytest
from cleartide.contracts import OrderAccepted, TradeExecuted

from services.matching.domain.errors import InvariantBroken
from services.matching.repository import MatchingRepository
from services.matching.tests.support import MARKET, Exchange, of, only


def busy() -> Exchange:
    """Positions, resting orders of equal price, funding half paid, a liquidation behind it."""
    ex = Exchange()
    for account in ("ann", "bob", "cat"):
        ex.deposit(account, "500")
    ex.insure("100")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    ex.settle(333_333, 1)
    for account in ("cat", "bob", "ann"):
        ex.place(account, "buy", "0.1", "990")
    ex.place("cat", "sell", "0.2", "1010", reduce_only=False)
    return ex


def test_match_rep_001_a_first_start_is_empty() -> None:
    """MATCH-REP-001"""
    ex = Exchange(listed=False)
    ex.restart()
    assert not ex.state.markets and not ex.state.accounts
    assert all(not rows for rows in ex.tables.values())


def test_match_rep_002_orders_of_one_price_keep_their_order_through_a_restart() -> None:
    """MATCH-REP-002"""
    ex = busy()
    ex.restart()
    events = ex.place("bob", "sell", "0.25", "990")
    assert [(t.buyer, t.size_lots) for t in of(events, TradeExecuted)] == [("cat", 100), ("ann", 100)]


def test_match_rep_003_margin_kept_for_open_orders_survives_a_restart() -> None:
    """MATCH-REP-003: derived from the orders, not stored."""
    ex = busy()
    ex.place("cat", "buy", "0.1", "1005")
    before = ex.state.accounts["cat"]
    ex.restart()
    after = ex.state.accounts["cat"]
    assert after.reserved == before.reserved > 0
    assert (after.holdings[MARKET].bids, after.holdings[MARKET].asks) == (200, 200)


def test_match_rep_004_a_quiet_batch_writes_nothing() -> None:
    """MATCH-REP-004"""
    ex = busy()
    ex.commit()
    changes = MatchingRepository().collect(ex.state)
    assert changes.rows == {} and changes.deletes == {}


def test_match_rep_005_only_what_changed_is_written() -> None:
    """MATCH-REP-005: one new order touches orders, its client id, the command's id and three counts."""
    ex = busy()
    ex.commit()
    only(ex.place("ann", "buy", "0.1", "980"), OrderAccepted)
    changes = MatchingRepository().collect(ex.state)
    written = {table.name: len(rows) for table, rows in changes.rows.items()}
    counts = {"counters": 2, "order_attempts": 1, "books": 1}
    assert written == {"orders": 1, "client_order_ids": 1, "applied_ids": 1, **counts}


def test_match_rep_006_closed_orders_and_positions_leave_their_tables() -> None:
    """MATCH-REP-006"""
    ex = busy()
    ex.commit()
    assert len(ex.rows("orders")) == 4
    ex.place("bob", "buy", "1", "1010")
    ex.place("ann", "sell", "1", "1010")
    ex.commit()
    positions = {row["account"]: row["lots"] for row in ex.rows("positions")}
    assert positions == {"ann": 200, "cat": -200}
    assert all(row["remaining_lots"] > 0 for row in ex.rows("orders"))


def test_match_rep_007_market_rules_come_back_as_they_were_listed() -> None:
    """MATCH-REP-007"""
    ex = busy()
    before = ex.state.markets[MARKET]
    ex.restart()
    after = ex.state.markets[MARKET]
    assert after.spec == before.spec
    assert (after.funding.index, after.funding.carry) == (before.funding.index, before.funding.carry)
    assert after.open_interest == before.open_interest == 1000


def test_match_rep_008_positions_that_do_not_add_up_are_not_started_from() -> None:
    """MATCH-REP-008"""
    ex = busy()
    ex.commit()
    lost = next(key for key, row in ex.tables["positions"].items() if row[2] > 0)
    del ex.tables["positions"][lost]
    with pytest.raises(InvariantBroken, match="open interest 1000, positions 0"):
        MatchingRepository().restore(ex.loaded())
