"""Sealed orders: committed to by a hash, opened together, executed in an order that nobody could choose.

A round of a market collects commitments for `commit_micros`; then, and only then, they may be revealed, for
`reveal_micros`; then what was revealed is placed, one order after the other. `cleartide.rules.sealing` has the hashes.
"""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, StringConstraints

from cleartide.contracts.base import Contract, Message
from cleartide.contracts.orders import OrderTerms
from cleartide.contracts.trading import TradingEvent
from cleartide.contracts.types import (
    AccountId,
    ClientOrderId,
    MarketId,
    Micros,
    NonNegativeQuanta,
    ReasonCode,
    Seq,
)

MOST_COMMITMENTS: Final = 256
"""In one round of one market."""

Hex256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class CommitOrder(Message):
    """Take part in the round that collects now, or open one. `digest` is the SHA-256 of the order with its salt."""

    subject_template: ClassVar[str] = "orders.{market}"
    type: Literal["CommitOrder"] = "CommitOrder"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId
    digest: Hex256
    actor: AccountId | None = None


class RevealOrder(Message):
    """Open a commitment: the salt and the very terms that its digest was made of."""

    subject_template: ClassVar[str] = "orders.{market}"
    type: Literal["RevealOrder"] = "RevealOrder"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId
    commitment_id: Seq
    salt: Hex256
    order: OrderTerms
    actor: AccountId | None = None


class OrderCommitted(TradingEvent):
    """A commitment stands; it may be revealed from `reveals_from` on, and before `reveals_until`."""

    type: Literal["OrderCommitted"] = "OrderCommitted"
    version: Literal[1] = 1
    commitment_id: Seq
    round_id: Seq
    account: AccountId
    market: MarketId
    digest: Hex256
    bond_quanta: NonNegativeQuanta
    reveals_from: Micros
    reveals_until: Micros


class OrderRevealed(TradingEvent):
    """A commitment was opened and is in the batch; its bond comes back before its order is placed."""

    type: Literal["OrderRevealed"] = "OrderRevealed"
    version: Literal[1] = 1
    commitment_id: Seq
    round_id: Seq
    account: AccountId
    market: MarketId
    client_order_id: ClientOrderId


class CommitmentRejected(TradingEvent):
    """A commitment (`commitment_id` null) or the opening of one was refused; nothing has changed."""

    type: Literal["CommitmentRejected"] = "CommitmentRejected"
    version: Literal[1] = 1
    commitment_id: Seq | None
    account: AccountId
    market: MarketId
    reason: ReasonCode


class CommitmentExpired(TradingEvent):
    """A commitment was not opened in time: there is no order, and its bond is the insurance fund's."""

    type: Literal["CommitmentExpired"] = "CommitmentExpired"
    version: Literal[1] = 1
    commitment_id: Seq
    round_id: Seq
    account: AccountId
    market: MarketId
    forfeited_quanta: NonNegativeQuanta
    insurance_quanta: NonNegativeQuanta
    reason: ReasonCode


class BatchEntry(Contract):
    """One opened commitment, at its place in the batch."""

    commitment_id: Seq
    digest: Hex256
    salt: Hex256


class BatchSequenced(TradingEvent):
    """A round is over: its orders are placed in this order, each answered by itself after this event.

    Everybody can check it: `seed` is the SHA-256 of all digests and salts, and entries stand by SHA-256(seed, digest).
    """

    type: Literal["BatchSequenced"] = "BatchSequenced"
    version: Literal[1] = 1
    round_id: Seq
    market: MarketId
    seed: Hex256
    entries: tuple[BatchEntry, ...] = Field(max_length=MOST_COMMITMENTS)


SEALED_COMMANDS: tuple[type[Message], ...] = (CommitOrder, RevealOrder)
SEALED_EVENTS: tuple[type[Message], ...] = (
    OrderCommitted,
    OrderRevealed,
    CommitmentRejected,
    CommitmentExpired,
    BatchSequenced,
)
