"""Our engine by frames of so many commands."""

from array import array
from collections.abc import Iterator

from benchmarks.engine.flows import Flow
from benchmarks.engine.subjects.ours import framed_trades, frames, new_engine
from benchmarks.engine.worker import Call


class Engine:
    """One call per frame."""

    def __init__(self, per_frame: int) -> None:
        self.core = new_engine()
        self.per_call = per_frame
        self.flow = Flow("")

    def calls(self, flow: Flow) -> Iterator[list[Call]]:
        """Frames made beforehand."""
        self.flow = flow
        for frame in frames(flow, self.per_call):
            yield [(self.core.apply_packed, (frame,))]

    def trades(self) -> "array[int] | None":
        """Of the same frames, by another engine."""
        return framed_trades(self.flow)
