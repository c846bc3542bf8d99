"""A long random flow of commands, and the digest of everything that the engine says to it and of all positions.

    python -m services.matching.engine.tests.digest COMMANDS [SEED]

The flow learns the ids from what it is told: two forms of the engine get the same flow only as long as they agree.
"""

import hashlib
import random
import sys
from collections import Counter
from typing import Final

from services.matching.engine import FORM
from services.matching.engine import records as r
from services.matching.engine.core import Engine
from services.matching.engine.tests.support import frame

ACCOUNTS: Final = 24
PER_FRAME: Final = 40
MODES: Final = (0, 0, r.EXPIRE_TAKER, r.EXPIRE_BOTH, r.DECREMENT, r.ALLOW_SELF_TRADE)
KINDS: Final = (0, r.IOC, r.FOK, r.MARKET, r.MARKET | r.FOK, r.POST_ONLY, r.STOP, r.STOP | r.MARKET, r.STOP | r.FOK)


class Flow:
    """Commands of every kind around a price that wanders, sometimes jumps, and leaves the engine's window."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.price = 10_000
        self.live: list[tuple[int, int]] = []
        self.places: dict[int, int] = {}
        self.dead = (1, 0)

    def commands(self, count: int) -> list[tuple[int, ...]]:
        """The next commands."""
        self.price += self.random.randint(-6, 6)
        if self.random.random() < 0.01:
            self.price += self.random.randint(-3000, 3000)
        self.price = min(max(self.price, 200), 40_000)
        return [self._command() for _ in range(count)]

    def _command(self) -> tuple[int, ...]:
        chance, integer = self.random.random(), self.random.randint
        if chance < 0.02:
            return tuple(integer(-(2**63), 2**63 - 1) if integer(0, 3) == 0 else integer(-2, 70) for _ in range(8))
        if chance < 0.68 or len(self.live) < 10:
            return self._order(0 if chance < 0.54 else self.random.choice(KINDS))
        order_id, account = self.random.choice(self.live) if chance < 0.98 else self.dead
        if chance < 0.88:
            return (r.CANCEL, account, order_id, 0, 0, 0, integer(0, 99), 0)
        return (r.REPLACE, account, order_id, self.price + integer(-40, 40), integer(1, 60), 0, 0, 0)

    def _order(self, kind: int) -> tuple[int, ...]:
        integer = self.random.randint
        account, sell, mode = integer(0, ACCOUNTS - 1), integer(0, 1), self.random.choice(MODES)
        cut = r.REDUCE_ONLY if integer(0, 7) == 0 else 0
        away = int(self.random.paretovariate(0.7)) - 3
        limit = max(1, self.price + (away if sell else -away)) if away < 30_000 else 1
        price = 0 if kind & r.MARKET else limit
        trigger = max(1, self.price + integer(-50, 50)) if kind & r.STOP else 0
        return (r.PLACE, account, sell | kind | cut | mode, price, integer(1, 100), trigger, integer(0, 9), 0)

    def learn(self, words: list[int]) -> None:
        """Which orders are live now."""
        for at in range(0, len(words), r.WORDS):
            kind, first, second = words[at : at + 3]
            if kind == r.ACCEPTED:
                self.places[first] = len(self.live)
                self.live.append((first, second))
            elif kind == r.CLOSED:
                self._forget(first)
            elif kind in (r.TRADE, r.PREVENTED):
                if not words[at + 5]:
                    self._forget(first)
                if not words[at + 6]:
                    self._forget(second)

    def _forget(self, order_id: int) -> None:
        place, newest = self.places.pop(order_id), self.live.pop()
        self.dead = newest
        if newest[0] != order_id:
            self.dead, self.live[place] = self.live[place], newest
            self.places[newest[0]] = place


def digest(commands: int, seed: int = 1, span: int = 4096) -> tuple[str, Counter[int]]:
    """SHA-256 of all events and of all positions at the end, and how many events of each kind there were."""
    engine = Engine(ACCOUNTS, span=span, taker_fee_ppb=450_000, maker_fee_ppb=150_000)
    flow, hashed, kinds = Flow(seed), hashlib.sha256(), Counter[int]()
    for _ in range(commands // PER_FRAME):
        events = engine.apply_packed(frame(flow.commands(PER_FRAME)))
        hashed.update(events)
        words = events.tolist()
        kinds.update(words[:: r.WORDS])
        flow.learn(words)
    hashed.update(memoryview(engine.positions.words))
    return hashed.hexdigest(), kinds


if __name__ == "__main__":
    found, counted = digest(int(sys.argv[1]), *map(int, sys.argv[2:]))
    print(FORM, found, dict(sorted(counted.items())))
