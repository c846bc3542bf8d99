"""Limits and answers to alerts go through the sequencer, which lets in who may give them."""

from cleartide.contracts import (
    AccountRequestRejected,
    AlertAnswered,
    AnswerAlert,
    GrantDelegate,
    RiskLimitsSet,
    SetRiskLimits,
)

from services.matching.tests.support import Exchange, only


def test_limits_are_set_in_quanta() -> None:
    """RISK-ANSWER-002: what is not named is no limit."""
    ex = Exchange()
    ex.deposit("ann", "10")
    said = only(ex.send(SetRiskLimits, account="ann", max_daily_loss="2.5", max_leverage=3), RiskLimitsSet)
    assert (said.max_daily_loss_quanta, said.max_leverage, said.max_position_quanta) == (2_500_000, 3, None)


def test_an_answer_names_who_gave_it() -> None:
    """RISK-ANSWER-002: the owner, or a delegate who may trade."""
    ex = Exchange()
    ex.deposit("ann", "10")
    ex.deposit("dora", "10")
    answer = {"account": "ann", "alert": 1, "answer": "resolve", "note": "closed"}
    assert only(ex.send(AnswerAlert, **answer), AlertAnswered).actor == "ann"
    assert only(ex.send(AnswerAlert, **answer, actor="dora"), AccountRequestRejected).reason == "not_permitted"
    ex.send(GrantDelegate, account="ann", delegate="dora")
    assert only(ex.send(AnswerAlert, **answer, actor="dora"), AlertAnswered).actor == "dora"


def test_nobody_and_the_venue_have_no_limits() -> None:
    """RISK-ANSWER-002: an unknown account, the venue's own names, an amount finer than a quantum."""
    ex = Exchange()
    ex.deposit("ann", "10")
    reasons = [
        only(ex.send(SetRiskLimits, account=name, max_drawdown=amount), AccountRequestRejected).reason
        for name, amount in (("nobody", "1"), ("venue", "1"), ("ann", "0.0000001"))
    ]
    assert reasons == ["unknown_account", "reserved_account", "off_grid"]
    assert only(ex.send(AnswerAlert, account="nobody", alert=1, answer="resolve"), AccountRequestRejected)
