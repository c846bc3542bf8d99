-- migrate:up
-- An armed order has no place in the book yet: no priority, nothing shown, and no price where it places a market order.
ALTER TABLE orders DROP CONSTRAINT orders_price_ticks_check;
ALTER TABLE orders ADD CONSTRAINT orders_price_ticks_check
    CHECK (price_ticks > 0 OR (price_ticks = 0 AND state = 'armed'));

-- What each armed order waits for: a trigger price, or a distance behind the best price. 0 is none.
CREATE TABLE triggers (
    order_id             bigint PRIMARY KEY,
    trigger_source       text NOT NULL CHECK (trigger_source IN ('mark', 'last', 'index')),
    trigger_price_ticks  bigint NOT NULL,
    trail_ticks          bigint NOT NULL,
    trail_rate_ppb       bigint NOT NULL,
    parent_order_id      bigint NOT NULL,
    CHECK (trigger_price_ticks >= 0 AND trail_ticks >= 0 AND trail_rate_ppb >= 0),
    CHECK ((trigger_price_ticks > 0)::int + (trail_ticks > 0)::int + (trail_rate_ppb > 0)::int = 1)
) WITH (fillfactor = 70);

-- Trailing orders of one market, source and side, from this number up to the next row's, have seen this best price
-- since they were armed; 0 is none yet.
CREATE TABLE trails (
    market          text NOT NULL,
    trigger_source  text NOT NULL,
    side            smallint NOT NULL CHECK (side IN (-1, 1)),
    first_order_id  bigint NOT NULL,
    extreme_ticks   bigint NOT NULL CHECK (extreme_ticks >= 0),
    PRIMARY KEY (market, trigger_source, side, first_order_id)
) WITH (fillfactor = 50);

-- Exits of brackets whose entry has not traded yet.
CREATE TABLE dormant_exits (
    order_id             bigint PRIMARY KEY,
    parent_order_id      bigint NOT NULL,
    client_order_id      text NOT NULL,
    order_type           text NOT NULL,
    price_ticks          bigint NOT NULL CHECK (price_ticks >= 0),
    trigger_source       text NOT NULL,
    trigger_price_ticks  bigint NOT NULL CHECK (trigger_price_ticks > 0)
);

CREATE TABLE oco_members (
    order_id   bigint PRIMARY KEY,
    oco_group  text NOT NULL
);

-- migrate:down
DROP TABLE oco_members;
DROP TABLE dormant_exits;
DROP TABLE trails;
DROP TABLE triggers;
DELETE FROM orders WHERE state = 'armed';
ALTER TABLE orders DROP CONSTRAINT orders_price_ticks_check;
ALTER TABLE orders ADD CONSTRAINT orders_price_ticks_check CHECK (price_ticks > 0);
