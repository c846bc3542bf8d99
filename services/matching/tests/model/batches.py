"""A batch: every instruction as if it came alone, in order; what follows from them follows behind the last."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from cleartide.contracts import AmendOrder, CancelOrder, Message, PlaceOrder, SubmitOrders

from services.matching.tests.model.world import World

CONTRACTS: Final[Mapping[str, type[Message]]] = {"place": PlaceOrder, "cancel": CancelOrder, "amend": AmendOrder}


def submit(world: World, command: SubmitOrders, rules: Mapping[type[Message], Callable[[World, Any], None]]) -> None:
    """By the rules of single commands."""
    for instruction in command.instructions:
        contract = CONTRACTS[instruction.action]
        terms: dict[str, Any] = {name: value for name, value in instruction if name != "action"}
        rules[contract](world, contract(**_envelope(command), **terms))


def _envelope(command: SubmitOrders) -> dict[str, Any]:
    return {name: getattr(command, name) for name in ("id", "source", "occurred_at", "account", "market", "actor")}
