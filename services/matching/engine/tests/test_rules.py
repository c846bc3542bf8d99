"""The rules of the engine one by one, as a trader would notice them."""

import pytest

from services.matching.engine import records as r
from services.matching.engine.core import Engine
from services.matching.engine.positions import CAP_LOTS, ORDER_LOTS, WORDS
from services.matching.engine.tests.model import Event
from services.matching.engine.tests.support import frame, unpacked

BUY, SELL = 0, r.SELL
ANN, BOB, CAT = 1, 2, 3


@pytest.fixture
def engine() -> Engine:
    """An empty market of eight accounts."""
    return Engine(8, span=64)


def trades(engine: Engine) -> list[tuple[int, ...]]:
    """(maker's id, price, lots) of the trades since the last look."""
    return [(event[2], event[3], event[4]) for event in engine.drain() if event[0] == r.TRADE]


def closed(engine: Engine) -> list[tuple[int, str]]:
    """(id, reason) of the orders that were closed since the last look."""
    return [(event[1], r.REASONS[event[3]]) for event in engine.drain() if event[0] == r.CLOSED]


def position(engine: Engine, account: int) -> tuple[int, ...]:
    """(lots, cost, realized, fees) of an account."""
    return tuple(engine.positions.words[account * WORDS + word] for word in range(WORDS))


class TestPriority:
    def test_match_eng_004_better_prices_and_then_older_orders_trade_first(self, engine: Engine) -> None:
        """MATCH-ENG-004: price, then time; the trade is at the maker's price."""
        late, early = engine.place(ANN, SELL, 101, 5), engine.place(ANN, SELL, 101, 5)
        best = engine.place(BOB, SELL, 100, 5)
        engine.place(CAT, BUY, 105, 12)
        assert trades(engine) == [(best, 100, 5), (late, 101, 5), (early, 101, 2)]

    @pytest.mark.parametrize(("price", "lots", "kept"), [(100, 4, True), (100, 5, True), (100, 6, False)])
    def test_match_eng_005_only_a_smaller_size_keeps_its_place(
        self, engine: Engine, price: int, lots: int, kept: bool
    ) -> None:
        """MATCH-ENG-005: less at the same price keeps the place, more loses it (R26)."""
        first, second = engine.place(ANN, SELL, 100, 5), engine.place(BOB, SELL, 100, 5)
        engine.replace(ANN, first, price, lots)
        engine.place(CAT, BUY, 100, 1)
        assert trades(engine) == [(first if kept else second, 100, 1)]

    def test_match_eng_005_another_price_loses_the_place_and_may_trade(self, engine: Engine) -> None:
        moved, other = engine.place(ANN, SELL, 103, 5), engine.place(BOB, SELL, 101, 5)
        bid = engine.place(CAT, BUY, 100, 2)
        engine.replace(ANN, moved, 101, 5)
        engine.place(CAT, BUY, 101, 6)
        assert trades(engine) == [(other, 101, 5), (moved, 101, 1)]
        engine.replace(ANN, moved, 100, 5)
        assert trades(engine) == [(bid, 100, 2)]

    def test_match_eng_006_filled_lots_count_in_a_new_size(self, engine: Engine) -> None:
        """MATCH-ENG-006: a size that is filled already ends the order."""
        order = engine.place(ANN, SELL, 100, 5)
        engine.place(BOB, BUY, 100, 3)
        engine.replace(ANN, order, 100, 4)
        assert engine.drain()[-1] == (r.REPLACED, order, ANN, 1, 100, 4, 1, 0)
        engine.replace(ANN, order, 100, 3)
        assert closed(engine) == [(order, "replaced_by_less")]


