"""The matching engine of one market: commands in, events out, positions kept in between (records.py has the formats).

An order is accepted into a row of the book, trades against the other half as far as its limit reaches, and then rests
or ends. The same steps serve a new order, a replaced one that lost its place, and a stop that was triggered.

Three ways in, one behaviour: `apply_packed` takes a frame of commands and returns the events as words; `place`,
`cancel` and `replace` take one command each and leave its events to `drain`, or to the next frame, which forgets them.

Compiled, an `i64` wraps; here none does. Prices and sizes are checked to be below 2^28, and positions.py says why the
sums of accounts stay below 2^63. Compiled or not, equal commands give equal events, bit for bit.
"""

from typing import Final, final

from librt.strings import read_i64_le
from librt.vecs import vec
from mypy_extensions import i64

from services.matching.engine.book import (
    ASKS,
    BEST,
    HALF,
    ID,
    KEY,
    LEVEL,
    LOTS,
    META,
    MOST_ORDERS,
    NEVER,
    NEXT,
    NIL,
    PRICE,
    ROW,
    SIZE,
    STOP_BUYS,
    STOP_SELLS,
    Book,
    fetch,
    fetch_i64,
    fetches,
    longer,
    zeros,
)
from services.matching.engine.positions import ORDER_LOTS, PPB, Positions
from services.matching.engine.records import (
    ACCEPTED,
    ALLOW_SELF_TRADE,
    BAD_ACCOUNT,
    BAD_FLAGS,
    BAD_KIND,
    BAD_LOTS,
    BAD_PRICE,
    BAD_TRIGGER,
    CANCEL,
    CANCELED,
    CLOSED,
    DECREMENT,
    EVERY_FLAG,
    EXPIRE_MAKER,
    EXPIRE_TAKER,
    FOK,
    IMMEDIATE,
    IOC,
    IOC_REMAINDER,
    MARKET,
    NOT_FILLABLE,
    NOT_TRIGGERED,
    NOTHING_TO_REDUCE,
    PLACE,
    POSITION_CAP,
    POST_ONLY,
    PREVENTED,
    RECORD_BYTES,
    REDUCE_ONLY,
    REJECTED,
    REPLACE,
    REPLACED,
    REPLACED_BY_LESS,
    SELF_TRADE,
    SELF_TRADE_MODE,
    SELL,
    STOP,
    TOO_MANY_ORDERS,
    TRADE,
    TRIGGERED,
    UNKNOWN_ORDER,
    WORDS,
    WOULD_CROSS,
)

MOST_ACCOUNTS: Final = 1 << 24
# How far ahead of the command at hand `apply_packed` asks memory for what later ones touch first, and for the rest.
FAR: Final = 16 * RECORD_BYTES
NEAR: Final = 8 * RECORD_BYTES
# An order's META: its flags over its account.
FLAGS: Final = 24
ACCOUNT: Final = MOST_ACCOUNTS - 1

Event = tuple[int, int, int, int, int, int, int, int]


