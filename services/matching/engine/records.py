"""What the engine reads and says: records of eight signed 64-bit words, little-endian where they are bytes.

A frame is any number of commands one after the other; the engine answers with any number of events.

    word        0      1           2           3        4        5          6           7
    PLACE       kind   account     flags       price    lots     trigger    tag         -
    CANCEL      kind   account     order id    -        -        -          tag         -
    REPLACE     kind   account     order id    price    lots     -          tag         -

    ACCEPTED    kind   order id    account     flags    price    lots       trigger     tag
    REPLACED    kind   order id    account     kept     price    lots       open lots   tag
    CLOSED      kind   order id    account     reason   price    open lots  -           tag
    REJECTED    kind   order id    account     reason   price    lots       flags       tag
    TRIGGERED   kind   order id    account     last     price    lots       -           -
    TRADE       kind   taker's id  maker's id  price    lots     taker's    maker's     taker's account << 32
    PREVENTED                                                    open lots  open lots   + maker's account

Prices are in ticks, sizes in lots, an unused word is 0. `tag` is the sender's and comes back as it was. `kept` is 1
when a replaced order kept its place in the queue. A market order has price 0. ACCEPTED gives an order its id, never one
that another order had.

Each command is answered by one of ACCEPTED, REPLACED, CLOSED (of a cancel) or REJECTED, then by what follows from it.
An order that TRADE or PREVENTED leaves without open lots is over; every other end is a CLOSED, which says why.
"""

from typing import Final

WORDS: Final = 8
RECORD_BYTES: Final = 64

# Kinds of commands.
PLACE: Final = 1
CANCEL: Final = 2
REPLACE: Final = 3

# Kinds of events.
ACCEPTED: Final = 1
REPLACED: Final = 2
CLOSED: Final = 3
REJECTED: Final = 4
TRIGGERED: Final = 5
TRADE: Final = 6
PREVENTED: Final = 7

# Flags of PLACE. Without IOC or FOK an order rests until it is cancelled; without SELL it buys.
SELL: Final = 1
MARKET: Final = 2
IOC: Final = 4
FOK: Final = 8
POST_ONLY: Final = 16
REDUCE_ONLY: Final = 32
STOP: Final = 64
# What the order wants when it meets one of its own account (rule R29).
EXPIRE_MAKER: Final = 0
EXPIRE_TAKER: Final = 128
EXPIRE_BOTH: Final = 256
DECREMENT: Final = 384
ALLOW_SELF_TRADE: Final = 512
SELF_TRADE_MODE: Final = 896
EVERY_FLAG: Final = 1023
IMMEDIATE: Final = MARKET | IOC | FOK

# Reasons of REJECTED.
BAD_KIND: Final = 1
BAD_ACCOUNT: Final = 2
BAD_FLAGS: Final = 3
BAD_PRICE: Final = 4
BAD_LOTS: Final = 5
BAD_TRIGGER: Final = 6
UNKNOWN_ORDER: Final = 7
WOULD_CROSS: Final = 8
NOTHING_TO_REDUCE: Final = 9
TOO_MANY_ORDERS: Final = 10
NOT_TRIGGERED: Final = 11
# Reasons of CLOSED, beside NOTHING_TO_REDUCE.
CANCELED: Final = 12
IOC_REMAINDER: Final = 13
NOT_FILLABLE: Final = 14
SELF_TRADE: Final = 15
REPLACED_BY_LESS: Final = 16
POSITION_CAP: Final = 17

REASONS: Final[dict[int, str]] = {
    BAD_KIND: "bad_kind",
    BAD_ACCOUNT: "bad_account",
    BAD_FLAGS: "bad_flags",
    BAD_PRICE: "bad_price",
    BAD_LOTS: "bad_lots",
    BAD_TRIGGER: "bad_trigger",
    UNKNOWN_ORDER: "unknown_order",
    WOULD_CROSS: "post_only_would_cross",
    NOTHING_TO_REDUCE: "reduce_only",
    TOO_MANY_ORDERS: "too_many_orders",
    NOT_TRIGGERED: "not_triggered",
    CANCELED: "canceled",
    IOC_REMAINDER: "ioc_remainder",
    NOT_FILLABLE: "not_fillable",
    SELF_TRADE: "self_trade",
    REPLACED_BY_LESS: "replaced_by_less",
    POSITION_CAP: "position_cap",
}
"""Reason codes as the contracts spell them."""
