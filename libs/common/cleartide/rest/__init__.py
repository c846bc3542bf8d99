"""The API as a Python client: every operation of its document, typed, and both kinds of streams.

async with RestClient.connect("http://127.0.0.1:8080", key=Key(prefix="ctk_...", signing_secret="cts_...")) as api:
    placed = await api.place_order("u1...", market="BTC-PERP", side="buy", size="0.010", price="61000.0")
    page = await api.account_orders("u1...", state="open", after=placed["position"])
    async for frame in api.subscribe("account", account="u1..."):
        print(frame["op"], frame["data"])

Amounts, prices and sizes are decimal text, instants microseconds since the Unix epoch (UTC). Answers are the API's own
JSON; `cleartide.answers` has their types. Writes take `once`, an Idempotency-Key; reads of what services know take
`after`, a write's `position`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import aiohttp

from cleartide.answers.identity import SessionTokens
from cleartide.rest.accounts import AccountOperations
from cleartide.rest.admin import AdminOperations
from cleartide.rest.auth import SignInOperations
from cleartide.rest.earnings import EarningsOperations
from cleartide.rest.liquidity import LiquidityOperations
from cleartide.rest.live import Streams
from cleartide.rest.markets import MarketOperations
from cleartide.rest.me import MyOperations
from cleartide.rest.orders import OrderOperations
from cleartide.rest.transport import Json, Key, Refused, Sign, Transport
from cleartide.rest.use import UseOperations
from cleartide.rest.vaults import VaultOperations

__all__ = ["Json", "Key", "Refused", "RestClient"]


class RestClient(
    MarketOperations,
    LiquidityOperations,
    OrderOperations,
    VaultOperations,
    AccountOperations,
    EarningsOperations,
    SignInOperations,
    MyOperations,
    UseOperations,
    AdminOperations,
    Streams,
):
    """One gateway, as one who asks."""

    def __init__(self, http: aiohttp.ClientSession, transport: Transport) -> None:
        self._http, self._transport = http, transport

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, *, key: Key | None = None, patience: float = 0.0) -> AsyncIterator[Self]:
        """A client of the gateway at `url`: a stranger, or the key's owner. `patience`: seconds to wait out a 429."""
        async with aiohttp.ClientSession() as http:
            yield cls(http, Transport(http, url, key, patience))

    @property
    def user(self) -> str:
        """The person who has signed in; empty for nobody."""
        return self._transport.user

    async def sign_in_by_wallet(self, *, chain: str, address: str, sign: Sign) -> SessionTokens:
        """Sign in; `sign` is the wallet's signature of the statement. The session is refreshed from then on."""
        nonce = await self._transport.ask("POST", "/api/v1/auth/nonce", body={"chain": chain, "address": address})
        proof = {"message": nonce["message"], "signature": sign(nonce["message"])}
        return self.entered(await self._transport.ask("POST", "/api/v1/auth/sign-in", body=proof))

    def entered(self, opened: SessionTokens) -> SessionTokens:
        """Go on as the session that a sign-in has opened, and refresh it in time."""
        self._transport.entered(opened)
        return opened