class TestTimeInForce:
    def test_match_eng_007_what_an_ioc_order_cannot_trade_is_dropped(self, engine: Engine) -> None:
        """MATCH-ENG-007: and a market order takes any price."""
        engine.place(ANN, SELL, 100, 5)
        ioc = engine.place(BOB, r.IOC, 100, 7)
        assert closed(engine) == [(ioc, "ioc_remainder")]
        ask = engine.place(ANN, SELL, ORDER_LOTS, 5)
        market = engine.place(BOB, r.MARKET, 0, 7)
        events = engine.drain()
        assert [event[2:5] for event in events if event[0] == r.TRADE] == [(ask, ORDER_LOTS, 5)]
        assert [event[1] for event in events if event[0] == r.CLOSED] == [market]

    @pytest.mark.parametrize(("lots", "filled"), [(8, True), (9, False)])
    def test_match_eng_008_a_fok_order_trades_all_or_nothing(self, engine: Engine, lots: int, filled: bool) -> None:
        """MATCH-ENG-008: it is measured over levels, up to its limit."""
        for price, size in ((100, 3), (101, 5), (102, 9)):
            engine.place(ANN, SELL, price, size)
        order = engine.place(BOB, r.FOK, 101, lots)
        events = engine.drain()
        assert sum(event[4] for event in events if event[0] == r.TRADE) == (lots if filled else 0)
        assert [event[3] for event in events if event[:2] == (r.CLOSED, order)] == ([] if filled else [r.NOT_FILLABLE])

    @pytest.mark.parametrize(
        ("mode", "filled"), [(0, True), (r.EXPIRE_TAKER, False), (r.EXPIRE_BOTH, False), (r.DECREMENT, False)]
    )
    def test_match_eng_008_own_orders_are_no_liquidity(self, engine: Engine, mode: int, filled: bool) -> None:
        """R27: they are passed over when the mode removes them, else the measure ends there."""
        engine.place(BOB, SELL, 100, 9)
        engine.place(ANN, SELL, 101, 5)
        engine.place(BOB, r.FOK | mode, 101, 5)
        assert bool(trades(engine)) is filled

    def test_match_eng_008_uncertain_orders_are_no_liquidity(self, engine: Engine) -> None:
        """A reduce-only order may shrink before its turn: nothing that counts on it starts."""
        engine.place(ANN, SELL, 100, 5)
        engine.place(BOB, BUY, 100, 5)
        engine.place(BOB, SELL | r.REDUCE_ONLY, 100, 5)
        engine.place(CAT, r.FOK, 100, 5)
        assert len(trades(engine)) == 1

    def test_match_eng_009_a_post_only_order_never_takes(self, engine: Engine) -> None:
        """MATCH-ENG-009: not when it is placed, and not when it is replaced."""
        engine.place(ANN, SELL, 100, 5)
        assert engine.place(BOB, r.POST_ONLY, 100, 5) == -r.WOULD_CROSS
        order = engine.place(BOB, r.POST_ONLY, 99, 5)
        assert engine.replace(BOB, order, 100, 5) == -r.WOULD_CROSS
        assert engine.book.depth(0) == [(-99, 5)]


class TestSelfTrade:
    @pytest.mark.parametrize(
        ("mode", "left"),
        [
            (0, {"bids": [(-100, 5)], "asks": [(101, 9)]}),
            (r.EXPIRE_TAKER, {"bids": [], "asks": [(100, 3), (101, 9)]}),
            (r.EXPIRE_BOTH, {"bids": [], "asks": [(101, 9)]}),
            (r.DECREMENT, {"bids": [(-100, 2)], "asks": [(101, 9)]}),
        ],
    )
    def test_match_eng_010_the_taker_says_what_happens(
        self, engine: Engine, mode: int, left: dict[str, list[tuple[int, int]]]
    ) -> None:
        """MATCH-ENG-010: four modes (R29); none of them is a trade, moves a position or costs a fee."""
        engine.place(ANN, SELL, 100, 3)
        engine.place(ANN, SELL, 101, 9)
        engine.place(ANN, mode, 100, 5)
        assert {"bids": engine.book.depth(0), "asks": engine.book.depth(1)} == left
        assert trades(engine) == []
        assert position(engine, ANN) == (0, 0, 0, 0)
        assert engine.last == 0

    @pytest.mark.parametrize(
        ("lots", "bids", "asks"), [(2, [(-100, 1), (-99, 1)], []), (3, [(-99, 1)], []), (4, [(-99, 1)], [(100, 1)])]
    )
    def test_match_eng_010_decrement_takes_from_a_reduce_only_order_not_from_the_position(
        self, engine: Engine, lots: int, bids: list[tuple[int, int]], asks: list[tuple[int, int]]
    ) -> None:
        """MATCH-ENG-010: both shrink by the smaller; what is left may still reduce, and rests uncrossed."""
        engine.place(BOB, SELL, 100, 1)
        engine.place(ANN, BUY, 100, 4)  # one is bought, three rest
        engine.place(BOB, BUY, 99, 1)
        engine.place(ANN, SELL | r.REDUCE_ONLY | r.DECREMENT, 100, lots)
        assert (engine.book.depth(0), engine.book.depth(1)) == (bids, asks)

    def test_match_eng_010_others_are_traded_with_on_the_way(self, engine: Engine) -> None:
        other = engine.place(BOB, SELL, 100, 2)
        engine.place(ANN, SELL, 100, 3)
        engine.place(ANN, r.EXPIRE_TAKER, 100, 5)
        assert trades(engine) == [(other, 100, 2)]


