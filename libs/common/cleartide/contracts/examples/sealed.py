"""Examples of sealed orders: alice commits to a purchase and opens it, bob comes too late, carol does not come."""

from typing import Any, Final

from cleartide.contracts.base import Message
from cleartide.contracts.examples.story import DAY, LIQUIDATED, MARKET, said, sent
from cleartide.contracts.orders import OrderTerms
from cleartide.contracts.sealed import (
    BatchEntry,
    BatchSequenced,
    CommitmentExpired,
    CommitmentRejected,
    CommitOrder,
    OrderCommitted,
    OrderRevealed,
    RevealOrder,
)

COMMITTED: Final = LIQUIDATED + DAY * 3 // 4
SECOND: Final = 1_000_000
SALT: Final = "5e" * 32
DIGEST: Final = "08f65c6753799260562253d2e72373ad8932c174d4a58f79ca8d643f9a7065e6"
SEED: Final = "7043b0f3bf6a2f50971b984554698a0851bca34ac5ab32a827c7b7b8710d823f"
ORDER: Final = OrderTerms(client_order_id="a-10", side="buy", order_type="limit", size="0.010", price="62400")


def _event(contract: type[Message], seq: int, after: int, cause: str, **body: Any) -> Message:
    return said(contract, "matching", "events", seq, COMMITTED + after, cause, market=MARKET, **body)


SEALED_EXAMPLES: Final[tuple[Message, ...]] = (
    sent(CommitOrder, "commit-1", "gateway", account="alice", market=MARKET, digest=DIGEST),
    _event(
        OrderCommitted,
        86,
        0,
        "commit-1",
        commitment_id=1,
        round_id=1,
        account="alice",
        digest=DIGEST,
        bond_quanta=1_000_000,
        reveals_from=COMMITTED + SECOND,
        reveals_until=COMMITTED + 2 * SECOND,
    ),
    sent(RevealOrder, "reveal-1", "gateway", account="alice", market=MARKET, commitment_id=1, salt=SALT, order=ORDER),
    _event(
        OrderRevealed,
        88,
        SECOND,
        "reveal-1",
        commitment_id=1,
        round_id=1,
        account="alice",
        client_order_id="a-10",
    ),
    _event(CommitmentRejected, 89, 2 * SECOND, "reveal-2", commitment_id=3, account="bob", reason="unknown_commitment"),
    _event(
        CommitmentExpired,
        90,
        2 * SECOND,
        "reveal-2",
        commitment_id=2,
        round_id=1,
        account="carol",
        forfeited_quanta=1_000_000,
        insurance_quanta=6_000_000,
        reason="not_revealed",
    ),
    _event(
        BatchSequenced,
        91,
        2 * SECOND,
        "reveal-2",
        round_id=1,
        seed=SEED,
        entries=(BatchEntry(commitment_id=1, digest=DIGEST, salt=SALT),),
    ),
)
