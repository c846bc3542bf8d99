"""Which commands have been applied already: the same command never counts twice, and none may be missing."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from cleartide.contracts import LiquidateAccount, Message, SettleFunding, UpdateIndexPrice
from cleartide.contracts.pools import POOLS

from services.matching.domain.errors import Refused, SourceGap

NUMBERED: Final[Mapping[str, type[Message]]] = {
    "ingestor": UpdateIndexPrice,
    **dict.fromkeys(POOLS["risk"], LiquidateAccount),
    "funding": SettleFunding,
}
"""Sources that number their commands without gaps, and the one command each may send."""

COMMAND: Final = "command"
TRADE: Final = "trade"
DEPOSIT: Final = "deposit"


class AppliedId(NamedTuple):
    """One remembered identity, in the column order of its table."""

    kind: str
    source: str
    id: str


class Intake:
    """The last number per numbered source, and every (source, id) of the others."""

    __slots__ = ("_applied", "fresh", "numbers", "touched")

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.touched: set[str] = set()
        self.fresh: list[AppliedId] = []
        self._applied: dict[tuple[str, str], set[str]] = {}

    def admit(self, command: Message) -> bool:
        """Whether to apply it; False: a numbered command seen before (its sender repaired a publish).

        Raises Refused for a duplicate and for a command under a name that is not its sender's, SourceGap when a
        numbered command is missing. A numbered command is used up here, even if it is refused later on.
        """
        owned = NUMBERED.get(command.source)
        if owned is None:
            if command.id in self._applied.get((COMMAND, command.source), ()):
                raise Refused("duplicate", f"{command.source} {command.id}")
            return True
        if type(command) is not owned or not command.seq:
            raise Refused("source_not_allowed", f"{command.type} number {command.seq} from {command.source}")
        last = self.numbers.get(command.source, 0)
        if command.seq <= last:
            return False
        if command.seq != last + 1:
            raise SourceGap(f"{command.source}: expected command {last + 1}, got {command.seq}")
        self.numbers[command.source] = command.seq
        self.touched.add(command.source)
        return True

    def record(self, command: Message) -> None:
        """The command was applied: remember its identity (a number is remembered on admission)."""
        if command.source not in NUMBERED:
            self._remember(COMMAND, command.source, command.id)

    def is_known_trade(self, source: str, trade_id: str) -> bool:
        """Whether this outside trade was applied."""
        return trade_id in self._applied.get((TRADE, source), ())

    def record_trade(self, source: str, trade_id: str) -> None:
        """Remember an outside trade's identity."""
        self._remember(TRADE, source, trade_id)

    def is_known_deposit(self, asset: str, identity: str) -> bool:
        """Whether this deposit was ever seen."""
        return identity in self._applied.get((DEPOSIT, asset), ())

    def record_deposit(self, asset: str, identity: str) -> None:
        """Remember a deposit's identity."""
        self._remember(DEPOSIT, asset, identity)

    def restore(self, applied: AppliedId) -> None:
        """Take back a stored identity."""
        self._applied.setdefault((applied.kind, applied.source), set()).add(applied.id)

    def _remember(self, kind: str, source: str, identity: str) -> None:
        applied = AppliedId(kind, source, identity)
        self.restore(applied)
        self.fresh.append(applied)