class TestReduceOnly:
    def test_match_eng_011_a_reduce_only_order_never_opens(self, engine: Engine) -> None:
        """MATCH-ENG-011: refused without a position, cut to it when it takes and when it rests (R30)."""
        assert engine.place(ANN, SELL | r.REDUCE_ONLY, 100, 5) == -r.NOTHING_TO_REDUCE
        engine.place(BOB, SELL, 100, 4)
        engine.place(ANN, BUY, 100, 4)
        assert engine.place(ANN, r.REDUCE_ONLY, 100, 5) == -r.NOTHING_TO_REDUCE
        resting = engine.place(ANN, SELL | r.REDUCE_ONLY, 105, 9)
        engine.drain()
        engine.place(CAT, BUY, 105, 3)
        engine.place(CAT, BUY, 105, 3)
        events = engine.drain()
        assert [event[4] for event in events if event[0] == r.TRADE] == [3, 1]
        assert [event[1:4] for event in events if event[0] == r.CLOSED] == [(resting, ANN, r.NOTHING_TO_REDUCE)]
        assert position(engine, ANN)[0] == 0


class TestStops:
    def test_match_eng_012_a_stop_waits_for_its_price(self, engine: Engine) -> None:
        """MATCH-ENG-012: armed it is not in the book; a trade at the trigger executes it, one beside does not."""
        stop = engine.place(CAT, r.STOP | r.MARKET, 0, 5, 102)
        assert engine.book.depth(0) == []
        for price in (101, 102):
            engine.place(ANN, SELL, price, 1)
            ask = engine.place(ANN, SELL, 110, 5)
            engine.drain()
            engine.place(BOB, BUY, price, 1)
            events = engine.drain()
            assert [event[1] for event in events if event[0] == r.TRIGGERED] == ([stop] if price == 102 else [])
            if price == 101:
                engine.cancel(ANN, ask)

    def test_match_eng_012_a_trigger_that_was_passed_fires_though_the_price_came_back(self, engine: Engine) -> None:
        """Stops look at every trade of a command, not only at the last."""
        stop = engine.place(CAT, SELL | r.STOP, 90, 1, 95)
        engine.place(ANN, SELL, 100, 1)
        engine.place(ANN, BUY, 95, 1)
        engine.place(BOB, r.STOP | r.IOC, 100, 1, 95)
        engine.place(BOB, SELL, 95, 1)
        events = engine.drain()
        assert [event[1] for event in events if event[0] == r.TRIGGERED][-1] == stop
        assert engine.last == 100

    def test_match_eng_013_a_stop_that_is_reached_already_executes_at_once(self, engine: Engine) -> None:
        """MATCH-ENG-013: and one that is not waits."""
        engine.place(ANN, SELL, 100, 1)
        engine.place(BOB, BUY, 100, 1)
        engine.place(CAT, r.STOP, 90, 5, 100)
        engine.place(CAT, r.STOP, 91, 5, 101)
        assert engine.book.depth(0) == [(-90, 5)]

    def test_match_eng_014_stops_set_each_other_off_and_each_fires_once(self, engine: Engine) -> None:
        """MATCH-ENG-014: the nearest trigger first, the older one of equals."""
        for price in range(101, 111):
            engine.place(ANN, SELL, price, 1)
        far = engine.place(BOB, r.STOP | r.MARKET, 0, 1, 103)
        near = engine.place(CAT, r.STOP | r.MARKET, 0, 2, 101)
        same = engine.place(BOB, r.STOP | r.MARKET, 0, 1, 101)
        engine.drain()
        engine.place(BOB, BUY, 101, 1)
        fired = [event[1] for event in engine.drain() if event[0] == r.TRIGGERED]
        assert fired == [near, same, far]

    def test_match_eng_015_ten_thousand_stops_fire_once_each(self) -> None:
        """MATCH-ENG-015: in one trade, and none is left."""
        engine = Engine(8)
        for number in range(10_000):
            engine.place(ANN, SELL | r.STOP | r.MARKET, 0, 1, 50 + number % 50)
        engine.place(BOB, BUY, 40, 20_000)
        engine.drain()
        engine.place(CAT, SELL, 40, 1)
        fired = [event[1] for event in engine.drain() if event[0] == r.TRIGGERED]
        assert len(fired) == len(set(fired)) == 10_000
        assert engine.book.depth(3) == []


