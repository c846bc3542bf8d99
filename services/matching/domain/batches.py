"""A batch of instructions for one account and market: applied in order, each answered on its own."""

from cleartide.contracts import AmendInstruction, CancelInstruction, SubmitOrders

from services.matching.domain.amending import amend
from services.matching.domain.answers import Sender
from services.matching.domain.canceling import cancel
from services.matching.domain.orders import place
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState


def submit(state: MatchingState, command: SubmitOrders, out: Output) -> None:
    """Apply the instructions one after the other; one that is refused does not stop the others."""
    sender = Sender(command.account, command.market, command.actor)
    for instruction in command.instructions:
        if isinstance(instruction, CancelInstruction):
            cancel(state, out, sender, instruction)
        elif isinstance(instruction, AmendInstruction):
            amend(state, out, sender, instruction)
        else:
            place(state, out, sender, instruction)
