"""The auctions that run, with the quotes that stand in them, and what of it has changed since it was last collected."""

from bisect import insort

from services.matching.domain.book import Order
from services.matching.domain.deadlines import Deadline
from services.matching.domain.jit.pricing import SLOT_MICROS, Course


class Auction:
    """One order's auction. next_slot: the first slot that has not come yet; maker_lots: what quotes have filled.

    A quote is an order that stands here instead of in the book, with the quote's number as its priority and none of an
    order, so that nothing which orders belong to can mean it; `quotes` has the next to trade first.
    """

    __slots__ = ("course", "maker_lots", "next_slot", "opened_at", "order", "quotes")

    def __init__(self, order: Order, course: Course, opened_at: int) -> None:
        self.order, self.course, self.opened_at = order, course, opened_at
        self.next_slot, self.maker_lots = 1, 0
        self.quotes: list[Order] = []

    @property
    def number(self) -> int:
        """That of the order."""
        return self.order.order_id

    @property
    def deadline(self) -> Deadline:
        """When the next slot begins."""
        return Deadline(self.opened_at + self.next_slot * SLOT_MICROS, "slot", self.number)

    def price(self, index: int, slot: int) -> int:
        """The price at a slot, in ticks."""
        return self.course.price(self.order, index, slot)

    def quote_of(self, account: str) -> Order | None:
        """The account's quote, if one stands."""
        return next((quote for quote in self.quotes if quote.account == account), None)

    def add(self, quote: Order) -> None:
        """Put a quote in its place: by price, then by number."""
        insort(self.quotes, quote, key=lambda held: (held.price * self.order.side, held.priority))


class Auctions:
    """By number. `touched` and `touched_quotes` name what has changed; `quotes` is the last number given to one."""

    __slots__ = ("quotes", "running", "touched", "touched_quotes")

    def __init__(self) -> None:
        self.running: dict[int, Auction] = {}
        self.quotes = 0
        self.touched: set[int] = set()
        self.touched_quotes: dict[tuple[int, int], Order | None] = {}

    def __contains__(self, order: Order) -> bool:
        """Whether the order is being auctioned."""
        return order.order_id in self.running

    def open(self, auction: Auction) -> None:
        """An auction begins."""
        self.running[auction.number] = auction
        self.touched.add(auction.number)

    def end(self, number: int) -> Auction:
        """An auction is over, and its quotes with it."""
        auction = self.running.pop(number)
        self.touched.add(number)
        for quote in auction.quotes:
            self.touched_quotes[number, quote.priority] = None
        return auction

    def put(self, auction: Auction, quote: Order) -> None:
        """A quote comes to stand."""
        auction.add(quote)
        self.changed(auction, quote)

    def changed(self, auction: Auction, quote: Order) -> None:
        """Part of a quote traded."""
        self.touched_quotes[auction.number, quote.priority] = quote

    def drop(self, auction: Auction, quote: Order) -> None:
        """A quote leaves."""
        auction.quotes.remove(quote)
        self.touched_quotes[auction.number, quote.priority] = None
