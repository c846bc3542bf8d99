"""10,000 armed orders in a trend, through spikes and over gaps: each fires when it is due, once, also with a restart.

What this replaces is a monitor that looks once a second: it met some of a thousand orders half a minute late, and saw
no price between two looks. Here a reader of the published events searches a list of all armed orders for each price.
"""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any, Final

import pytest
from cleartide.bus.ports import Commit, Delivery, Epoch, Progress
from cleartide.contracts import OrderAccepted, OrderClosed, OrderTriggered
from cleartide.contracts.codec import encode

from services.matching.app import SERVICE
from services.matching.domain.verify import verify
from services.matching.tables.conditional import FIRED_ORDERS
from services.matching.tests.support import Exchange, of
from services.matching.tests.trigger_reader import TriggerReader
from tests.support.fold_bench import new_folder

BEGINNING: Final = Epoch(1, Progress(), {}, {})
ARMED: Final = 10_000
ACCOUNTS: Final = 50
PRICES: Final = 40
MAKER: Final = "maker"


def trend(_: Random) -> Iterator[int]:
    """4 % up in even steps, in ticks."""
    return (10_000 + 10 * step for step in range(1, PRICES + 1))


def spike(draw: Random) -> Iterator[int]:
    """Calm, with a spike each fifth price that is back at the next one."""
    for step in range(PRICES):
        reach = 20 * (step // 10 + 1) * (1 if step // 5 % 2 else -1)
        yield 10_000 + (reach if step % 5 == 4 else draw.randint(-3, 3))


def gap(draw: Random) -> Iterator[int]:
    """Calm, with jumps of up to 3 % that stay."""
    level = 10_000
    for step in range(PRICES):
        level += draw.choice((-300, 150, 200)) if step % 10 == 9 else 0
        yield level + draw.randint(-3, 3)


def armed(draw: Random) -> Exchange:
    """10,000 orders of 50 accounts around 1000, a maker on both sides, and nobody who checks each command."""
    ex = Exchange()
    ex.checked = False
    for number in range(ACCOUNTS):
        ex.deposit(f"t{number}", "1000000")
    ex.deposit(MAKER, "1000000000")
    for side, price in (("buy", "999"), ("sell", "1001")):
        ex.place(MAKER, side, "900", price, client_order_id=side)
    for number in range(ARMED):
        side = draw.choice(("buy", "sell"))
        ex.place(f"t{number % ACCOUNTS}", side, "0.005", None, **condition(draw, side))
    return ex


def condition(draw: Random, side: str) -> dict[str, Any]:
    """A stop, a take-profit or a trailing stop, up to a quarter of the price away."""
    kind = draw.choice(("stop_market", "take_profit_market", "trailing_stop"))
    terms: dict[str, Any] = {"order_type": kind, "trigger_source": draw.choice(("mark", "index", "last"))}
    away = draw.randint(10, 2_500)
    if kind == "trailing_stop":
        return {**terms, **({"trail_rate_ppb": away * 100_000} if away % 2 else {"trail_amount": f"{away / 10:.1f}"})}
    rising = (side == "buy") == (kind == "stop_market")
    return {**terms, "trigger_price": f"{(10_000 + (away if rising else -away)) / 10:.1f}"}


@pytest.mark.parametrize("scenario", [trend, spike, gap])
def test_match_cfl_007_ten_thousand_orders_fire_when_they_are_due_and_once(scenario: Any) -> None:
    """MATCH-CFL-007: with the service restarted in the middle; not one too early, too late, twice or not at all."""
    draw, reader = Random(7), TriggerReader()
    ex = armed(draw)
    said = len(ex.effects.emitted)
    reader.read(ex.effects.emitted)
    started = len(ex.state.conditional.triggers)
    assert started == ARMED
    for step, ticks in enumerate(scenario(draw)):
        if step == PRICES // 2:
            ex.restart()
        ex.wait(1_000_000)
        events = [*ex.price(f"{ticks / 10:.1f}")]
        reader.read(events)
        for side, away in sorted((("buy", -10), ("sell", 10)), key=lambda one: one[1] * (ex_mid(ex) - ticks)):
            reader.read(ex.amend(MAKER, side, price=f"{(ticks + away) / 10:.1f}"))
    verify(ex.state)
    events = ex.effects.emitted[said:]
    fired = Counter(event.order_id for event in of(events, OrderTriggered))
    assert len(fired) == reader.met > 100
    assert set(fired.values()) == {1}
    worked = {event.order_id for event in of(events, OrderAccepted)} | {e.order_id for e in of(events, OrderClosed)}
    assert set(fired) <= worked
    assert set(reader.armed) == set(ex.state.conditional.triggers)


def test_match_cfl_009_all_that_a_price_fires_is_told_before_any_of_it_is_placed() -> None:
    """MATCH-CFL-009: sixty orders by one price are two commits; the price counts as folded with the last of them."""
    ex = Exchange()
    for name in ("ann", MAKER):
        ex.deposit(name, "100000")
    ex.place(MAKER, "buy", "10", "999")
    for _ in range(60):
        ex.wait(1_000_000)
        ex.place("ann", "sell", "0.01", None, order_type="stop_market", trigger_price="998.5")
    ex.price("998")
    fold, commits = SERVICE.fold, list[Commit]()
    folder = new_folder(fold, fold.repository.restore({table.name: [] for table in fold.tables}), BEGINNING)
    decoded = folder.decode(
        [Delivery(n, at, one.subject, encode(one), "", 0) for n, (at, one) in enumerate(ex.commands, start=1)]
    )
    while decoded:
        commit, counts = folder.fold(decoded, "", "", in_steps=True)
        decoded = decoded[counts.messages :]
        commits.append(commit)
    told = [b"".join(row.payload for row in commit.outbox) for commit in commits]
    assert [text.count(b'"type":"OrderTriggered"') for text in told] == [60, 0]
    assert [text.count(b'"type":"TradeExecuted"') for text in told] == [0, 60]
    assert [text.count(b'"type":"BookChanged"') for text in told][1:] == [1]
    last = len(ex.commands)
    assert [commit.after.position for commit in commits] == [last - 1, last]
    assert [bool(commit.changes.rows.get(FIRED_ORDERS)) for commit in commits] == [True, False]


def ex_mid(ex: Exchange) -> int:
    """Where the maker stands, in ticks."""
    orders = ex.state.accounts[MAKER].orders
    return (orders["buy"].price + orders["sell"].price) // 2
