"""What can be asked of insurance funds and of who would be deleveraged. Amounts leave as decimal text."""

from collections.abc import Mapping
from typing import Any, Final

from cleartide.money import Grid, quanta_to_text
from cleartide.rules.accounts import INSURANCE, SYSTEM_ACCOUNTS
from cleartide.service import Query

from services.matching.domain.ledger import insurance_name
from services.matching.domain.waterfall.score import LAMPS
from services.matching.views.grids import MOST_MARKETS
from services.matching.views.pages import DEFAULT_ROWS, MOST_ROWS, before_of, limit_of

# Of every side on which the account stands: all holders with their equity, and how many score no higher than it does.
_LAMPS_SQL: Final = """
WITH mine AS (SELECT market, sign(lots) AS side FROM positions WHERE account = $1),
rivals AS (
    SELECT DISTINCT p.account FROM positions p JOIN mine USING (market)
    WHERE sign(p.lots) = mine.side AND p.account <> ALL($2::text[])
),
held AS (
    SELECT p.account, p.market, p.lots, b.balance_quanta::numeric AS quote,
           p.lots * k.mark_ticks * (m.tick_size::numeric * m.lot_size::numeric * 1000000) AS value,
           -p.lots::numeric * (f.funding_index_quanta - p.funding_index_quanta) AS unsettled
    FROM positions p JOIN rivals USING (account) JOIN marks k USING (market) JOIN markets m USING (market)
    JOIN funding_indexes f USING (market)
    JOIN ledger_balances b ON b.account = 'position:' || p.market || ':' || p.account
),
pledged AS (
    SELECT r.account, floor(b.balance_quanta * c.maintenance_weight_ppb / 1000.0 / power(10::numeric, c.decimals)
           * coalesce(c.fixed_price::numeric, k.index_ticks * m.tick_size::numeric)) AS worth
    FROM rivals r CROSS JOIN assets c
    JOIN ledger_balances b ON b.account = 'collateral:' || c.asset || ':' || r.account
    LEFT JOIN marks k ON k.market = c.index_market LEFT JOIN markets m ON m.market = c.index_market
),
standing AS (
    SELECT r.account, coalesce((SELECT balance_quanta FROM ledger_balances WHERE account = 'cash:' || r.account), 0)
           + coalesce((SELECT sum(quote + value + unsettled) FROM held h WHERE h.account = r.account), 0)
           + coalesce((SELECT sum(worth) FROM pledged g WHERE g.account = r.account), 0) AS equity
    FROM rivals r
),
scored AS (
    SELECT h.account, h.market, CASE WHEN h.quote + h.value > 0
           THEN (h.quote + h.value) * abs(h.value) / (greatest(abs(h.quote), 1) * s.equity)
           ELSE (h.quote + h.value) * s.equity / (greatest(abs(h.quote), 1) * greatest(abs(h.value), 1)) END AS score
    FROM held h JOIN mine ON mine.market = h.market AND mine.side = sign(h.lots) JOIN standing s USING (account)
    WHERE s.equity > 0
),
ranked AS (
    SELECT account, market, rank() OVER (PARTITION BY market ORDER BY score DESC) AS rank,
           count(*) OVER (PARTITION BY market) AS holders FROM scored
)
SELECT market, rank, holders FROM ranked WHERE account = $1 ORDER BY market LIMIT $3
"""
_FUNDS_SQL: Final = """
SELECT m.market, m.tick_size, m.lot_size, coalesce(b.balance_quanta, 0) AS balance, k.mark_ticks,
       coalesce(p.lots, 0) AS lots, coalesce(q.balance_quanta, 0) AS quote, l.stress_ppb, l.position_cap_quanta
FROM markets m JOIN marks k USING (market) LEFT JOIN liquidation_rules l USING (market)
LEFT JOIN ledger_balances b ON b.account = 'insurance:' || m.market
LEFT JOIN positions p ON p.market = m.market AND p.account = $1
LEFT JOIN ledger_balances q ON q.account = 'position:' || m.market || ':' || $1
ORDER BY m.market LIMIT $2
"""
_FUND_SQL: Final = """
SELECT transaction_id, at, kind, sum(amount_quanta)::bigint AS amount FROM ledger_entries
WHERE account = $1 AND transaction_id < $2 GROUP BY transaction_id, at, kind ORDER BY transaction_id DESC, kind LIMIT $3
"""


async def deleveraging(pool: Any, params: dict[str, Any]) -> Any:
    """For each position of an account its lamps, 1 to 5; 5 is deleveraged first (R24). Parameters: account.

    `rank` is its place among the `holders` of its side; one whose holder has no equity is left out.
    """
    rows = await pool.fetch(_LAMPS_SQL, str(params["account"]), sorted(SYSTEM_ACCOUNTS), MOST_MARKETS)
    return {"account": str(params["account"]), "positions": [_lamp(row) for row in rows]}


async def insurance(pool: Any, _: dict[str, Any]) -> Any:
    """Every market's fund: its balance, what it holds, and what it would be worth at the mark."""
    rows = await pool.fetch(_FUNDS_SQL, INSURANCE, MOST_MARKETS)
    return {"funds": [_fund(row) for row in rows]}


async def insurance_history(pool: Any, params: dict[str, Any]) -> Any:
    """What came into a market's fund and went out, newest first, by kind. Parameters: market; before, limit."""
    market, limit = str(params["market"]), limit_of(params.get("limit", DEFAULT_ROWS), MOST_ROWS)
    rows = await pool.fetch(_FUND_SQL, insurance_name(market), before_of(params), limit)
    return {
        "market": market,
        "entries": [
            {**{name: row[name] for name in ("transaction_id", "at", "kind")}, "amount": quanta_to_text(row["amount"])}
            for row in rows
        ],
    }


def _lamp(row: Mapping[str, Any]) -> dict[str, Any]:
    rank, holders = row["rank"], row["holders"]
    return {
        "market": row["market"],
        "rank": rank,
        "holders": holders,
        "lamps": -(-(holders - rank + 1) * LAMPS // holders),
    }


def _fund(row: Mapping[str, Any]) -> dict[str, Any]:
    grid = Grid.of(row["tick_size"], row["lot_size"])
    worth = row["balance"] + row["quote"] + row["lots"] * row["mark_ticks"] * grid.quanta_per_lot_tick
    cap = row["position_cap_quanta"]
    return {
        "market": row["market"],
        "balance": quanta_to_text(row["balance"]),
        "position": grid.size_text(row["lots"]),
        "worth": quanta_to_text(worth),
        "stress_ppb": row["stress_ppb"],
        "position_cap": None if cap is None else quanta_to_text(cap),
    }


QUERIES: Final[Mapping[str, Query]] = {
    "deleveraging": deleveraging,
    "insurance": insurance,
    "insurance_history": insurance_history,
}
