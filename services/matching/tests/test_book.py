"""The book against a naive model: a plain list, sorted by price and age."""

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.book import Book, Order

actions = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "cancel", "take", "shrink"]),
        st.sampled_from([1, -1]),
        st.integers(1, 12),
        st.integers(1, 9),
        st.integers(0, 3),
    ),
    max_size=120,
)


def order(number: int, side: int, price: int, lots: int, display: int) -> Order:
    return Order(
        order_id=number,
        account="a",
        market="M",
        client_order_id=f"c{number}",
        side=side,
        price=price,
        size=lots,
        remaining=lots,
        reduce_only=False,
        loss_per_lot=0,
        display=display,
    )


@given(actions)
def test_match_bok_001_best_orders_and_depth_are_those_of_a_sorted_list(
    steps: list[tuple[str, int, int, int, int]],
) -> None:
    """MATCH-BOK-001: price-time priority after any adds, cancels, changes and partial fills, on both sides."""
    book = Book("M", [])
    naive: dict[int, list[Order]] = {1: [], -1: []}
    for number, (action, side, price, lots, display) in enumerate(steps):
        half, plain = book.half(side), naive[side]
        if action == "add":
            plain.append(order(number, side, price, lots, display))
            half.add(plain[-1])
        elif plain and action == "cancel":
            half.remove(plain.pop(price % len(plain)))
        elif plain and action == "shrink":
            resting = plain[price % len(plain)]
            if lots < resting.remaining:
                left = resting.remaining - lots
                wanted = min(resting.shown, left)
                half.shrink(resting, lots)
                assert (resting.remaining, resting.shown) == (left, wanted)
        elif plain:
            best = min(plain, key=lambda resting: (-side * resting.price, plain.index(resting)))
            half.reduce(best, min(lots, best.shown))
            if not best.shown:
                half.remove(best)
                plain.remove(best)
                if best.remaining:
                    half.add(best)
                    plain.append(best)
        compare(book, naive)


def price_of(resting: Order) -> int:
    return resting.price


def compare(book: Book, naive: dict[int, list[Order]]) -> None:
    for side, plain in naive.items():
        ranked = sorted(plain, key=lambda resting: -side * resting.price)
        half = book.half(side)
        assert list(half.orders()) == ranked
        assert [list(queue) for queue in half.queues()] == [list(queue) for _, queue in groupby(ranked, price_of)]
        assert half.best_order is (ranked[0] if ranked else None)
        assert half.best_price == (ranked[0].price if ranked else None)
        depth: dict[int, int] = {}
        for resting in ranked:
            depth[resting.price] = depth.get(resting.price, 0) + resting.shown
        assert list(half.levels()) == list(depth.items())
