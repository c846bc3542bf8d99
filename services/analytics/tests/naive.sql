-- Candles and statistics from the raw events alone. Every query here is named in the line before it.

-- prepare: trades as they hold now, each side of them, and every mark
CREATE TABLE trades AS
WITH latest AS (
  SELECT first_trade_id AS trade_id, arg_max(type, seq) AS fate, arg_max(new_price_ticks, seq) FILTER (type = 'TradeCorrected') AS price,
         arg_max(new_size_lots, seq) FILTER (type = 'TradeCorrected') AS lots,
         arg_max(new_quote_quanta, seq) FILTER (type = 'TradeCorrected') AS quanta,
         arg_max(new_buyer, seq) FILTER (type = 'TradeCorrected') AS buyer,
         arg_max(new_seller, seq) FILTER (type = 'TradeCorrected') AS seller
  FROM events WHERE type IN ('TradeBusted', 'TradeCorrected') GROUP BY 1
)
SELECT t.seq, t.market, t.occurred_at AS made, coalesce(l.price, t.price_ticks) AS price, coalesce(l.lots, t.size_lots) AS lots,
       coalesce(l.quanta, t.quote_quanta) AS quanta, coalesce(l.buyer, t.buyer) AS buyer, coalesce(l.seller, t.seller) AS seller
FROM events t LEFT JOIN latest l USING (trade_id)
WHERE t.type = 'TradeExecuted' AND t.origin <> 'takeover' AND (l.fate IS NULL OR l.fate = 'TradeCorrected');
CREATE TABLE sides AS
SELECT seq, account, market, occurred_at AS made, fill_lots, fill_price_ticks AS price, realized_pnl_quanta AS realized,
       fee_quanta AS fee, funding_quanta AS settled, lots, quote_quanta AS quote, cash_quanta AS cash, funding_index_quanta AS index
FROM events WHERE type = 'PositionChanged' AND account NOT IN ('outside', 'insurance', 'venue');
CREATE TABLE marks AS
WITH opening AS (SELECT market, min(seq) AS seq, arg_min(price, seq) AS mark FROM sides GROUP BY 1)
SELECT seq, market, occurred_at AS made, mark_ticks AS mark FROM events WHERE type = 'MarkPriceUpdated'
UNION ALL
SELECT f.seq, f.market, s.made, f.mark FROM opening f JOIN sides s USING (seq)
WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.type = 'MarkPriceUpdated' AND e.market = f.market AND e.seq < f.seq);

-- candles: of any width
SELECT market, made - made % $1 AS open_time, arg_min(price, seq), max(price), min(price), arg_max(price, seq),
       sum(lots)::BIGINT, sum(quanta)::BIGINT, count(*)
FROM trades GROUP BY 1, 2 ORDER BY 1, 2;

-- trades: as they hold now
SELECT seq, market, made - made % 60000000, price, lots, quanta FROM trades ORDER BY 1;

-- market_days: UTC; open interest is the last that was said, also on an earlier day, and the highest that was in force
WITH d AS (
  SELECT market, occurred_at - occurred_at % 86400000000 AS day,
         coalesce(sum(rate_ppb) FILTER (type = 'FundingSettled'), 0)::BIGINT AS funding,
         count(*) FILTER (type = 'FundingSettled') AS fundings,
         coalesce(sum(fee_quanta) FILTER (type = 'PositionChanged'), 0)::BIGINT AS fees,
         coalesce(sum(referral_quanta) FILTER (type = 'PositionChanged'), 0)::BIGINT AS referral,
         arg_max(open_interest_lots, seq) FILTER (type = 'MarkPriceUpdated') AS said,
         max(open_interest_lots) FILTER (type = 'MarkPriceUpdated') AS highest,
         count(*) FILTER (type = 'LiquidationExecuted') AS liquidations,
         coalesce(sum(abs(closed_lots) + abs(taken_over_lots) + abs(deleveraged_lots)) FILTER (type = 'LiquidationExecuted'), 0)::BIGINT AS liquidated,
         coalesce(sum(fee_quanta) FILTER (type = 'LiquidationExecuted'), 0)::BIGINT AS liquidation_fees
  FROM events WHERE type IN ('FundingSettled', 'PositionChanged', 'MarkPriceUpdated', 'LiquidationExecuted') GROUP BY 1, 2
), i AS (
  SELECT *, coalesce(last_value(said IGNORE NULLS) OVER (PARTITION BY market ORDER BY day), 0) AS interest FROM d
), t AS (
  SELECT market, made - made % 86400000000 AS day, arg_min(price, seq) AS o, max(price) AS h, min(price) AS l,
         arg_max(price, seq) AS c, sum(lots)::BIGINT AS lots, sum(quanta)::BIGINT AS quanta, count(*) AS n
  FROM trades GROUP BY 1, 2
)
SELECT i.market, i.day, o, h, l, c, coalesce(lots, 0), coalesce(quanta, 0), coalesce(n, 0), interest,
       greatest(lag(interest, 1, 0) OVER (PARTITION BY i.market ORDER BY i.day), coalesce(highest, 0)),
       funding, fundings, fees, referral, liquidations, liquidated, liquidation_fees
