"""What a process tells about itself: its role, how far it has come, what waits."""

from dataclasses import dataclass


@dataclass
class Health:
    """The process's progress, for the health endpoints.

    pending: messages taken and not yet committed, and those known to wait behind them; of a standby, how many messages
    it is behind the active process. waiting_since: monotonic time of the last commit or, after a pause, of the message
    that ended it; 0 before both. looked: monotonic time of a standby's last look at the active process; warm: whether
    it holds, or brought along, the state in memory.
    """

    phase: str = "starting"
    epoch: int = 0
    position: int = 0
    pending: int = 0
    last_commit_monotonic: float = 0.0
    waiting_since: float = 0.0
    commits: int = 0
    gaps: int = 0
    restarts: int = 0
    last_error: str = ""
    looked: float = 0.0
    warm: bool = False
    _taken: int = 0
    _behind: int = 0

    def began(self, position: int) -> None:
        """A new epoch reads on from a position; what the last one had taken comes again."""
        self.position, self.phase = position, "running"
        self._taken = self._behind = self.pending = 0

    def took(self, messages: int, behind: int, now: float) -> None:
        """Messages were taken from the stream, which holds more behind them."""
        if not self.pending:
            self.waiting_since = now
        self._taken += messages
        self._behind = behind
        self.pending = self._taken + behind

    def committed(self, messages: int, position: int, now: float) -> None:
        """A batch of so many messages is committed."""
        self.position, self.last_commit_monotonic, self.waiting_since = position, now, now
        self._taken -= messages
        self.pending = self._taken + self._behind
        self.commits += 1

    @property
    def role(self) -> str:
        """`standby` until the process has taken the place."""
        return "active" if self.epoch else "standby"

    def followed(self, position: int, behind: int, now: float, *, warm: bool) -> None:
        """A standby has looked at the active process. Standing still while messages wait is no progress."""
        if position != self.position or not behind or self.phase != "following":
            self.waiting_since = now
        self.phase, self.position, self.pending = "following", position, behind
        self.looked, self.warm = now, warm
