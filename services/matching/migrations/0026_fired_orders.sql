-- migrate:up
-- Orders that a command has fired and not placed yet, between two of its steps; otherwise there is no row.
CREATE TABLE fired_orders (
    command_seq  bigint PRIMARY KEY,
    order_ids    text NOT NULL
);
COMMENT ON COLUMN fired_orders.order_ids IS 'a JSON array, in the order in which they fired';

-- migrate:down
DROP TABLE fired_orders;
