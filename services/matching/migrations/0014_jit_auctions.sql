-- migrate:up
-- Orders that are being auctioned: how the price moves (prices, or distances from the index), and which slot comes next.
CREATE TABLE jit_auctions (
    auction_id       bigint PRIMARY KEY,
    account          text NOT NULL,
    client_order_id  text NOT NULL,
    start_ticks      bigint NOT NULL,
    end_ticks        bigint NOT NULL,
    offsets          boolean NOT NULL,
    slots            integer NOT NULL CHECK (slots > 0),
    opened_at        bigint NOT NULL,
    next_slot        integer NOT NULL CHECK (next_slot BETWEEN 1 AND slots + 1),
    maker_lots       bigint NOT NULL CHECK (maker_lots >= 0)
) WITH (fillfactor = 50);

CREATE TABLE jit_quotes (
    auction_id      bigint NOT NULL,
    quote_id        bigint NOT NULL,
    account         text NOT NULL,
    price_ticks     bigint NOT NULL CHECK (price_ticks > 0),
    size_lots       bigint NOT NULL,
    remaining_lots  bigint NOT NULL CHECK (remaining_lots > 0 AND remaining_lots <= size_lots),
    PRIMARY KEY (auction_id, quote_id)
);

-- migrate:down
DROP TABLE jit_quotes;
DROP TABLE jit_auctions;