class TestOrders:
    def test_match_eng_016_an_id_is_never_given_twice(self, engine: Engine) -> None:
        """MATCH-ENG-016: rows are used again, ids are not; an old id finds nothing, nor does another's account."""
        ids = []
        for _ in range(100):
            ids.append(engine.place(ANN, BUY, 100, 1))
            assert engine.cancel(BOB, ids[-1]) == -r.UNKNOWN_ORDER
            assert engine.cancel(ANN, ids[-1]) == ids[-1]
            assert engine.cancel(ANN, ids[-1]) == -r.UNKNOWN_ORDER
        assert len(set(ids)) == 100
        assert engine.book.used == 6 * 8, "one order and one level beside the four heads"

    def test_match_eng_017_the_book_grows_and_shrinks(self, engine: Engine) -> None:
        """MATCH-ENG-017: far beyond what it begins with, and every row comes back."""
        ids = [engine.place(ANN, SELL, 100 + number % 700, 1) for number in range(5_000)]
        assert sum(lots for _, lots in engine.book.depth(1)) == 5_000
        for order_id in reversed(ids):
            engine.cancel(ANN, order_id)
        assert engine.book.depth(1) == []
        assert engine.book.orders == 0

    def test_match_eng_018_events_stay_until_the_next_frame(self, engine: Engine) -> None:
        """MATCH-ENG-018: frames, calls and drains can be mixed; each event comes out once."""
        events: list[Event] = unpacked(engine.apply_packed(frame([(r.PLACE, ANN, BUY, 100, 1, 0, 5)])))
        assert [event[0] for event in events] == [r.ACCEPTED]
        assert engine.drain() == [events[0]]
        assert engine.drain() == []
        engine.place(ANN, BUY, 100, 1)
        assert unpacked(engine.apply_packed(b"")) == []

    def test_match_eng_018_a_frame_may_say_more_than_any_before(self, engine: Engine) -> None:
        for _ in range(1_000):
            engine.place(ANN, SELL, 100, 1)
        said = engine.apply_packed(frame([(r.PLACE, BOB, BUY, 100, 1_000, 0, 0)]))
        assert len(unpacked(said)) == 1_001


class TestBounds:
    def test_match_eng_019_no_sum_leaves_its_range(self) -> None:
        """MATCH-ENG-019: the largest orders again and again, until the account is refused; its words stay exact."""
        engine, held = Engine(4, taker_fee_ppb=10**9, maker_fee_ppb=10**9), 0
        for _ in range(12):
            engine.place(ANN, SELL, ORDER_LOTS, ORDER_LOTS)
            engine.place(BOB, BUY, ORDER_LOTS, ORDER_LOTS)
            held += sum(event[4] for event in engine.drain() if event[0] == r.TRADE)
        assert CAP_LOTS - ORDER_LOTS <= held < CAP_LOTS
        assert position(engine, BOB) == (held, -held * ORDER_LOTS, 0, held * ORDER_LOTS)
        assert position(engine, ANN) == (-held, held * ORDER_LOTS, 0, held * ORDER_LOTS)

    def test_match_eng_019_fees_and_profits_are_capped_too(self) -> None:
        engine, profit = Engine(4, taker_fee_ppb=10**9), 0
        for _ in range(300):
            for buyer, seller, price in ((ANN, BOB, 1), (BOB, ANN, ORDER_LOTS)):
                engine.place(seller, SELL, price, ORDER_LOTS)
                engine.place(buyer, BUY, price, ORDER_LOTS)
            profit = max(profit, position(engine, ANN)[2])
            engine.cancel(ANN, 0)
            for half in (0, 1):
                while row := engine.book.best(half):
                    rows = engine.book.rows
                    engine.cancel(rows[row + 5] & (2**24 - 1), rows[row + 4])
            engine.drain()
        assert 2**61 < profit < 2**62
        assert position(engine, ANN)[2] == -position(engine, BOB)[2]

    @pytest.mark.parametrize(
        "wrong", [{"accounts": 0}, {"accounts": 2**24 + 1}, {"taker_fee_ppb": -1}, {"maker_fee_ppb": 2 * 10**9}]
    )
    def test_match_eng_019_an_engine_beyond_its_bounds_is_not_made(self, wrong: dict[str, int]) -> None:
        with pytest.raises(ValueError, match="out of range"):
            Engine(**wrong)

    @pytest.mark.parametrize("span", [0, 16, 100, 2**21])
    def test_match_eng_019_a_window_is_a_power_of_two(self, span: int) -> None:
        with pytest.raises(ValueError, match="power of two"):
            Engine(span=span)


def test_match_eng_020_positions_follow_the_sequencers_rules() -> None:
    """MATCH-ENG-020: open, reduce, flip: cost and profit as rules R4 and R5 say, a fee for each fill, rounded up."""
    paying = Engine(8, taker_fee_ppb=450_000)
    for side, price, lots in ((SELL, 100, 3), (SELL, 103, 1), (BUY, 105, 3), (BUY, 110, 5)):
        paying.place(ANN, side, price, lots)
        paying.place(BOB, side ^ SELL, price, lots)
    assert position(paying, BOB) == (-4, 440, -403 + 315 + 110, 4)
    assert position(paying, ANN) == (4, -440, 403 - 315 - 110, 0)
