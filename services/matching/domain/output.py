"""What a rule may know and say besides the state it changes."""

from typing import Any, Protocol

from cleartide.contracts import Message


class Output(Protocol):
    """The command's place in the stream, and the way out for events."""

    @property
    def at(self) -> int:
        """Sequenced time of the command, microseconds UTC; never goes back."""
        ...

    @property
    def seq(self) -> int:
        """Position of the command in its stream."""
        ...

    def emit(self, contract: type[Message], **body: Any) -> None:
        """Say what happened."""
        ...
