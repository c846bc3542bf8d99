-- migrate:up
-- Every inbound message as it came: what the service can be rebuilt from without the bus.
CREATE TABLE journal (
    stream_seq  bigint PRIMARY KEY,
    at          bigint NOT NULL,
    subject     text NOT NULL,
    payload     bytea NOT NULL
);

CREATE TABLE trades (
    trade_id          bigint PRIMARY KEY,
    market            text NOT NULL,
    at                bigint NOT NULL,
    price_ticks       bigint NOT NULL CHECK (price_ticks > 0),
    size_lots         bigint NOT NULL CHECK (size_lots > 0),
    quote_quanta      bigint NOT NULL,
    buyer             text NOT NULL,
    seller            text NOT NULL CHECK (seller <> buyer),
    buy_order_id      bigint,
    sell_order_id     bigint,
    taker_side        text NOT NULL,
    origin            text NOT NULL,
    outside_trade_id  text NOT NULL,
    buyer_fee_quanta  bigint NOT NULL,
    seller_fee_quanta bigint NOT NULL
);
CREATE INDEX trades_by_market ON trades (market, trade_id);

CREATE TABLE liquidations (
    liquidation_id                    bigint PRIMARY KEY,
    at                                bigint NOT NULL,
    account                           text NOT NULL,
    market                            text NOT NULL,
    closed_lots                       bigint NOT NULL,
    taken_over_lots                   bigint NOT NULL,
    remaining_lots                    bigint NOT NULL,
    mark_ticks                        bigint NOT NULL,
    bankruptcy_price_ticks            bigint NOT NULL,
    fee_quanta                        bigint NOT NULL CHECK (fee_quanta >= 0),
    insurance_paid_quanta             bigint NOT NULL CHECK (insurance_paid_quanta >= 0),
    equity_before_quanta              bigint NOT NULL,
    maintenance_margin_before_quanta  bigint NOT NULL,
    CHECK (equity_before_quanta < maintenance_margin_before_quanta)
);
CREATE INDEX liquidations_by_account ON liquidations (account, liquidation_id);

CREATE TABLE funding_settlements (
    market                text NOT NULL,
    interval_start        bigint NOT NULL,
    rate_ppb              bigint NOT NULL,
    mark_ticks            bigint NOT NULL,
    index_step_quanta     bigint NOT NULL,
    funding_index_quanta  bigint NOT NULL,
    at                    bigint NOT NULL,
    PRIMARY KEY (market, interval_start)
);

-- migrate:down
DROP TABLE funding_settlements;
DROP TABLE liquidations;
DROP TABLE trades;
DROP TABLE journal;