@final
class Engine:
    """One market for accounts 0 to `accounts` - 1. Fees are 1e-9 of the quote amount; `span` is the book's window."""

    def __init__(
        self, accounts: int = 1024, *, span: int = 1 << 17, taker_fee_ppb: int = 0, maker_fee_ppb: int = 0
    ) -> None:
        if not 0 < accounts <= MOST_ACCOUNTS or not 0 <= taker_fee_ppb <= PPB or not 0 <= maker_fee_ppb <= PPB:
            raise ValueError(f"{accounts} accounts, fees of {taker_fee_ppb} and {maker_fee_ppb}: out of range")
        self.book: Final = Book(span)
        self.accounts: Final[i64] = accounts
        self.positions: Final = Positions(accounts)
        self.taker_fee_ppb: Final[i64] = taker_fee_ppb
        self.maker_fee_ppb: Final[i64] = maker_fee_ppb
        self.said: vec[i64] = zeros(1 << 12)
        self.view: memoryview = memoryview(self.said)
        self.room: i64 = 1 << 12
        self.words_said: i64 = 0
        # The last price, and the range that the command at hand traded in: what stops look at.
        self.last: i64 = 0
        self.low: i64 = NEVER
        self.high: i64 = 0
        # The order that takes at the moment.
        self.taker: i64 = NIL
        self.taker_account: i64 = 0
        self.taker_side: i64 = 0
        self.taker_mode: i64 = 0
        self.stopped_by: i64 = 0

    # Commands

    def place(self, account: i64, flags: i64, price: i64, lots: i64, trigger: i64 = 0, tag: i64 = 0) -> i64:
        """Accept an order, let it trade, and keep the rest; returns its id, or minus the reason of its rejection."""
        reason = self._refusal(account, flags, price, lots, trigger)
        if reason != 0:
            self._say(REJECTED, 0, account, reason, price, lots, flags, tag)
            return -reason
        if flags > SELL and fetches():  # it may take
            self.positions.expect(account)
        row = self.book.new(lots, price, flags << FLAGS | account)
        order_id = self.book.rows[row + ID]
        self._say(ACCEPTED, order_id, account, flags, price, lots, trigger, tag)
        if trigger == 0 or self._is_reached(flags, trigger):
            self._execute(row, account, flags, price)
            if self.high != 0:
                self._fire()
        else:
            self.book.link(row, STOP_SELLS if flags & SELL else STOP_BUYS, -trigger if flags & SELL else trigger)
        return order_id

    def cancel(self, account: i64, order_id: i64, tag: i64 = 0) -> i64:
        """Take an order out of the book; returns its id, or minus the reason of the rejection."""
        row = self.book.find(order_id)
        rows = self.book.rows
        if row == NIL or rows[row + META] & ACCOUNT != account:
            self._say(REJECTED, order_id, account, UNKNOWN_ORDER, 0, 0, 0, tag)
            return -UNKNOWN_ORDER
        self._say(CLOSED, order_id, account, CANCELED, rows[row + PRICE], rows[row + LOTS], 0, tag)
        self.book.remove(row)
        return order_id

    def replace(self, account: i64, order_id: i64, price: i64, lots: i64, tag: i64 = 0) -> i64:
        """Give an order another price and size, filled lots counted; returns its id, or minus the reason why not.

        It keeps its place when only the size changes and does not grow; otherwise it may trade, and queues up again.
        """
        row = self.book.find(order_id)
        reason = self._replace_refusal(row, account, price, lots)
        if reason != 0:
            self._say(REJECTED, order_id, account, reason, price, lots, 0, tag)
            return -reason
        rows = self.book.rows
        open_lots = rows[row + LOTS]
        left = lots - (rows[row + SIZE] - open_lots)
        if left <= 0:
            self._say(CLOSED, order_id, account, REPLACED_BY_LESS, price, open_lots, 0, tag)
            self.book.remove(row)
            return order_id
        rows[row + SIZE] = lots
        if price == rows[row + PRICE] and left <= open_lots:
            self._say(REPLACED, order_id, account, 1, price, lots, left, tag)
            self.book.reduce(row, open_lots - left)
            return order_id
        self._say(REPLACED, order_id, account, 0, price, lots, left, tag)
        self.book.unlink(row)
        rows[row + LOTS] = left
        rows[row + PRICE] = price
        self._execute(row, account, rows[row + META] >> FLAGS, price)
        if self.high != 0:
            self._fire()
        return order_id

    def apply_packed(self, frame: bytes) -> memoryview:
        """Apply a frame of commands; returns its events, as words. They stay as they are until the next call."""
        size: i64 = len(frame)
        if size % RECORD_BYTES != 0:
            raise ValueError(f"{size} bytes are not whole commands")
        hinted: i64 = size - FAR if fetches() else 0
        self.words_said = 0
        at: i64 = 0
        while at < size:
            if at < hinted:
                fetch_i64(frame, at + 2 * FAR)
                ahead = at + (FAR + 8)
                third, price = read_i64_le(frame, ahead + 8), read_i64_le(frame, ahead + 16)
                self._expect(read_i64_le(frame, ahead), third, price)
                ahead = at + (NEAR + 16)
                self.book.expect_neighbours(read_i64_le(frame, ahead))
                self.book.expect_level(read_i64_le(frame, ahead) & SELL, read_i64_le(frame, ahead + 8))
            kind, account, third = read_i64_le(frame, at), read_i64_le(frame, at + 8), read_i64_le(frame, at + 16)
            price, lots, tag = read_i64_le(frame, at + 24), read_i64_le(frame, at + 32), read_i64_le(frame, at + 48)
            if kind == PLACE:
                self.place(account, third, price, lots, read_i64_le(frame, at + 40), tag)
            elif kind == CANCEL:
                self.cancel(account, third, tag)
            elif kind == REPLACE:
                self.replace(account, third, price, lots, tag)
            else:
                self._say(REJECTED, 0, account, BAD_KIND, 0, 0, 0, tag)
            at += RECORD_BYTES
        return self.view[: self.words_said]

    def _expect(self, account: i64, third: i64, price: i64) -> None:
        """What a later command touches first, whatever its kind: that is guessed wrongly too often to be tested."""
        self.book.expect(third)
        self.book.expect_tick(third & SELL, price)
        if SELL < third <= EVERY_FLAG and 0 <= account < self.accounts:  # flags of an order that may take
            self.positions.expect(account)
            rows, first = self.book.rows, self.book.best(third & SELL ^ 1)
            second = rows[first + NEXT]  # or its level: some account is in every row's META
            self.positions.expect(rows[first + META] & ACCOUNT)
            self.positions.expect(rows[second + META] & ACCOUNT)
            self.positions.expect(rows[rows[second + NEXT] + META] & ACCOUNT)

    def drain(self) -> list[Event]:
        """The events since the last call, one tuple each."""
        said = self.said
        events: list[Event] = []
        at: i64 = 0
        while at < self.words_said:
            events.append((said[at], said[at + 1], said[at + 2], said[at + 3],
                           said[at + 4], said[at + 5], said[at + 6], said[at + 7]))  # fmt: skip
            at += WORDS
        self.words_said = 0
        return events

    # What is refused

    def _refusal(self, account: i64, flags: i64, price: i64, lots: i64, trigger: i64) -> i64:
        """The reason why an order is not accepted, or 0."""
        if not 0 <= account < self.accounts:
            return BAD_ACCOUNT
        if not 0 < lots <= ORDER_LOTS:
            return BAD_LOTS
        if 0 <= flags <= SELL:  # most orders
            if not 0 < price <= ORDER_LOTS:
                return BAD_PRICE
            if trigger != 0:
                return BAD_TRIGGER
        else:
            reason = self._special_refusal(account, flags, price, trigger)
            if reason != 0:
                return reason
        return 0 if self.book.orders < MOST_ORDERS else TOO_MANY_ORDERS

    def _special_refusal(self, account: i64, flags: i64, price: i64, trigger: i64) -> i64:
        """The reason why an order with flags is not accepted, or 0."""
        if not 0 <= flags <= EVERY_FLAG or flags & SELF_TRADE_MODE > ALLOW_SELF_TRADE:
            return BAD_FLAGS
        if (flags & FOK and flags & IOC) or (flags & POST_ONLY and flags & (IMMEDIATE | STOP)):
            return BAD_FLAGS
        if price != 0 if flags & MARKET else not 0 < price <= ORDER_LOTS:
            return BAD_PRICE
        if not 0 < trigger <= ORDER_LOTS if flags & STOP else trigger != 0:
            return BAD_TRIGGER
        if flags & POST_ONLY and self._would_cross(flags, price):
            return WOULD_CROSS
        if flags & REDUCE_ONLY and not flags & STOP and not self._may_reduce(account, flags):
            return NOTHING_TO_REDUCE
        return 0

    def _replace_refusal(self, row: i64, account: i64, price: i64, lots: i64) -> i64:
        """The reason why an order cannot be replaced, or 0."""
        rows = self.book.rows
        if row == NIL or rows[row + META] & ACCOUNT != account:
            return UNKNOWN_ORDER
        if not 0 < price <= ORDER_LOTS:
            return BAD_PRICE
        if not 0 < lots <= ORDER_LOTS:
            return BAD_LOTS
        if rows[rows[row + LEVEL] + HALF] >= STOP_BUYS:
            return NOT_TRIGGERED
        flags = rows[row + META] >> FLAGS
        return WOULD_CROSS if flags & POST_ONLY and self._would_cross(flags, price) else 0

    def _would_cross(self, flags: i64, price: i64) -> bool:
        """Whether an order would trade at once."""
        return self.book.best_key(flags & SELL ^ 1) <= (-price if flags & SELL else price)

    # Execution

    def _execute(self, row: i64, account: i64, flags: i64, price: i64) -> None:
        """An order that is not in the book trades as far as it can; what is left of it rests, or ends."""
        rows = self.book.rows
        half = flags & SELL
        key = price if half == ASKS else -price
        reason: i64 = 0
        if flags & MARKET:
            key = 1 - NEVER
        if rows[rows[(half ^ 1) * ROW + BEST] + KEY] <= -key:
            reason = self._take(row, account, flags, half ^ 1, -key)
            if rows[row + LOTS] == 0:
                self.book.retire(row)
                return
        if reason == 0 and flags & (IMMEDIATE | REDUCE_ONLY):
            reason = self._end(account, flags)
        if reason != 0:
            self._say(CLOSED, rows[row + ID], account, reason, price, rows[row + LOTS], 0, 0)
            self.book.retire(row)
        else:
            self.book.link(row, half, key)

    def _end(self, account: i64, flags: i64) -> i64:
        """Why an order that could not trade further does not rest, or 0 if it may."""
        if flags & IMMEDIATE:
            return NOT_FILLABLE if flags & FOK else IOC_REMAINDER
        return 0 if self._may_reduce(account, flags) else NOTHING_TO_REDUCE

    def _may_reduce(self, account: i64, flags: i64) -> bool:
        """Whether the account has a position that an order with these flags reduces."""
        return self.positions.reducible(account, -1 if flags & SELL else 1, 1) != 0

    def _take(self, row: i64, account: i64, flags: i64, against: i64, limit: i64) -> i64:
        """An order meets those that it crosses; returns the reason why it must not go on, or 0."""
        self.taker = row
        self.taker_account = account
        self.taker_side = -1 if flags & SELL else 1
        self.taker_mode = flags & SELF_TRADE_MODE
        self.stopped_by = 0
        if not self.positions.has_room(account, 1):
            return POSITION_CAP
        lots = self.book.rows[row + LOTS]
        if flags & REDUCE_ONLY:
            lots = self.positions.reducible(account, self.taker_side, lots)
        if flags & FOK and not self._is_fillable(against, limit, lots):
            return NOT_FILLABLE
        self._sweep(against, limit, lots)
        return self.stopped_by

    def _sweep(self, half: i64, limit: i64, lots: i64) -> None:
        """The matching loop: best level first, its oldest order first, up to key `limit`."""
        head = half * ROW
        while lots > 0:
            rows = self.book.rows
            level = rows[head + BEST]
            if rows[level + KEY] > limit:
                break
            maker = rows[level + NEXT]
            offered = rows[maker + LOTS]
            if fetches():
                second = rows[rows[maker + NEXT] + NEXT]  # after this one, and asked for by the one before it
                fetch(rows, rows[second + NEXT])
                self.positions.expect(rows[second + META] & ACCOUNT)
            lots -= self._meet(maker, offered if offered < lots else lots)
            if self.stopped_by != 0:
                break

    def _is_fillable(self, half: i64, limit: i64, lots: i64) -> bool:
        """Whether so many lots are certain to trade (R27): reduce-only orders and accounts near their caps are not."""
        rows = self.book.rows
        maker = self.book.best(half)
        while maker != NIL and rows[rows[maker + LEVEL] + KEY] <= limit:
            meta = rows[maker + META]
            own = meta & ACCOUNT == self.taker_account and self.taker_mode != ALLOW_SELF_TRADE
            if own and self.taker_mode != 0:
                return False
            if not own and not meta >> FLAGS & REDUCE_ONLY and self.positions.has_room(meta & ACCOUNT, 2):
                lots -= rows[maker + LOTS]
                if lots <= 0:
                    return True
            maker = self.book.after(maker)
        return False

    def _meet(self, maker: i64, lots: i64) -> i64:
        """The taker meets an order: they trade, unless one of the two may not; returns the lots that it used up."""
        rows = self.book.rows
        meta = rows[maker + META]
        owner = meta & ACCOUNT
        if owner == self.taker_account and self.taker_mode != ALLOW_SELF_TRADE:
            return self._prevent(maker)
        if meta >> FLAGS & REDUCE_ONLY:
            lots = self.positions.reducible(owner, -self.taker_side, lots)
            if lots == 0:
                self._drop(maker, NOTHING_TO_REDUCE)
                return 0
        if not self.positions.has_room(owner, 1):
            self._drop(maker, POSITION_CAP)
            return 0
        price = rows[maker + PRICE]
        bought = self.taker_side * lots
        self.positions.fill(self.taker_account, bought, price, self.taker_fee_ppb)
        self.positions.fill(owner, -bought, price, self.maker_fee_ppb)
        self.last = price
        if price < self.low:
            self.low = price
        if price > self.high:
            self.high = price
        self._shrink(TRADE, maker, owner, lots)
        return lots

    def _prevent(self, maker: i64) -> i64:
        """The taker meets an order of its own account: what happens is the taker's choice (R29)."""
        mode = self.taker_mode
        if mode == DECREMENT:
            return self._decrement(maker)
        if mode != EXPIRE_TAKER:
            self._drop(maker, SELF_TRADE)
        self.stopped_by = SELF_TRADE if mode != EXPIRE_MAKER else 0
        return 0

    def _decrement(self, maker: i64) -> i64:
        """Both orders lose what the smaller one has; returns how many lots fewer the taker may now trade."""
        rows, taker = self.book.rows, self.taker
        open_lots, theirs = rows[taker + LOTS], rows[maker + LOTS]
        lots, wanted = theirs if theirs < open_lots else open_lots, open_lots
        if rows[taker + META] >> FLAGS & REDUCE_ONLY:
            wanted = self.positions.reducible(self.taker_account, self.taker_side, open_lots)
        rows[taker + SIZE] -= lots
        rows[maker + SIZE] -= lots
        self._shrink(PREVENTED, maker, self.taker_account, lots)
        left = open_lots - lots
        return wanted - left if left < wanted else 0

    def _shrink(self, kind: i64, maker: i64, owner: i64, lots: i64) -> None:
        """Take lots off both orders, and say so. A maker without lots leaves the book."""
        rows = self.book.rows
        taker = self.taker
        left, open_lots = rows[taker + LOTS] - lots, rows[maker + LOTS] - lots
        rows[taker + LOTS] = left
        accounts = self.taker_account << 32 | owner
        self._say(kind, rows[taker + ID], rows[maker + ID], rows[maker + PRICE], lots, left, open_lots, accounts)
        if open_lots != 0:
            self.book.reduce(maker, lots)
        else:
            self.book.remove(maker)

    def _drop(self, maker: i64, reason: i64) -> None:
        """A resting order that may not trade leaves the book."""
        rows = self.book.rows
        account = rows[maker + META] & ACCOUNT
        self._say(CLOSED, rows[maker + ID], account, reason, rows[maker + PRICE], rows[maker + LOTS], 0, 0)
        self.book.remove(maker)

    # Stops

    def _is_reached(self, flags: i64, trigger: i64) -> bool:
        """Whether the last price has reached a trigger: at or above it to buy, at or below it to sell (R28)."""
        return self.last != 0 and (self.last <= trigger if flags & SELL else self.last >= trigger)

    def _fire(self) -> None:
        """Execute every stop that a trade of this command has reached: buys first, the nearest trigger first."""
        while True:
            rows = self.book.rows
            level = rows[STOP_BUYS * ROW + BEST]
            if rows[level + KEY] > self.high:
                level = rows[STOP_SELLS * ROW + BEST]
                if rows[level + KEY] > -self.low:
                    break
            row = rows[level + NEXT]
            account = rows[row + META] & ACCOUNT
            self._say(TRIGGERED, rows[row + ID], account, self.last, rows[row + PRICE], rows[row + LOTS], 0, 0)
            self.book.unlink(row)
            self._execute(row, account, rows[row + META] >> FLAGS, rows[row + PRICE])
        self.low = NEVER
        self.high = 0

    # Events

    def _say(self, kind: i64, b: i64, c: i64, d: i64, e: i64, f: i64, g: i64, h: i64) -> None:
        """One event. The array is used again and again; it grows to what the largest frame has to say."""
        at = self.words_said
        if at == self.room:
            self._more_room()
        said = self.said
        said[at] = kind
        said[at + 1] = b
        said[at + 2] = c
        said[at + 3] = d
        said[at + 4] = e
        said[at + 5] = f
        said[at + 6] = g
        said[at + 7] = h
        self.words_said = at + WORDS

    def _more_room(self) -> None:
        """Twice as much."""
        self.said = longer(self.said, self.room)
        self.view = memoryview(self.said)
        self.room += self.room
