-- migrate:up
-- The number of the last change of a market's book that was told: what a snapshot of its orders stands at.
CREATE TABLE books (
    market    text PRIMARY KEY,
    book_seq  bigint NOT NULL CHECK (book_seq > 0)
) WITH (fillfactor = 50);

-- migrate:down
DROP TABLE books;
