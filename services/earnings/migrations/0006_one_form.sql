-- migrate:up
-- Trading days in the form of vault days: deposits and withdrawals apart, the day's return, what was earned so far; and
-- months that are kept, so that no question about months reads days. Of flows before this migration only the net is
-- known; days closed before it have no return, and in that of the open day they count as if they came at its end.
ALTER TABLE earnings_accounts ADD COLUMN deposits_quanta bigint NOT NULL DEFAULT 0,
    ADD COLUMN withdrawals_quanta bigint NOT NULL DEFAULT 0,
    ADD COLUMN weighted_flow_quanta bigint NOT NULL DEFAULT 0,
    ADD COLUMN cumulative_earned_quanta bigint NOT NULL DEFAULT 0,
    ADD COLUMN cumulative_net_quanta bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN earnings_accounts.weighted_flow_quanta IS 'flows by the part of the open day that was still to come';
COMMENT ON COLUMN earnings_accounts.cumulative_earned_quanta IS 'at the end of the last closed day';
ALTER TABLE earnings_days ADD COLUMN deposits_quanta bigint,
    ADD COLUMN withdrawals_quanta bigint,
    ADD COLUMN cumulative_earned_quanta bigint,
    ADD COLUMN cumulative_net_quanta bigint,
    ADD COLUMN return_1e12 bigint;
ALTER TABLE earnings_open_days ADD COLUMN deposits_quanta bigint,
    ADD COLUMN withdrawals_quanta bigint,
    ADD COLUMN cumulative_earned_quanta bigint,
    ADD COLUMN cumulative_net_quanta bigint;

UPDATE earnings_days d
SET deposits_quanta = greatest(flows_quanta, 0), withdrawals_quanta = greatest(-flows_quanta, 0),
    cumulative_earned_quanta = c.earned, cumulative_net_quanta = c.net
FROM (
    SELECT number, ts, sum(pnl_quanta + funding_quanta + yield_quanta) OVER line AS earned,
           sum(pnl_quanta + funding_quanta + yield_quanta - fees_quanta) OVER line AS net
    FROM earnings_days WINDOW line AS (PARTITION BY number ORDER BY ts)
) c
WHERE (c.number, c.ts) = (d.number, d.ts);
UPDATE earnings_accounts a
SET deposits_quanta = greatest(a.flows_quanta, 0), withdrawals_quanta = greatest(-a.flows_quanta, 0),
    cumulative_earned_quanta = coalesce(c.earned, 0), cumulative_net_quanta = coalesce(c.net, 0)
FROM earnings_accounts one LEFT JOIN (
    SELECT number, sum(pnl_quanta + funding_quanta + yield_quanta) AS earned,
           sum(pnl_quanta + funding_quanta + yield_quanta - fees_quanta) AS net
    FROM earnings_days GROUP BY number
) c USING (number)
WHERE one.account = a.account;
UPDATE earnings_open_days d
SET deposits_quanta = greatest(d.flows_quanta, 0), withdrawals_quanta = greatest(-d.flows_quanta, 0),
    cumulative_earned_quanta = a.cumulative_earned_quanta + d.pnl_quanta + d.funding_quanta + d.yield_quanta,
    cumulative_net_quanta
        = a.cumulative_net_quanta + d.pnl_quanta + d.funding_quanta + d.yield_quanta - d.fees_quanta
FROM earnings_accounts a WHERE a.account = d.account;

ALTER TABLE earnings_accounts DROP COLUMN flows_quanta;
ALTER TABLE earnings_days ALTER COLUMN deposits_quanta SET NOT NULL,
    ALTER COLUMN withdrawals_quanta SET NOT NULL,
    ALTER COLUMN cumulative_earned_quanta SET NOT NULL,
    ALTER COLUMN cumulative_net_quanta SET NOT NULL,
    ADD CONSTRAINT earnings_days_flows CHECK (flows_quanta = deposits_quanta - withdrawals_quanta);
