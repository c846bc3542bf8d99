-- migrate:up

ALTER TABLE markets
    ADD COLUMN oi_scale_lower_quanta bigint NOT NULL DEFAULT 0,
    ADD COLUMN oi_scale_upper_quanta bigint NOT NULL DEFAULT 0,
    ADD COLUMN index_ticks bigint NOT NULL DEFAULT 0 CHECK (index_ticks >= 0),
    ADD COLUMN open_interest_lots bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN markets.index_ticks IS '0 = no price yet';

CREATE TABLE assets (
    asset                  text     PRIMARY KEY,
    decimals               smallint NOT NULL,
    index_market           text,
    fixed_price            text,
    initial_weight_ppb     bigint   NOT NULL,
    maintenance_weight_ppb bigint   NOT NULL,
    cap                    text     NOT NULL,
    conversion_fee_ppb     bigint   NOT NULL,
    CHECK ((index_market IS NULL) <> (fixed_price IS NULL))
);
COMMENT ON TABLE assets IS 'what counts as collateral beside cash, and for how much of its value';

CREATE TABLE collateral (
    account text   NOT NULL,
    asset   text   NOT NULL,
    units   bigint NOT NULL CHECK (units > 0),
    PRIMARY KEY (account, asset)
);
COMMENT ON COLUMN collateral.units IS 'smallest units of the asset';

CREATE TABLE leverages (
    account  text    NOT NULL,
    market   text    NOT NULL,
    leverage integer NOT NULL CHECK (leverage > 0),
    PRIMARY KEY (account, market)
);

CREATE TABLE alert_collateral (
    alert_seq    bigint NOT NULL,
    asset        text   NOT NULL,
    units        bigint NOT NULL,
    price        text   NOT NULL,
    weight_ppb   bigint NOT NULL,
    value_quanta bigint NOT NULL,
    PRIMARY KEY (alert_seq, asset)
);
COMMENT ON COLUMN alert_collateral.price IS 'of one whole asset, in quote';
COMMENT ON TABLE alert_collateral IS 'the collateral beside cash that an alert was computed from';

-- migrate:down

DROP TABLE alert_collateral;
DROP TABLE leverages;
DROP TABLE collateral;
DROP TABLE assets;
ALTER TABLE markets
    DROP COLUMN open_interest_lots,
    DROP COLUMN index_ticks,
    DROP COLUMN oi_scale_upper_quanta,
    DROP COLUMN oi_scale_lower_quanta;