FROM i LEFT JOIN t USING (market, day) ORDER BY 1, 2;

-- account_days: what moved in the day (or the hour, its length put in its place), and the worth at the midnights around it, from what was said last before each
WITH days AS (SELECT DISTINCT occurred_at - occurred_at % 86400000000 AS day FROM events),
moves AS (
  SELECT account, made - made % 86400000000 AS day, 0 AS flows, fee AS fees, realized, settled,
         -fill_lots::HUGEINT * s.price * u.u AS fill_flow FROM sides s JOIN units u USING (market)
  UNION ALL
  SELECT account, occurred_at - occurred_at % 86400000000, CASE WHEN kind = 'referral' THEN 0 ELSE amount_quanta END,
         CASE WHEN kind = 'referral' THEN -amount_quanta ELSE 0 END, 0, 0, 0 FROM events
  WHERE type = 'TransferApplied' AND account NOT IN ('outside', 'insurance', 'venue')
),
moved AS (
  SELECT account, day, sum(flows)::BIGINT AS flows, sum(fees)::BIGINT AS fees, sum(realized)::BIGINT AS realized,
         sum(settled)::BIGINT AS settled, sum(fill_flow)::BIGINT AS fill_flow FROM moves GROUP BY 1, 2
),
traded AS (
  SELECT account, made - made % 86400000000 AS day, sum(quanta)::BIGINT AS volume, count(*) AS trades FROM (
    SELECT buyer AS account, made, quanta FROM trades UNION ALL SELECT seller, made, quanta FROM trades
  ) WHERE account NOT IN ('outside', 'insurance', 'venue') GROUP BY 1, 2
),
who AS (SELECT DISTINCT account FROM moved),
grid AS (SELECT account, day, day + 86400000000 AS until FROM who, days),
cash AS (SELECT account, made, seq, cash FROM sides UNION ALL
         SELECT account, occurred_at, seq, cash_quanta FROM events WHERE type = 'TransferApplied'),
cash_at AS (SELECT g.account, g.day, arg_max(c.cash, c.seq) AS cash FROM grid g JOIN cash c ON c.account = g.account AND c.made < g.until GROUP BY 1, 2),
held AS (SELECT g.account, g.day, s.market, arg_max(s.lots, s.seq) AS lots, arg_max(s.quote, s.seq) AS quote, arg_max(s.index, s.seq) AS settled_index
         FROM grid g JOIN sides s ON s.account = g.account AND s.made < g.until GROUP BY 1, 2, 3),
priced AS (SELECT d.day, m.market, arg_max(m.mark, m.seq) AS mark FROM days d JOIN marks m ON m.made < d.day + 86400000000 GROUP BY 1, 2),
indexed AS (SELECT d.day, e.market, arg_max(e.funding_index_quanta, e.seq) AS index FROM days d
            JOIN events e ON e.type = 'FundingSettled' AND e.occurred_at < d.day + 86400000000 GROUP BY 1, 2),
worth AS (
  SELECT h.account, h.day, sum(h.quote)::BIGINT AS quote, sum(h.lots::HUGEINT * p.mark * u.u)::BIGINT AS value,
         sum(-h.lots::HUGEINT * (coalesce(i.index, 0) - h.settled_index))::BIGINT AS unsettled, sum(abs(h.lots)) AS open
  FROM held h JOIN priced p USING (day, market) JOIN units u USING (market) LEFT JOIN indexed i USING (day, market) GROUP BY 1, 2
),
ends AS (
  SELECT g.account, g.day, c.cash + coalesce(w.quote + w.value + w.unsettled, 0) AS equity,
         coalesce(w.value, 0) AS value, coalesce(w.unsettled, 0) AS unsettled, coalesce(w.open, 0) AS open
  FROM grid g LEFT JOIN cash_at c USING (account, day) LEFT JOIN worth w USING (account, day)
),
compared AS (
  SELECT *, lag(equity, 1) OVER w AS equity0, lag(value, 1, 0) OVER w AS value0, lag(unsettled, 1, 0) OVER w AS unsettled0,
         lag(open, 1, 0) OVER w AS open0
  FROM ends WINDOW w AS (PARTITION BY account ORDER BY day)
)
SELECT account, day, if(open0 > 0 OR flows IS NOT NULL, coalesce(equity0, 0), NULL),
       if(open0 > 0 OR flows IS NOT NULL, equity, NULL), coalesce(flows, 0),
       if(open0 > 0 OR flows IS NOT NULL, coalesce(fill_flow, 0) + value - value0, 0), if(open0 > 0 OR flows IS NOT NULL, coalesce(settled, 0) + unsettled - unsettled0, 0),
       coalesce(fees, 0), coalesce(realized, 0), coalesce(volume, 0), coalesce(trades, 0)
FROM compared LEFT JOIN moved USING (account, day) LEFT JOIN traded USING (account, day)
WHERE open0 > 0 OR flows IS NOT NULL OR trades IS NOT NULL ORDER BY 1, 2;
