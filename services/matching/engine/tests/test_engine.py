"""The engine says and keeps what its model does, command by command, by calls and by frames, in any window."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.matching.engine import records as r
from services.matching.engine.tests.support import Command, Pair

MODES = (0, r.EXPIRE_TAKER, r.EXPIRE_BOTH, r.DECREMENT, r.ALLOW_SELF_TRADE)
KINDS = (0, 0, 0, r.IOC, r.FOK, r.MARKET, r.MARKET | r.FOK, r.POST_ONLY, r.STOP, r.STOP | r.MARKET, r.STOP | r.IOC)


def placements(prices: st.SearchStrategy[int]) -> st.SearchStrategy[Command]:
    """Orders of every kind."""

    def order(account: int, side: int, kind: int, cut: int, mode: int, price: int, lots: int, trigger: int) -> Command:
        limit = 0 if kind & r.MARKET else price
        return (r.PLACE, account, side | kind | cut | mode, limit, lots, trigger if kind & r.STOP else 0)

    return st.builds(
        order,
        account=st.integers(0, 3),
        side=st.sampled_from((0, r.SELL)),
        kind=st.sampled_from(KINDS),
        cut=st.sampled_from((0, 0, 0, r.REDUCE_ONLY)),
        mode=st.sampled_from(MODES),
        price=prices,
        lots=st.integers(1, 9),
        trigger=prices,
    )


def commands(prices: st.SearchStrategy[int]) -> st.SearchStrategy[list[Command]]:
    """Orders, cancels and replacements, of orders that may be anybody's, over, or never there."""
    account, number = st.integers(0, 3), st.integers(0, 40)
    return st.lists(
        st.one_of(
            placements(prices),
            placements(prices),
            st.tuples(st.just(r.CANCEL), account, number, st.just(0), st.just(0), st.just(0)),
            st.tuples(st.just(r.REPLACE), account, number, prices, st.integers(1, 12), st.just(0)),
        ),
        max_size=60,
    )


@settings(max_examples=300)
@given(commands(st.integers(1, 12)), st.booleans())
def test_match_eng_001_events_book_and_positions_are_the_models(given_commands: list[Command], packed: bool) -> None:
    """MATCH-ENG-001: a crowded book, where almost everything meets."""
    pair = Pair()
    for command in given_commands:
        pair.give(command, packed=packed)
        pair.check()


@settings(max_examples=200)
@given(commands(st.one_of(st.integers(1, 300), st.integers(90, 110))), st.sampled_from((32, 64, 1024)))
@example([(1, 0, 0, 1, 1, 0), (1, 0, 65, 1, 1, 26), (1, 0, 65, 1, 1, 27)], 1024)  # the last bit of a word
def test_match_eng_002_prices_may_leave_the_window(given_commands: list[Command], span: int) -> None:
    """MATCH-ENG-002: prices all over a window of a few ticks and far beyond it."""
    pair = Pair(span=span)
    for command in given_commands:
        pair.give(command)
    pair.check()


def test_match_eng_028_windows_grow_as_wide_as_the_best_prices_go() -> None:
    """MATCH-ENG-028: the best bid and ask jump over 40 times a window; soon both windows hold all of that."""
    pair = Pair(span=32)
    pair.give((r.PLACE, 1, 0, 4990, 1, 0))
    pair.give((r.PLACE, 1, r.SELL, 6290, 1, 0))
    for number in range(3, 4000, 2):
        price = 5000 + number * 769 % 1279
        for side, away in ((0, -1), (r.SELL, 1)):
            pair.give((r.PLACE, 1, side, price + away, 1, 0))
            pair.give((r.CANCEL, 1, number + side, 0, 0, 0))
    pair.check()
    book = pair.engine.book
    assert book.span == 8192
    assert book.base[0] < -6278 < -4990 < book.base[0] + book.span
    assert book.base[1] < 5000 < 6290 < book.base[1] + book.span


def test_match_eng_028_orders_far_behind_the_best_widen_nothing() -> None:
    """MATCH-ENG-028: any number of levels further away than a window is wide."""
    pair = Pair(span=32)
    pair.give((r.PLACE, 1, 0, 5000, 1, 0))
    for price in range(1, 500):
        pair.give((r.PLACE, 1, 0, price, 1, 0))
    pair.check()
    assert (pair.engine.book.span, len(pair.engine.book.far_keys[0])) == (32, 499)


WORDS = st.one_of(st.integers(-5, 5), st.integers(0, 1023), st.integers(-(2**63), 2**63 - 1), st.just(2**28))


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from((r.PLACE, r.CANCEL, r.REPLACE)), *[WORDS] * 5), max_size=30))
def test_match_eng_003_whatever_is_sent_is_answered(given_commands: list[Command]) -> None:
    """MATCH-ENG-003: any words in any place; nothing breaks, and a refusal changes nothing."""
    pair = Pair()
    for command in given_commands:
        if command[0] != r.PLACE and 0 < command[2] < 2**24:
            command = (*command[:2], command[2] % 3, *command[3:])
        pair.give(command, packed=True)
        pair.check()


@pytest.mark.parametrize("kind", [0, 4, -1, 2**63 - 1])
def test_match_eng_003_an_unknown_command_is_refused(kind: int) -> None:
    pair = Pair()
    said = pair.engine.apply_packed(_one_word(kind))
    assert said.tolist() == [r.REJECTED, 0, 0, r.BAD_KIND, 0, 0, 0, 0]


def test_match_eng_003_half_a_command_is_no_frame() -> None:
    with pytest.raises(ValueError, match="not whole commands"):
        Pair().engine.apply_packed(_one_word(r.PLACE)[:-8])


def _one_word(kind: int) -> bytes:
    return kind.to_bytes(8, "little", signed=True) + bytes(56)
