"""What goes wrong, how often, and when: all of it drawn from the seed."""

import asyncio
from dataclasses import dataclass, fields
from random import Random
from typing import Final

from cleartide.bus.faults import CRASH_POINTS

LONG_SECONDS: Final = 20.0


class Crash(BaseException):
    """The process is gone. Not an Exception: no handler of the code under test may live through it."""


@dataclass(frozen=True)
class Temper:
    """Probability of each fault per occasion. A run has some of them, in a strength of its own."""

    slow: float = 0.0
    fetch_repeats: float = 0.0
    fetch_skips: float = 0.0
    cursor_lost: float = 0.0
    publish_fails: float = 0.0
    publish_cut: float = 0.0
    ack_lost: float = 0.0
    window_over: float = 0.0
    commit_fails: float = 0.0
    commit_unheard: float = 0.0
    store_fails: float = 0.0
    crash: float = 0.0
    frozen: float = 0.0

    @classmethod
    def of(cls, random: Random) -> "Temper":
        """Calm, rough or wild, fault by fault."""
        strengths = (0.0, 0.0, 0.01, 0.05, 0.2)
        drawn = {field.name: random.choice(strengths) for field in fields(cls)}
        drawn["crash"] = random.choice((0.0, 0.002, 0.01, 0.03))
        drawn["frozen"] = random.choice((0.0, 0.0, 0.01, 0.03))
        drawn["window_over"] = random.choice((0.0, 0.5, 1.0))
        return cls(**drawn)


class Chance:
    """One actor's generator, with the run's temper; after `calm` nothing goes wrong any more."""

    def __init__(self, seed: int, actor: str, temper: Temper) -> None:
        self.random = Random(f"{seed}:{actor}")
        self._temper = temper

    def calm(self) -> None:
        """From now on all goes well."""
        self._temper = Temper()

    def happens(self, fault: str) -> bool:
        """Whether it goes wrong this time."""
        probability = getattr(self._temper, fault)
        return bool(probability) and self.random.random() < probability

    async def wait(self) -> None:
        """The time that one step over a network takes."""
        seconds = self.random.expovariate(20.0)
        if self.happens("slow"):
            seconds += self.random.uniform(0, LONG_SECONDS)
        await asyncio.sleep(seconds)

    def reach(self, point: str) -> None:
        """A crash point of the recipe."""
        assert point in CRASH_POINTS
        if self.happens("crash"):
            raise Crash(point)
