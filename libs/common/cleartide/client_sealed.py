"""Sealed orders and just-in-time auctions, as a third party uses them: the part of `cleartide.client` about both."""

import asyncio
import secrets
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple, Unpack

from pydantic import TypeAdapter

from cleartide.client_orders import OrderOptions, Receipt
from cleartide.contracts import AuctionOffered, CommitOrder, Message, OrderTerms, QuoteAuction, RevealOrder
from cleartide.contracts.types import Side
from cleartide.rules.sealing import digest_of

LOOK_SECONDS: Final = 0.1
SALT_BYTES: Final = 32


class Sealed(NamedTuple):
    """An order that is committed to. Keep it: without the salt and these very terms nobody can open it."""

    account: str
    market: str
    salt: str
    order: OrderTerms

    @property
    def digest(self) -> str:
        """What the venue sees of it until it is opened."""
        return digest_of(self.account, self.market, self.salt, self.order)


class CommitmentLost(Exception):  # noqa: N818 - a verdict
    """The venue has no such commitment: it was refused, or not opened in time."""


class SealedCommands(ABC):
    """Where a market has `batching`, orders that take come as commitments, which are opened and executed together."""

    _source: str

    async def commit_order(
        self,
        *,
        account: str,
        market: str,
        side: Side,
        size: str,
        client_order_id: str = "",
        **options: Unpack[OrderOptions],
    ) -> Sealed:
        """Commit to an order that nobody can read yet, and lock its bond; `open_order` brings it into the batch."""
        body: OrderOptions = {"order_type": "limit", **options}
        terms = OrderTerms(client_order_id=client_order_id or uuid.uuid4().hex, side=side, size=size, **body)
        sealed = Sealed(account, market, secrets.token_hex(SALT_BYTES), terms)
        envelope = self._envelope(f"{self._source}-commit-{sealed.digest}")
        await self._publish(CommitOrder(**envelope, account=account, market=market, digest=sealed.digest))
        return sealed

    async def open_order(self, sealed: Sealed, *, within: float = 60) -> int:
        """Open a commitment as soon as its round has closed; returns its id once the venue has read it.

        Raises CommitmentLost when the venue has refused it, or has not opened it within so many seconds.
        """
        seen, until = False, time.monotonic() + within
        while time.monotonic() < until:
            found = await self._find(sealed)
            pause = LOOK_SECONDS
            if found is not None:
                if found["revealed"]:
                    return int(found["commitment_id"])
                seen, pause = True, max(pause, found["reveals_from"] / 1e6 - time.time())
                if pause == LOOK_SECONDS:
                    await self._reveal(sealed, found["commitment_id"])
            elif seen:
                break
            await asyncio.sleep(min(pause, max(0.0, until - time.monotonic())))
        raise CommitmentLost(sealed.digest)

    async def place_sealed(
        self, *, account: str, market: str, side: Side, size: str, within: float = 60, **options: Unpack[OrderOptions]
    ) -> Sealed:
        """Commit to an order and open it. Its batch executes when the round ends; `orders` tells what came of it."""
        sealed = await self.commit_order(account=account, market=market, side=side, size=size, **options)
        await self.open_order(sealed, within=within)
        return sealed

    async def commitments(self, account: str) -> list[dict[str, Any]]:
        """An account's commitments in rounds that are not over, oldest first, with the times of their rounds."""
        found: list[dict[str, Any]] = (await self._ask("matching", "commitments", account=account))["commitments"]
        return found

    async def running_auctions(self, market: str) -> list[dict[str, Any]]:
        """Orders that are auctioned now, and what is offered for them."""
        found: list[dict[str, Any]] = (await self._ask("matching", "auctions", market=market))["auctions"]
        return found

    async def quote_auction(self, *, account: str, market: str, auction_id: int, price: str, size: str) -> Receipt:
        """Offer a price in a running auction, firm until that is over; a better one replaces it."""
        envelope = self._envelope(f"{self._source}-quote-{uuid.uuid4().hex}")
        return await self._publish(
            QuoteAuction(**envelope, account=account, market=market, auction_id=auction_id, price=price, size=size)
        )

    async def auctions(self, market: str) -> AsyncIterator[AuctionOffered]:
        """The auctions of a market as they open, from now on; what runs already tells `running_auctions`."""
        async for payload in self._heard(f"auctions.{market}"):
            for offered in _OFFERS.validate_json(payload, extra="ignore"):
                yield offered

    async def _find(self, sealed: Sealed) -> dict[str, Any] | None:
        mine = await self.commitments(sealed.account)
        return next((one for one in mine if one["digest"] == sealed.digest), None)

    async def _reveal(self, sealed: Sealed, commitment_id: int) -> Receipt:
        """Each attempt is a command of its own: one that comes too early by the venue's clock is refused for good."""
        envelope = self._envelope(f"{self._source}-reveal-{commitment_id}-{uuid.uuid4().hex}")
        return await self._publish(
            RevealOrder(
                **envelope,
                account=sealed.account,
                market=sealed.market,
                commitment_id=commitment_id,
                salt=sealed.salt,
                order=sealed.order,
            )
        )

    @abstractmethod
    def _heard(self, subject: str) -> AsyncIterator[bytes]:
        """What is published on a subject from now on."""

    @abstractmethod
    async def _ask(self, service: str, query: str, **params: Any) -> Any:
        """A service's answer to a question."""

    @abstractmethod
    def _envelope(self, message_id: str) -> dict[str, Any]:
        """What every message of this publisher carries."""

    @abstractmethod
    async def _publish(self, message: Message) -> Receipt:
        """Send until the bus has it."""


_OFFERS: Final = TypeAdapter(list[AuctionOffered])
