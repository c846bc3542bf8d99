"""Every venue's twin in the simulator, with the real feed on real sockets."""

from decimal import Decimal
from functools import partial
from itertools import groupby
from typing import Any

import pytest

from services.ingestor.adapters import events
from services.ingestor.adapters.venue import venues
from services.ingestor.simulator.host import RECORDED, every_venue
from services.ingestor.simulator.replay import Pace, Replay
from services.ingestor.simulator.twin import Traded, twins
from services.ingestor.tests.rig import first_lines
from services.ingestor.tests.venues.stand import WHOLE_BOOKS, Counting, Stand, asked, directly, standing, top_of

LINES = 1_999
DATED_BY_RECEIPT = {
    "dydx": (events.Ticker, events.Funding, events.OpenInterest),
    "hyperliquid": (events.Funding, events.OpenInterest),
    **dict.fromkeys(("aster", "binance-coinm", "kucoin"), (events.OpenInterest,)),
}
"""What has no time of the venue's own, or is asked for when it is due."""
UNNUMBERED = ("bitmex",)
"""Where nothing tells a lost change of a size; what cannot be read costs every book for that reason."""
FROM_BOOKS = ("dydx",)
"""Where quotes are those of the book, which may cross by nature; nothing tells an old snapshot of it from a new one."""
EVERY = sorted(twins())
PREDICTED_PPB: dict[str, set[int | None]] = {"bitmex": {50_000}, "okx": {50_000}, "kucoin": {None, 50_000}}
"""Where a rate is predicted for the next interval; KuCoin's is asked for when it is due, which may be too late here."""
TEXTS = (events.Ticker, events.Trade, events.Funding, events.OpenInterest, events.Stats)


def plain(found: list[Any]) -> list[Any]:
    """Events without their receive times, and without predictions, which may have been asked for at another time."""
    left = ("received_at", "predicted_rate_ppb")
    return [tuple(getattr(each, name) for name in each.__struct_fields__ if name not in left) for each in found]


def test_every_venue_has_a_twin() -> None:
    """ING-SIM-011"""
    assert every_venue() == sorted(venues())
    assert RECORDED not in twins()


@pytest.mark.parametrize("name", EVERY)
async def test_sockets_bring_what_the_frames_say(name: str) -> None:
    """ING-SIM-011: the feed over real sockets says what a core says that is given the frames."""
    core, direct, _ = await directly(name, LINES)
    assert top_of(core, twins()[name].symbol)[0]
    async with standing(name, LINES) as stand:
        await stand.played()
        assert top_of(stand.core, stand.symbol) == top_of(core, stand.symbol)
        for kind in (kind for kind in TEXTS if kind not in DATED_BY_RECEIPT.get(name, ())):
            wanted = [each for each in direct if isinstance(each, kind)]
            await stand.until(partial(stand.has_said, kind, len(wanted)))
            assert plain(stand.said(kind)) == plain(wanted), kind.kind
        assert len(stand.said(events.Ticker)) > (200 if name in FROM_BOOKS else 300)
        assert len(stand.said(events.Trade)) > 100
        predicted = {each.predicted_rate_ppb for each in stand.said(events.Funding)}
        assert predicted and predicted <= PREDICTED_PPB.get(name, {None})
        assert stand.said(events.Gap) == []
        assert stand.core.counts["malformed"] == stand.core.counts["repeated"] == 0


async def test_a_prediction_that_is_asked_for_is_said_with_the_next_mark() -> None:
    """ING-FUND-001: KuCoin tells it with the contract alone."""
    core, said, tape = await directly("kucoin", LINES)
    symbol = tape.twin.traded[0].symbol
    assert {each.predicted_rate_ppb for each in said if isinstance(each, events.Funding)} == {None}
    (poll,) = core.polls
    answer = tape.twin.http(asked(poll.request), tape.views)
    assert answer is not None
    (interest,) = core.polled(symbol, answer, 1)
    assert isinstance(interest, events.OpenInterest)
    newest = tape.twin.newest[symbol].figures
    assert newest is not None
    out = [each for frame in tape.twin.figures(symbol, newest) for each in core.frame(frame, 1)]
    assert [each.predicted_rate_ppb for each in out if isinstance(each, events.Funding)] == [50_000]


def lost_pieces(said: list[str], wanted: list[str]) -> list[int]:
    """The lengths of the pieces of `wanted` that were not said; the rest must have been, once and in order."""
    found = set(said)
    assert said == [each for each in wanted if each in found]
    return [len(list(run)) for missing, run in groupby(wanted, lambda each: each not in found) if missing]


