-- migrate:up

CREATE TABLE funding_markets (
    market                   text   PRIMARY KEY,
    interest_8h_ppb          bigint NOT NULL,
    clamp_ppb                bigint NOT NULL CHECK (clamp_ppb >= 0),
    cap_8h_ppb               bigint NOT NULL CHECK (cap_8h_ppb >= 0),
    cap_hourly_ppb           bigint NOT NULL CHECK (cap_hourly_ppb >= 0),
    interval_micros          bigint NOT NULL CHECK (interval_micros > 0 AND interval_micros % 60000000 = 0),
    open_start               bigint,
    last_interval_start      bigint,
    last_average_premium_ppb bigint,
    last_rate_ppb            bigint,
    last_samples             integer,
    CHECK (open_start % interval_micros = 0),
    CHECK (last_interval_start + interval_micros = open_start)
);
COMMENT ON COLUMN funding_markets.open_start IS 'start of the interval that closes next, microseconds since the Unix epoch, UTC; NULL before the first price';
COMMENT ON COLUMN funding_markets.interval_micros IS 'fixed when the market was listed';

CREATE TABLE funding_sums (
    market          text    NOT NULL,
    interval_start  bigint  NOT NULL,
    premium_sum_ppb bigint  NOT NULL,
    samples         integer NOT NULL CHECK (samples > 0),
    last_minute     bigint  NOT NULL,
    PRIMARY KEY (market, interval_start)
);
COMMENT ON TABLE funding_sums IS 'premium samples of the intervals that are still open';

CREATE TABLE funding_rates (
    market              text    NOT NULL,
    interval_start      bigint  NOT NULL,
    interval_micros     bigint  NOT NULL,
    average_premium_ppb bigint  NOT NULL,
    rate_ppb            bigint  NOT NULL,
    samples             integer NOT NULL CHECK (samples >= 0),
    published_at        bigint  NOT NULL,
    PRIMARY KEY (market, interval_start)
);
COMMENT ON TABLE funding_rates IS 'one row per market and interval, written once, never changed';

CREATE TABLE funding_settlements (
    market               text   NOT NULL,
    interval_start       bigint NOT NULL,
    rate_ppb             bigint NOT NULL,
    mark_ticks           bigint NOT NULL,
    index_step_quanta    bigint NOT NULL,
    funding_index_quanta bigint NOT NULL,
    settled_at           bigint NOT NULL,
    PRIMARY KEY (market, interval_start)
);
COMMENT ON TABLE funding_settlements IS 'what matching made of each rate';

-- migrate:down

DROP TABLE funding_settlements;
DROP TABLE funding_rates;
DROP TABLE funding_sums;
DROP TABLE funding_markets;
