-- Days and months of accounts in the form of earnings, from the raw events and the days that a recount made of them.

-- earned_days: deposits and withdrawals apart, what came back of the fees, what was earned so far, and the return (R35)
WITH moves AS (
  SELECT account, occurred_at - occurred_at % 86400000000 AS day, amount_quanta AS amount,
         amount_quanta::HUGEINT * (86400000000 - occurred_at % 86400000000) // 86400000000 AS weighted
  FROM events WHERE type = 'TransferApplied' AND kind IS DISTINCT FROM 'referral'
),
flows AS (
  SELECT account, day, sum(greatest(amount, 0)) AS deposits, sum(greatest(-amount, 0)) AS withdrawals,
         sum(weighted) AS weighted FROM moves GROUP BY 1, 2
),
returned AS (
  SELECT account, day, sum(rebate) AS rebates FROM (
    SELECT account, made - made % 86400000000 AS day, greatest(-fee, 0) AS rebate FROM sides UNION ALL
    SELECT account, occurred_at - occurred_at % 86400000000, amount_quanta FROM events
    WHERE type = 'TransferApplied' AND kind = 'referral'
  ) GROUP BY 1, 2
),
figures AS (
  SELECT d.*, coalesce(rebates, 0)::BIGINT AS rebates, coalesce(deposits, 0)::BIGINT AS deposits,
         coalesce(withdrawals, 0)::BIGINT AS withdrawals, coalesce(weighted, 0)::HUGEINT AS weighted
  FROM account_days d LEFT JOIN flows USING (account, day) LEFT JOIN returned USING (account, day)
),
cut AS (
  SELECT *, CASE WHEN equity_start + weighted > 0 THEN
    (equity_end - equity_start - flows)::HUGEINT * 1000000000000 // (equity_start + weighted) END AS r FROM figures
)
SELECT account, day, equity_start, equity_end, flows, pnl, funding, fees, rebates, deposits, withdrawals,
       (sum(pnl + funding) OVER line)::BIGINT AS cumulative_earned, (sum(pnl + funding - fees) OVER line)::BIGINT AS cumulative_net,
       CASE WHEN abs(r) <= 9007199254740991 THEN r::BIGINT END AS return_1e12
FROM cut WINDOW line AS (PARTITION BY account ORDER BY day) ORDER BY 1, 2;

-- earned_months: by the calendar of UTC; the returns are for APR and APY
SELECT account, strftime(make_timestamp(day), '%Y%m')::BIGINT AS month, arg_min(equity_start, day), arg_max(equity_end, day),
       sum(deposits)::BIGINT, sum(withdrawals)::BIGINT, sum(pnl)::BIGINT, sum(funding)::BIGINT, sum(fees)::BIGINT, sum(rebates)::BIGINT,
       count(*) FILTER (equity_start <> 0 OR equity_end <> 0 OR deposits <> 0 OR withdrawals <> 0 OR pnl <> 0 OR funding <> 0 OR fees <> 0),
       count(return_1e12), coalesce(sum(return_1e12), 0)::BIGINT, list(return_1e12 ORDER BY day) FILTER (return_1e12 IS NOT NULL)
FROM earned_days GROUP BY 1, 2 ORDER BY 1, 2;

