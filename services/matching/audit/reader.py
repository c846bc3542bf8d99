"""What the auditor is given, from the tables. One call is one snapshot of the database; nothing is ever written."""

import asyncio
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Final, TypeVar

from services.matching.audit.auditor import Auditor
from services.matching.audit.evidence import Fill, Marks, Move, News, Posting, Rules, Totals, View, Wanted

Record = TypeVar("Record")

TRANSACTIONS: Final = 500
"""Of one look: few enough that the fold beside it never waits long."""
HISTORY: Final = 50_000
"""Transactions that are summed up by one statement at the start."""
SLICE: Final = 500
"""Balances that come round with one view."""
AT_ONCE: Final = 100
"""Of them by one statement: its rows arrive together and are decoded in one go, while the fold waits."""
MOST_ROWS: Final = 5_000_000
CALM: Final = 12
"""How much longer than a piece of its work the auditor leaves to the fold when it keeps up: done in a burst once a
second, that work is beside more than half of the orders that wait longest.
"""

_COUNTERS: Final = "SELECT name, last FROM counters LIMIT 100"
_POSITION: Final = "SELECT position FROM consumer_position LIMIT 1"
_SUMS: Final = """
SELECT account, sum(amount_quanta)::bigint AS units FROM ledger_entries
WHERE transaction_id > $1 AND transaction_id <= $2 GROUP BY account LIMIT $3
"""
_ALL_LOTS: Final = "SELECT account, market, lots FROM positions LIMIT $1"
_POSTINGS: Final = """
SELECT transaction_id, leg, account, amount_quanta, kind, asset FROM ledger_entries
WHERE transaction_id > $1 AND transaction_id <= $2 ORDER BY transaction_id, leg LIMIT $3
"""
_FILLS: Final = """
SELECT trade_id, market, price_ticks, size_lots, quote_quanta, buyer, seller, buy_order_id, sell_order_id, taker_side,
       origin, buyer_fee_quanta, seller_fee_quanta FROM trades
WHERE trade_id > $1 AND trade_id <= $2 ORDER BY trade_id LIMIT $3
"""
_MOVES: Final = """
SELECT account, asset, moved_units FROM transfers
WHERE transfer_id > $1 AND transfer_id <= $2 AND moved_units <> 0 ORDER BY transfer_id LIMIT $3
"""
_BALANCES: Final = "SELECT account, asset, balance_quanta FROM ledger_balances WHERE account = ANY($1) LIMIT $2"
_SLICE: Final = """
SELECT account, asset, balance_quanta FROM ledger_balances WHERE account > $1 ORDER BY account LIMIT $2
"""
_LOTS: Final = """
SELECT account, market, lots FROM positions
JOIN unnest($1::text[], $2::text[]) AS wanted (account, market) USING (account, market) LIMIT $3
"""
_REFERRERS: Final = """
SELECT a.account, r.referrer FROM accounts a JOIN referrals r ON r.account = coalesce(a.parent, a.account)
WHERE a.account = ANY($1) LIMIT $2
"""
_LOCKED: Final = """
SELECT 'locked:' || asset || ':' || account AS name, sum(units)::bigint AS units FROM (
    SELECT asset, account, amount_units AS units FROM withdrawals
    UNION ALL SELECT 'USDC', account, bond_quanta FROM commitments
) AS held GROUP BY 1 HAVING sum(units) > 0 LIMIT $1
"""
_REVENUE: Final = """
SELECT coalesce(sum(taker_fees_quanta + maker_fees_quanta - rebates_quanta - referrals_quanta), 0)::bigint
FROM fee_revenue LIMIT 1
"""
_RULES: Final = """
SELECT m.market, m.tick_size, m.lot_size, m.taker_fee_ppb, m.maker_fee_ppb, m.liquidation_fee_ppb, s.state
FROM markets m LEFT JOIN market_states s USING (market) LIMIT $1
"""
_TIERS: Final = "SELECT market, taker_fee_ppb, maker_fee_ppb FROM fee_tiers LIMIT $1"
_TERMS: Final = "SELECT referee_discount_ppb, referrer_share_ppb FROM referral_terms LIMIT 1"
_POTS: Final = "SELECT asset, sum(balance_quanta)::bigint AS units FROM ledger_balances GROUP BY asset LIMIT $1"
_TOTALS: Final = """
SELECT m.market, coalesce(sum(p.lots), 0)::bigint AS lots, coalesce(sum(greatest(p.lots, 0)), 0)::bigint AS longs,
       coalesce(max(k.open_interest_lots), 0) AS open_interest,
       coalesce(sum(-p.lots::numeric * (f.funding_index_quanta - p.funding_index_quanta)), 0)::bigint AS unsettled
FROM markets m LEFT JOIN marks k USING (market) LEFT JOIN funding_indexes f USING (market)
LEFT JOIN positions p USING (market) GROUP BY m.market LIMIT $1
"""
_IDLE: Final = ("halted", "delisted")


