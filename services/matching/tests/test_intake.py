"""The same command never counts twice, and none may be missing."""

import pytest
from cleartide.contracts import Deposit, UpdateIndexPrice
from cleartide.fold import Reject

from services.matching.domain.errors import SourceGap
from services.matching.tests.support import MARKET, START, Exchange


def price(seq: int, value: str, market: str = MARKET) -> UpdateIndexPrice:
    return UpdateIndexPrice(
        id=f"ingestor-{seq}", seq=seq, source="ingestor", occurred_at=START, market=market, price=value, sources=()
    )


def test_match_idm_001_a_numbered_command_seen_before_is_skipped_in_silence() -> None:
    """MATCH-IDM-001: its sender repaired a publish; also after a restart."""
    ex = Exchange()
    ex.price("1001")
    ex.restart()
    for seq in (1, 2):
        assert ex.fold(price(seq, "500")) == []
    assert ex.state.markets[MARKET].prices.mark == 10_010
    assert ex.dead == []


def test_match_idm_002_a_missing_numbered_command_stops_the_service() -> None:
    """MATCH-IDM-002"""
    ex = Exchange()
    with pytest.raises(SourceGap, match="expected command 2, got 3"):
        ex.fold(price(3, "1001"))
    assert ex.state.intake.numbers["ingestor"] == 1


@pytest.mark.parametrize("restart", [False, True])
def test_match_idm_003_a_repeated_outside_command_is_a_dead_letter(restart: bool) -> None:
    """MATCH-IDM-003: by source and id; another source may use the same id."""
    ex = Exchange()
    ex.deposit("ann", "5", id="d1")
    if restart:
        ex.restart()
    with pytest.raises(Reject) as verdict:
        ex.deposit("ann", "5", id="d1")
    assert verdict.value.reason == "duplicate"
    ex.deposit("ann", "5", id="d1", source="treasury")
    assert ex.cash("ann") == 10_000_000


def test_match_idm_004_a_command_answered_with_a_rejection_is_applied_all_the_same() -> None:
    """MATCH-IDM-004: it had its answer."""
    ex = Exchange()
    ex.place("nobody", "buy", "1", "1000", id="o1")
    with pytest.raises(Reject) as verdict:
        ex.place("nobody", "buy", "1", "1000", id="o1")
    assert verdict.value.reason == "duplicate"


def test_match_idm_005_a_refused_outside_command_may_be_sent_again() -> None:
    """MATCH-IDM-005: a dead letter can be redriven once its cause is gone."""
    ex = Exchange(listed=False)
    with pytest.raises(Reject):
        ex.report("1000", "1", buyer="ann", id="r1", trade_id="t1")
    ex.list()
    ex.report("1000", "1", buyer="ann", id="r1", trade_id="t1")
    assert ex.lots("ann") == 1000


def test_match_idm_006_a_refused_numbered_command_has_used_its_number() -> None:
    """MATCH-IDM-006: the next one follows without a gap, also when the refusal was the last thing stored."""
    ex = Exchange()
    with pytest.raises(Reject) as verdict:
        ex.fold(price(2, "1001", "ETH-PERP"))
    assert verdict.value.reason == "unknown_market"
    ex.restart()
    assert ex.fold(price(3, "1002"))


@pytest.mark.parametrize("source", ["ingestor", "risk", "funding"])
def test_match_idm_007_the_services_names_are_not_for_others(source: str) -> None:
    """MATCH-IDM-007: nobody can use up, or open a gap in, the numbers of a service."""
    ex = Exchange(price=None)
    deposit = Deposit(id="x", seq=1, source=source, occurred_at=START, account="ann", asset="USDC", amount="1")
    with pytest.raises(Reject) as verdict:
        ex.fold(deposit)
    assert verdict.value.reason == "source_not_allowed"
    assert not ex.state.intake.numbers


def test_match_idm_008_a_services_command_without_a_number_is_refused() -> None:
    """MATCH-IDM-008"""
    ex = Exchange(price=None)
    with pytest.raises(Reject) as verdict:
        ex.fold(price(0, "1000"))
    assert verdict.value.reason == "source_not_allowed"


def test_match_idm_009_unnumbered_sources_may_set_prices_too() -> None:
    """MATCH-IDM-009: a venue with an index of its own; repeated ones are duplicates by id."""
    ex = Exchange(price=None)
    body = {"market": MARKET, "price": "1000", "sources": (), "id": "p1", "source": "oracle"}
    assert ex.send(UpdateIndexPrice, **body)
    with pytest.raises(Reject):
        ex.send(UpdateIndexPrice, **body)


def test_match_idm_010_ids_of_different_commands_share_one_space() -> None:
    """MATCH-IDM-010: an id is unique per source, whatever it is used for."""
    ex = Exchange()
    ex.deposit("ann", "500", id="same")
    with pytest.raises(Reject):
        ex.place("ann", "buy", "1", "990", id="same")