ALTER TABLE earnings_open_days ALTER COLUMN deposits_quanta SET NOT NULL,
    ALTER COLUMN withdrawals_quanta SET NOT NULL,
    ALTER COLUMN cumulative_earned_quanta SET NOT NULL,
    ALTER COLUMN cumulative_net_quanta SET NOT NULL,
    ADD CONSTRAINT earnings_open_days_flows CHECK (flows_quanta = deposits_quanta - withdrawals_quanta);

-- Sums over closed days, by year * 100 + month. growth: the product of 1 + return, in 60 digits.
CREATE TABLE earnings_months (
    account              text NOT NULL,
    month                bigint NOT NULL,
    equity_start_quanta  bigint NOT NULL,
    equity_end_quanta    bigint NOT NULL,
    deposits_quanta      bigint NOT NULL,
    withdrawals_quanta   bigint NOT NULL,
    pnl_quanta           bigint NOT NULL,
    funding_quanta       bigint NOT NULL,
    fees_quanta          bigint NOT NULL,
    rebates_quanta       bigint NOT NULL,
    yield_quanta         bigint NOT NULL,
    active_days          bigint NOT NULL,
    return_days          bigint NOT NULL,
    return_sum           bigint NOT NULL,
    growth               text NOT NULL,
    PRIMARY KEY (account, month),
    CONSTRAINT earnings_months_check CHECK (
        equity_end_quanta - equity_start_quanta
        = deposits_quanta - withdrawals_quanta + pnl_quanta + funding_quanta - fees_quanta + yield_quanta
    )
);
-- The month of each account's newest closed day, to which its next one may belong.
CREATE TABLE earnings_open_months (LIKE earnings_months INCLUDING CONSTRAINTS, PRIMARY KEY (account))
WITH (fillfactor = 50);

INSERT INTO earnings_months
SELECT account, to_char(ts AT TIME ZONE 'UTC', 'YYYYMM')::bigint,
       (array_agg(equity_start_quanta ORDER BY day))[1], (array_agg(equity_end_quanta ORDER BY day DESC))[1],
       sum(deposits_quanta), sum(withdrawals_quanta), sum(pnl_quanta), sum(funding_quanta), sum(fees_quanta),
       sum(rebates_quanta), sum(yield_quanta),
       count(*) FILTER (WHERE (equity_start_quanta, equity_end_quanta, flows_quanta, pnl_quanta, funding_quanta,
                               fees_quanta, yield_quanta) <> (0, 0, 0, 0, 0, 0, 0)),
       0, 0, '1'
FROM earnings_days GROUP BY 1, 2;
WITH newest AS (
    DELETE FROM earnings_months m
    WHERE month = (SELECT max(month) FROM earnings_months one WHERE one.account = m.account) RETURNING *
)
INSERT INTO earnings_open_months SELECT * FROM newest;
SELECT wall_by_account(ARRAY['earnings_months', 'earnings_open_months'], 'account');

-- migrate:down
DROP TABLE earnings_open_months;
DROP TABLE earnings_months;
ALTER TABLE earnings_open_days DROP COLUMN deposits_quanta, DROP COLUMN withdrawals_quanta,
    DROP COLUMN cumulative_earned_quanta, DROP COLUMN cumulative_net_quanta;
ALTER TABLE earnings_days DROP COLUMN deposits_quanta, DROP COLUMN withdrawals_quanta,
    DROP COLUMN cumulative_earned_quanta, DROP COLUMN cumulative_net_quanta, DROP COLUMN return_1e12;
ALTER TABLE earnings_accounts ADD COLUMN flows_quanta bigint NOT NULL DEFAULT 0;
UPDATE earnings_accounts SET flows_quanta = deposits_quanta - withdrawals_quanta;
ALTER TABLE earnings_accounts DROP COLUMN deposits_quanta, DROP COLUMN withdrawals_quanta,
    DROP COLUMN weighted_flow_quanta, DROP COLUMN cumulative_earned_quanta, DROP COLUMN cumulative_net_quanta;
