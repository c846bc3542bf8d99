"""Who gave an order command where, and what it is answered when it is refused."""

from typing import Literal, NamedTuple

from cleartide.contracts import OrderRejected

from services.matching.domain.output import Output

Action = Literal["place", "cancel", "amend"]


class Sender(NamedTuple):
    """The account that a command is for, and the market it is about: names as they came, known here or not.

    actor: who gave it; None is the account's owner.
    """

    account: str
    market: str
    actor: str | None = None


def reject(out: Output, sender: Sender, client_order_id: str, action: Action, reason: str) -> None:
    """Say that a command is refused; nothing has changed."""
    out.emit(
        OrderRejected,
        account=sender.account,
        market=sender.market,
        client_order_id=client_order_id,
        reason=reason,
        action=action,
    )
