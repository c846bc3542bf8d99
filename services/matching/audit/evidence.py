"""What the auditor is given: what has been written since it last looked, and what the tables say now."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Marks(NamedTuple):
    """Last number of each kind that was written, or read. changes: of the operator's changes to the venue."""

    transactions: int = 0
    trades: int = 0
    transfers: int = 0
    changes: int = 0


class Posting(NamedTuple):
    """One leg of a ledger transaction, in smallest units of its asset."""

    transaction_id: int
    leg: int
    account: str
    amount: int
    kind: str
    asset: str


class Fill(NamedTuple):
    """One trade. Price in ticks, size in lots, the rest in quote quanta."""

    trade_id: int
    market: str
    price: int
    lots: int
    quote: int
    buyer: str
    seller: str
    buy_order_id: int | None
    sell_order_id: int | None
    taker_side: str
    origin: str
    buyer_fee: int
    seller_fee: int


class Move(NamedTuple):
    """One step of the transfers' history; `moved` is by how much the account's balance changed, in smallest units."""

    account: str
    asset: str
    moved: int


class News(NamedTuple):
    """What was written after the marks of the last look, in order. complete: nothing more was there to read."""

    marks: Marks
    postings: Sequence[Posting]
    fills: Sequence[Fill]
    moves: Sequence[Move]
    complete: bool


class Wanted(NamedTuple):
    """Rows that the auditor asks for: balances by ledger account, positions by (account, market), traders' referrers.

    cursor: where to go on with the balances that nobody has asked for, so that in time all of them come round.
    """

    balances: Sequence[str]
    positions: Sequence[tuple[str, str]]
    traders: Sequence[str]
    cursor: str


class Rules(NamedTuple):
    """What a market's trades cost: rates in 1e-9, quanta per lot and tick.

    rates: every (taker, maker) that may be charged: the market's own, or those of its tiers.
    """

    unit: int
    rates: frozenset[tuple[int, int]]
    liquidation_fee_ppb: int


class Totals(NamedTuple):
    """One market summed up: lots of all positions, of the longs, as stored for readers; funding not yet paid."""

    lots: int
    longs: int
    open_interest: int
    unsettled: int


class View(NamedTuple):
    """The tables at one position. balances: (asset, units) by ledger account; lots by (account, market).

    locked: withdrawals on their way and bonds, by ledger account. revenue: what the venue has kept of fees.
    totals and pots are given now and then: sums over whole tables. trading: markets that are not halted.
    cursor: the last ledger account of those that came round, empty after the last of all.
    """

    position: int
    balances: Mapping[str, tuple[str, int]]
    lots: Mapping[tuple[str, str], int]
    referrers: Mapping[str, str]
    locked: Mapping[str, int]
    revenue: int
    rules: Mapping[str, Rules]
    discount_ppb: int
    share_ppb: int
    trading: frozenset[str]
    cursor: str
    pots: Mapping[str, int] | None = None
    totals: Mapping[str, Totals] | None = None


class Finding(NamedTuple):
    """What does not add up: the check that found it, the market it is about if it is one, and the figures."""

    check: str
    market: str | None
    detail: str
