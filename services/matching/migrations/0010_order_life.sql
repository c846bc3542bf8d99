-- migrate:up
-- Everything an order was asked for, and where it stands. The priority, not the number, is the place within a price:
-- orders that were there before have kept theirs.
ALTER TABLE orders
    ADD COLUMN order_type             text NOT NULL DEFAULT 'limit',
    ADD COLUMN time_in_force          text NOT NULL DEFAULT 'gtc',
    ADD COLUMN post_only              boolean NOT NULL DEFAULT false,
    ADD COLUMN self_trade_prevention  text NOT NULL DEFAULT 'expire_maker',
    ADD COLUMN expires_at             bigint NOT NULL DEFAULT 0 CHECK (expires_at >= 0),
    ADD COLUMN display_lots           bigint NOT NULL DEFAULT 0 CHECK (display_lots >= 0),
    ADD COLUMN shown_lots             bigint,
    ADD COLUMN prevented_lots         bigint NOT NULL DEFAULT 0 CHECK (prevented_lots >= 0),
    ADD COLUMN quote_quanta           bigint NOT NULL DEFAULT 0,
    ADD COLUMN priority               bigint,
    ADD COLUMN state                  text NOT NULL DEFAULT 'open'
        CHECK (state IN ('armed', 'open', 'partially_filled')),
    ADD COLUMN placed_at              bigint NOT NULL DEFAULT 0;
UPDATE orders o SET
    shown_lots = remaining_lots,
    priority = order_id,
    state = CASE WHEN remaining_lots < size_lots THEN 'partially_filled' ELSE 'open' END,
    quote_quanta = coalesce((SELECT sum(quote_quanta) FROM trades t
                             WHERE t.buy_order_id = o.order_id OR t.sell_order_id = o.order_id), 0);
ALTER TABLE orders
    ALTER COLUMN shown_lots SET NOT NULL,
    ALTER COLUMN priority SET NOT NULL,
    ADD CHECK (shown_lots <= remaining_lots),
    ADD CHECK (remaining_lots + prevented_lots <= size_lots);
INSERT INTO counters SELECT 'priorities', last FROM counters WHERE name = 'orders';

CREATE TABLE order_history (
    order_id         bigint PRIMARY KEY,
    account          text NOT NULL,
    market           text NOT NULL,
    client_order_id  text NOT NULL,
    side             smallint NOT NULL CHECK (side IN (-1, 1)),
    order_type       text NOT NULL,
    time_in_force    text NOT NULL,
    post_only        boolean NOT NULL,
    reduce_only      boolean NOT NULL,
    price_ticks      bigint NOT NULL,
    size_lots        bigint NOT NULL,
    filled_lots      bigint NOT NULL CHECK (filled_lots >= 0 AND filled_lots <= size_lots),
    quote_quanta     bigint NOT NULL,
    state            text NOT NULL CHECK (state IN ('filled', 'canceled', 'expired', 'rejected')),
    reason           text NOT NULL,
    placed_at        bigint NOT NULL,
    closed_at        bigint NOT NULL
);
CREATE INDEX order_history_by_account ON order_history (account, order_id);

-- migrate:down
DROP TABLE order_history;
DELETE FROM counters WHERE name = 'priorities';
ALTER TABLE orders
    DROP COLUMN order_type, DROP COLUMN time_in_force, DROP COLUMN post_only, DROP COLUMN self_trade_prevention,
    DROP COLUMN expires_at, DROP COLUMN display_lots, DROP COLUMN shown_lots, DROP COLUMN prevented_lots,
    DROP COLUMN quote_quanta, DROP COLUMN priority, DROP COLUMN state, DROP COLUMN placed_at;
