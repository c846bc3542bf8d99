"""The packed engine and the sequencer are two loops over one book: who meets whom, for how much, is one rule."""

from random import Random
from typing import Final

import pytest
from cleartide.contracts import OrderRejected, SelfTradePrevented, TradeExecuted

from services.matching.domain.market import Market
from services.matching.engine import book as rows
from services.matching.engine import records as r
from services.matching.engine.core import Engine
from services.matching.tests.support import MARKET, Events, Exchange, of

COMMANDS: Final = 300
NAMES: Final = ("ann", "bob", "cat", "dan")
MODES: Final = {
    0: "expire_maker",
    r.EXPIRE_TAKER: "expire_taker",
    r.EXPIRE_BOTH: "expire_both",
    r.DECREMENT: "decrement",
}
Met = tuple[str, int, int, int, int]
"""What two orders did: trade or prevented, the taker's and the maker's number, ticks, lots."""


class Both:
    """One market on either loop. Nobody lacks margin, and no band is near: what is left is matching."""

    def __init__(self) -> None:
        self.engine, self.exchange = Engine(len(NAMES)), Exchange()
        self.exchange.checked = False
        for name in NAMES:
            self.exchange.deposit(name, "100000000")
        self.numbers: dict[int, int] = {}
        self.clients: dict[int, tuple[int, str]] = {}
        self.meetings = 0

    @property
    def market(self) -> Market:
        """The sequencer's."""
        return self.exchange.state.markets[MARKET]

    def place(self, account: int, flags: int, ticks: int, lots: int) -> None:
        """One order to both: taken or refused by both, with the same trades."""
        found = self.engine.place(account, flags, ticks, lots)
        client, number = f"c{len(self.exchange.commands)}", len(self.numbers) + 1
        if found > 0:
            self.numbers[found], self.clients[found] = number, (account, client)
        said = self.exchange.place(
            NAMES[account],
            "sell" if flags & r.SELL else "buy",
            f"{lots // 1000}.{lots % 1000:03}",
            f"{ticks // 10}.{ticks % 10}",
            client_order_id=client,
            time_in_force="ioc" if flags & r.IOC else "gtc",
            post_only=bool(flags & r.POST_ONLY),
            reduce_only=bool(flags & r.REDUCE_ONLY),
            self_trade_prevention=MODES[flags & r.SELF_TRADE_MODE],
        )
        assert (found < 0) == bool(of(said, OrderRejected))
        met = self._met()
        assert met == _met_in(said, sells=bool(flags & r.SELL))
        self.meetings += len(met)
        self.compare()

    def cancel(self, order: int) -> None:
        """One order of those that were ever taken, open or not."""
        account, client = self.clients[order]
        found = self.engine.cancel(account, order)
        said = self.exchange.cancel(NAMES[account], client)
        assert (found < 0) == bool(of(said, OrderRejected))
        self.engine.drain()
        self.compare()

    def compare(self) -> None:
        """What rests, by priority, with its lots; and everybody's position."""
        book = self.engine.book
        for half, side in ((rows.BIDS, self.market.book.bids), (rows.ASKS, self.market.book.asks)):
            found, row = [], book.best(half)
            while row != rows.NIL:
                found.append((self.numbers[book.rows[row + rows.ID]], book.rows[row + rows.LOTS]))
                row = book.after(row)
            assert found == [(order.order_id, order.remaining) for order in side.orders()]
        for number, name in enumerate(NAMES):
            account = self.exchange.state.accounts[name]
            held = self.exchange.state.holding(account, self.market).lots
            assert self.engine.positions.words[number * 4] == held

    def _met(self) -> list[Met]:
        kinds = {r.TRADE: "trade", r.PREVENTED: "prevented"}
        return [
            (kinds[event[0]], self.numbers[event[1]], self.numbers[event[2]], event[3], event[4])
            for event in self.engine.drain()
            if event[0] in kinds
        ]


def _met_in(said: Events, *, sells: bool) -> list[Met]:
    found: list[Met] = []
    for event in said:
        if isinstance(event, TradeExecuted):
            taker, maker = event.buy_order_id, event.sell_order_id
            assert taker is not None and maker is not None
            if sells:
                taker, maker = maker, taker
            found.append(("trade", taker, maker, event.price_ticks, event.size_lots))
        elif isinstance(event, SelfTradePrevented):
            assert event.taker_order_id is not None
            found.append(
                ("prevented", event.taker_order_id, event.maker_order_id, event.price_ticks, event.prevented_lots)
            )
    return found


@pytest.mark.parametrize("seed", range(8))
def test_match_eng_027_both_loops_over_the_book_match_alike(seed: int) -> None:
    """MATCH-ENG-027: limit orders of every kind that the two have in common, in every mode of self-trade prevention."""
    both, random = Both(), Random(seed)
    for _ in range(COMMANDS):
        if both.clients and random.random() < 0.2:
            both.cancel(random.choice(sorted(both.clients)))
            continue
        flags = random.choice((0, r.SELL)) | random.choice((0, 0, 0, r.IOC, r.POST_ONLY, r.REDUCE_ONLY))
        # Of a reduce-only order the engine counts prevented lots as reduced; its records have no word for the rest.
        modes = sorted(MODES if not flags & r.REDUCE_ONLY else set(MODES) - {r.DECREMENT})
        both.place(
            random.randrange(len(NAMES)),
            flags | random.choice(modes),
            10_000 + random.randint(-6, 6),
            random.randint(1, 40),
        )
    assert both.meetings > COMMANDS // 6