async def begin(connection: Any) -> Auditor:
    """An auditor that knows everything up to now as sums."""
    marks = await _marks(connection)
    sums: dict[str, int] = {}
    for start in range(0, marks.transactions, HISTORY):
        for row in await connection.fetch(_SUMS, start, min(start + HISTORY, marks.transactions), MOST_ROWS):
            sums[row["account"]] = sums.get(row["account"], 0) + row["units"]
    lots = {(row["account"], row["market"]): row["lots"] for row in await connection.fetch(_ALL_LOTS, MOST_ROWS)}
    return Auditor(sums, lots, marks)


async def read_news(connection: Any, last: Marks) -> News:
    """What came after the marks; of transactions, trades and transfers no more than TRANSACTIONS each."""
    now = await _marks(connection)
    marks = Marks(
        min(now.transactions, last.transactions + TRANSACTIONS),
        min(now.trades, last.trades + TRANSACTIONS),
        min(now.transfers, last.transfers + TRANSACTIONS),
        now.changes,
    )
    rest = CALM if marks == now else 0
    return News(
        marks,
        await _records(connection, Posting, _POSTINGS, last.transactions, marks.transactions, rest),
        await _records(connection, Fill, _FILLS, last.trades, marks.trades, rest),
        await _records(connection, Move, _MOVES, last.transfers, marks.transfers, rest),
        complete=marks == now,
    )


async def _records(
    connection: Any, kind: Callable[..., Record], query: str, after: int, last: int, rest: int
) -> list[Record]:
    """The rows of a range of numbers, some at a time: between them the fold has its turn."""
    found: list[Record] = []
    for start in range(after, last, AT_ONCE):
        began = time.perf_counter()
        found += [kind(*row) for row in await connection.fetch(query, start, min(start + AT_ONCE, last), MOST_ROWS)]
        await asyncio.sleep(rest * (time.perf_counter() - began))
    return found


async def read_view(connection: Any, wanted: Wanted, *, whole: bool) -> View:
    """The rows that are wanted; whole: also the sums over whole tables."""
    fetch = connection.fetch
    slice_rows = await fetch(_SLICE, wanted.cursor, SLICE)
    rows = [*slice_rows, *await fetch(_BALANCES, wanted.balances, MOST_ROWS)]
    positions = [[key[0] for key in wanted.positions], [key[1] for key in wanted.positions]]
    terms = await connection.fetchrow(_TERMS)
    discount, share = tuple(terms) if terms is not None else (100_000_000, 250_000_000)
    markets = await fetch(_RULES, MOST_ROWS)
    return View(
        position=await connection.fetchval(_POSITION),
        balances={row["account"]: (row["asset"], row["balance_quanta"]) for row in rows},
        lots={(row["account"], row["market"]): row["lots"] for row in await fetch(_LOTS, *positions, MOST_ROWS)},
        referrers={row["account"]: row["referrer"] for row in await fetch(_REFERRERS, wanted.traders, MOST_ROWS)},
        locked={row["name"]: row["units"] for row in await fetch(_LOCKED, MOST_ROWS)},
        revenue=await connection.fetchval(_REVENUE),
        rules=rules_of(markets, await fetch(_TIERS, MOST_ROWS)),
        discount_ppb=discount,
        share_ppb=share,
        trading=frozenset(row["market"] for row in markets if row["state"] not in _IDLE),
        cursor=slice_rows[-1]["account"] if len(slice_rows) == SLICE else "",
        pots={row["asset"]: row["units"] for row in await fetch(_POTS, MOST_ROWS)} if whole else None,
        totals={row[0]: Totals(*row[1:]) for row in map(tuple, await fetch(_TOTALS, MOST_ROWS))} if whole else None,
    )


def rules_of(markets: Sequence[Any], tiers: Sequence[Any]) -> dict[str, Rules]:
    """By market; its own tiers go before those of every market, and without tiers its own fees hold."""
    rates: dict[str, set[tuple[int, int]]] = {}
    for tier in tiers:
        rates.setdefault(tier["market"], set()).add((tier["taker_fee_ppb"], tier["maker_fee_ppb"]))
    found: dict[str, Rules] = {}
    for row in markets:
        own = {(row["taker_fee_ppb"], row["maker_fee_ppb"])}
        unit = Fraction(row["tick_size"]) * Fraction(row["lot_size"]) * 1_000_000
        charged = rates.get(row["market"]) or rates.get("") or own
        found[row["market"]] = Rules(int(unit), frozenset(charged), row["liquidation_fee_ppb"])
    return found


async def _marks(connection: Any) -> Marks:
    found = {row["name"]: row["last"] for row in await connection.fetch(_COUNTERS)}
    return Marks(*(found.get(name, 0) for name in Marks._fields))