@pytest.mark.parametrize("name", EVERY)
async def test_no_fault_is_silent(name: str) -> None:
    """ING-SIM-012: whatever is lost is said, the book is joined again, and everything else goes on."""
    _, direct, tape = await directly(name, LINES)
    books, trades = tape.numbers("book", tape.kinds.index("book")), tape.numbers("trade")
    part = len(books) // 8
    cut = tape.numbers("trade" if name in FROM_BOOKS else "quote", books[6 * part])[0]
    numbered = [] if name in UNNUMBERED else [f"drop:{books[part]}", f"restart:{books[4 * part]}"]
    faults = [
        *numbered,
        *("http429:1:0", "http418:1:0", *(["stale_snapshot:1"] if name not in FROM_BOOKS else [])),
        f"duplicate:{trades[9]}",
        *(f"badjson:{books[2 * part]}", f"cross:{books[3 * part]}", f"close:{cut}:1011"),
    ]
    async with standing(name, LINES, faults) as stand:
        # Well before each: the market waits between its moves, and a move may be hundreds of frames.
        stand.pause_at(*(books[fault * part - part // 2] for fault in range(2, 7)))
        stand.pause_until_back_at(books[7 * part])
        await stand.played()
        assert stand.rest.counts["pauses"] == 2
        assert stand.core.counts["malformed"] == 1
        if name not in WHOLE_BOOKS:
            reasons = [gap.reason for gap in stand.said(events.Gap) if gap.reason.startswith("book")]
            assert len(reasons) >= (2 if name in UNNUMBERED else 3) and (
                "book: crossed book" in reasons or name in FROM_BOOKS
            )
            assert len([book for book in stand.said(events.BookTop) if book.quality == "resynced"]) >= len(reasons)
        statuses = [each.status for each in stand.said(events.Status) if "heartbeat" not in each.id]
        assert statuses.index("disconnected") < len(statuses) - statuses[::-1].index("connected") - 1
        assert stand.core.symbols[stand.symbol].synced
        lost = lost_pieces([each.trade_id for each in stand.said(events.Trade)], trades_of(direct))
        assert len(lost) <= statuses.count("disconnected")
        assert sum(lost) < len(trades_of(direct)) // 2


TWO_SYMBOLS = {
    "binance-coinm": ("BTCUSD_PERP", "ETHUSD_PERP"),
    "bybit": ("BTCUSDT", "ETHUSDT"),
    "kraken-futures": ("PF_XBTUSD", "PF_ETHUSD"),
    "kucoin": ("XBTUSDTM", "ETHUSDTM"),
    "lighter": ("BTC", "ETH"),
    "okx": ("BTC-USDT-SWAP", "ETH-USDT-SWAP"),
}


@pytest.mark.parametrize("name", TWO_SYMBOLS)
async def test_a_lost_frame_costs_one_symbol_of_a_connection_its_book(name: str) -> None:
    """ING-SIM-019: the other one goes on without a gap, and neither loses a quote or a trade."""
    one, other = TWO_SYMBOLS[name]
    traded = (Traded(one), Traded(other, Decimal("1000.0")))
    async with standing(name, LINES, traded=traded) as stand:
        await stand.played()
        whole = {symbol: told_of(stand, symbol) for symbol in (one, other)}
        assert stand.said(events.Gap) == []
    replay = Replay(first_lines(LINES), Pace(0.0))
    tape = Counting(twins()[name](traded), replay.market)
    replay.listeners.append(tape)
    await replay.run()
    books = [number for number in tape.numbers("book") if tape.symbols[number] == one]
    lost = books[len(books) // 2]
    async with standing(name, LINES, [f"drop:{lost}"], traded=traded) as stand:
        await stand.played()
        await stand.until(lambda: "resynced" in [each.quality for each in stand.said(events.BookTop)])
        assert {gap.symbol for gap in stand.said(events.Gap)} == {one}
        assert {book.symbol for book in stand.said(events.BookTop) if book.quality == "resynced"} == {one}
        for symbol in (one, other):
            assert told_of(stand, symbol) == whole[symbol]


def told_of(stand: Stand, symbol: str) -> list[str]:
    """The ids of a symbol's trades and quotes."""
    told = (*stand.said(events.Trade), *stand.said(events.Ticker))
    return [each.id for each in told if each.symbol == symbol]


def trades_of(said: list[Any]) -> list[str]:
    """The ids of all trades."""
    return [each.trade_id for each in said if isinstance(each, events.Trade)]
