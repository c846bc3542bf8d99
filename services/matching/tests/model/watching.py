"""What an account's owner tells the watch over it; matching only lets in who may say so."""

from fractions import Fraction
from typing import Final

from cleartide.contracts import AlertAnswered, AnswerAlert, RiskLimitsSet, SetRiskLimits

from services.matching.tests.model.accounts import reject
from services.matching.tests.model.numbers import MILLION
from services.matching.tests.model.rights import known, require_right
from services.matching.tests.model.texts import signed_steps_of
from services.matching.tests.model.world import MOST_QUANTA, Refusal, World

AMOUNTS: Final = ("max_position", "max_daily_loss", "max_drawdown", "max_value_at_risk")


def set_limits(world: World, command: SetRiskLimits) -> None:
    """In quanta; they stop nothing."""
    try:
        account = known(world, command.account)
        require_right(world, account, command.actor, "trade")
        amounts = {f"{name}_quanta": _quanta(getattr(command, name)) for name in AMOUNTS}
    except Refusal as refusal:
        reject(world, command.account, type(command), refusal.reason)
        return
    world.say(RiskLimitsSet, account=account.name, max_leverage=command.max_leverage, **amounts)


def answer(world: World, command: AnswerAlert) -> None:
    """Seen, or dealt with."""
    try:
        account = known(world, command.account)
        require_right(world, account, command.actor, "trade")
    except Refusal as refusal:
        reject(world, command.account, type(command), refusal.reason)
        return
    by = command.actor or account.name
    told = {"alert": command.alert, "answer": command.answer, "note": command.note, "actor": by}
    world.say(AlertAnswered, account=account.name, **told)


def _quanta(amount: str | None) -> int | None:
    return None if amount is None else signed_steps_of(amount, Fraction(1, MILLION), MOST_QUANTA)
