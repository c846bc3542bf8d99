"""Trailing stops on the exchange: the best price since arming, by an amount or a rate, from each source."""

from typing import Any

import pytest
from cleartide.contracts import OrderArmed, OrderTriggered
from cleartide.contracts.types import TriggerSource

from services.matching.tests.support import Exchange, only
from services.matching.tests.waiting import conditional, exchange, fired, show


def trailing(ex: Exchange, side: str, source: TriggerSource = "index", **terms: Any) -> OrderArmed:
    """A trailing stop of ann's, and how it was armed."""
    order = {"client_order_id": "t", "trigger_source": source, **terms}
    return only(conditional(ex, "ann", side, "trailing_stop", **order), OrderArmed)


@pytest.mark.parametrize("source", ["mark", "index", "last"])
@pytest.mark.parametrize(
    ("side", "terms", "path", "not_yet", "then"),
    [
        ("sell", {"trail_amount": "10"}, ["1010", "1004"], "1000.1", "1000"),
        ("sell", {"trail_rate_ppb": 20_000_000}, ["1100", "1090"], "1078.1", "1078"),
        ("buy", {"trail_amount": "10"}, ["990", "996"], "999.9", "1000"),
        ("buy", {"trail_rate_ppb": 20_000_000}, ["950", "960"], "968.9", "969"),
    ],
)
def test_match_trl_001_it_fires_at_its_distance_behind_the_best_price(
    source: TriggerSource, side: str, terms: dict[str, Any], path: list[str], not_yet: str, then: str
) -> None:
    """MATCH-TRL-001: to the tick, by every source."""
    ex = exchange()
    assert trailing(ex, side, source, **terms).extreme_ticks == 10_000
    for price in (*path, not_yet):
        assert fired(show(ex, source, price)) == []
    event = only(show(ex, source, then), OrderTriggered)
    assert event.trigger_price_ticks == event.source_price_ticks == round(float(then) * 10)
    assert event.extreme_ticks == round(float(path[0]) * 10)


def test_match_trl_002_a_slow_fall_fires_it_where_a_fast_one_does() -> None:
    """MATCH-TRL-002: 2 % behind 1000 is 980 after 200 prices on the way down as after one."""
    slowly = [f"{1_000 - step / 10:.1f}" for step in range(200)]
    for path in ([], slowly):
        ex = exchange()
        trailing(ex, "sell", trail_rate_ppb=20_000_000)
        for price in path:
            assert fired(ex.price(price)) == []
        assert fired(ex.price("980")) == ["t"]


def test_match_trl_003_it_follows_only_prices_since_it_was_armed() -> None:
    """MATCH-TRL-003"""
    ex = exchange()
    ex.price("1050")
    ex.price("1000")
    assert trailing(ex, "sell", trail_amount="10").extreme_ticks == 10_000
    assert fired(ex.price("991")) == []
    assert fired(ex.price("990")) == ["t"]


def test_match_trl_004_the_best_price_survives_a_restart_at_any_moment() -> None:
    """MATCH-TRL-004: three orders that have seen three different bests, and a fourth that has seen none."""
    ex = exchange()
    for name, price in (("a", "1030"), ("b", "1020"), ("c", "1010")):
        ex.price(price)
        ex.restart()
        trailing(ex, "sell", client_order_id=name, trail_amount="25")
    ex.price(None)
    ex.restart()
    assert trailing(ex, "sell", client_order_id="d", trail_amount="25").extreme_ticks is None
    ex.restart()
    assert fired(ex.price("1005")) == ["a"]
    ex.restart()
    assert fired(ex.price("1015")) == []
    ex.restart()
    assert fired(ex.price("990.1")) == ["b"]
    assert fired(ex.price("990")) == ["c", "d"]


def test_match_trl_005_another_distance_counts_from_the_same_best_price() -> None:
    """MATCH-TRL-005"""
    ex = exchange()
    trailing(ex, "sell", trail_amount="50")
    ex.price("1100")
    ex.restart()
    armed = only(ex.amend("ann", "t", trail_rate_ppb=10_000_000), OrderArmed)
    assert (armed.trail_ticks, armed.trail_rate_ppb, armed.extreme_ticks) == (None, 10_000_000, 11_000)
    ex.restart()
    assert fired(ex.price("1089.1")) == []
    assert fired(ex.price("1089")) == ["t"]


def test_match_trl_006_a_new_best_price_writes_one_row_however_many_trail_it() -> None:
    """MATCH-TRL-006"""
    ex = exchange()
    for number in range(150):
        trailing(ex, "sell", "mark", client_order_id=f"t{number}", trail_amount=str(20 + number))
    ex.commit()
    ex.price("1001")
    changes = ex.repository.collect(ex.state)
    assert {table.name: len(rows) for table, rows in changes.rows.items()}["trails"] == 1
    assert "triggers" not in {table.name for table in changes.rows}


def test_match_trl_007_trades_of_one_command_move_the_best_price_and_fire_in_turn() -> None:
    """MATCH-TRL-007: up to 1020 and down to 1009 by one sweep each; the distance of 11 is met by the second."""
    ex = exchange()
    trailing(ex, "sell", "last", trail_amount="11")
    for price in ("1010", "1020"):
        ex.place("cat", "sell", "0.1", price)
    assert fired(ex.place("dan", "buy", "0.2", "1020")) == []
    for price in ("1009.1", "1009"):
        ex.place("cat", "buy", "0.1", price)
    assert only(ex.place("dan", "sell", "0.2", "1009"), OrderTriggered).extreme_ticks == 10_200
