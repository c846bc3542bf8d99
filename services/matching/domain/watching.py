"""Limits and answers to alerts: matching lets in who may say so and puts it in order; risk acts on it."""

from cleartide.contracts import AlertAnswered, AnswerAlert, RiskLimitsSet, SetRiskLimits
from cleartide.money import MoneyError, quanta_from_text

from services.matching.domain.access import known, require
from services.matching.domain.errors import Refused
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.subaccounts import reject


def set_limits(state: MatchingState, command: SetRiskLimits, out: Output) -> None:
    """Refused: an unknown account, an actor without the right to trade, an amount finer than a quantum."""
    try:
        account = known(state, command.account)
        require(account, command.actor, "trade")
        amounts = {
            "max_position_quanta": _quanta(command.max_position),
            "max_daily_loss_quanta": _quanta(command.max_daily_loss),
            "max_drawdown_quanta": _quanta(command.max_drawdown),
            "max_value_at_risk_quanta": _quanta(command.max_value_at_risk),
        }
    except (Refused, MoneyError) as verdict:
        reject(out, command.account, command.type, verdict.reason)
        return
    out.emit(RiskLimitsSet, account=account.name, max_leverage=command.max_leverage, **amounts)


def answer_alert(state: MatchingState, command: AnswerAlert, out: Output) -> None:
    """Refused: an unknown account, or an actor without the right to trade."""
    try:
        account = known(state, command.account)
        require(account, command.actor, "trade")
    except Refused as verdict:
        reject(out, command.account, command.type, verdict.reason)
        return
    out.emit(
        AlertAnswered,
        account=account.name,
        alert=command.alert,
        answer=command.answer,
        note=command.note,
        actor=command.actor or account.name,
    )


def _quanta(amount: str | None) -> int | None:
    return None if amount is None else quanta_from_text(amount)
