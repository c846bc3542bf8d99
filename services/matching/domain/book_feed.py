"""What a command changed in the books, told to subscribers: per market one event, numbered without a gap."""

from cleartide.contracts import BookChanged

from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState


def announce(state: MatchingState, out: Output) -> None:
    """Say which levels have changed since the last command; nothing where all came back to what they were."""
    books = state.changed_books
    if len(books) > 1:
        books.sort(key=lambda book: book.market)
    for book in books:
        changes = book.take_changes()
        if not changes.bids and not changes.asks:
            continue
        book.seq += 1
        state.dirty.books[book.market] = book
        out.emit(
            BookChanged,
            market=book.market,
            book_seq=book.seq,
            bids=tuple(changes.bids),
            asks=tuple(changes.asks),
            best_bid_ticks=book.bids.best_price,
            best_ask_ticks=book.asks.best_price,
        )
    books.clear()


def settle_down(state: MatchingState) -> None:
    """The books are as subscribers know them: what brought them there after a start is not news."""
    for book in state.changed_books:
        book.touched.clear()
    state.changed_books.clear()
