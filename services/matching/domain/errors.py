"""What can go wrong: a verdict on a command, or a broken promise that stops the service."""


class Refused(Exception):  # noqa: N818 - a verdict on a command, not a fault of ours
    """Given before anything changed. `reason` is a code that reaches whoever sent the command."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class SourceGap(Exception):  # noqa: N818 - named for what happened
    """A numbered internal command is missing: the service stops, because going on would lose it for good."""


class Unbalanced(Exception):  # noqa: N818
    """The legs of one transaction do not sum to zero."""


class InvariantBroken(Exception):  # noqa: N818
    """The state contradicts itself; the message says where."""
