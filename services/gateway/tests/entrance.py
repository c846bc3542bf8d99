"""The edge with nothing behind it but its database, its bus and Valkey; wallets, and people who come in with them."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
import asyncpg
from cleartide.store.truth import TruthStore
from Crypto.Hash import RIPEMD160
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey
from nats.aio.client import Client
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from services.gateway.app import SERVICE
from services.gateway.edge.reference.document import JSON
from services.gateway.edge.server import Resources, listening_socket, run_edge
from services.gateway.identity.encodings import base58_encode, base58check_encode, segwit_address
from services.gateway.settings import GatewaySettings
from services.gateway.tests import answers
from tests.support.installation import Installation
from tests.support.schema import migrated
from tests.support.servers import Broker, Database

DOMAIN = "app.example.com"
Answered = tuple[int, Any, Any]


@dataclass(frozen=True)
class EvmWallet:
    """A key on the EVM chains."""

    seed: int
    chain: str = "ethereum"

    @property
    def address(self) -> str:
        return str(PrivateKey(self.seed.to_bytes(32, "big")).public_key.to_checksum_address())

    def sign(self, text: str) -> str:
        data = text.encode()
        digest = keccak(b"\x19Ethereum Signed Message:\n" + str(len(data)).encode() + data)
        signature = PrivateKey(self.seed.to_bytes(32, "big")).sign_msg_hash(digest)
        return "0x" + (signature.to_bytes()[:64] + bytes([signature.v + 27])).hex()


@dataclass(frozen=True)
class SolanaWallet:
    """A key on Solana."""

    seed: int
    chain: str = "solana"

    @property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed.to_bytes(32, "big"))

    @property
    def address(self) -> str:
        return base58_encode(self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        return base58_encode(self._key.sign(text.encode()))


@dataclass(frozen=True)
class BitcoinWallet:
    """A key of Bitcoin, with its old form of address or its new one."""

    seed: int
    segwit: bool = False
    chain: str = "bitcoin"

    @property
    def address(self) -> str:
        public = PrivateKey(self.seed.to_bytes(32, "big")).public_key.to_compressed_bytes()
        owner = RIPEMD160.new(hashlib.sha256(public).digest()).digest()
        return segwit_address("bc", owner) if self.segwit else base58check_encode(b"\0" + owner)

    def sign(self, text: str) -> str:
        data = text.encode()
        length = bytes([len(data)]) if len(data) < 0xFD else b"\xfd" + len(data).to_bytes(2, "little")
        framed = b"\x18Bitcoin Signed Message:\n" + length + data
        digest = hashlib.sha256(hashlib.sha256(framed).digest()).digest()
        signature = PrivateKey(self.seed.to_bytes(32, "big")).sign_msg_hash(digest)
        head = (39 if self.segwit else 31) + signature.v
        return base64.b64encode(bytes([head]) + signature.to_bytes()[:64]).decode()


Wallet = EvmWallet | SolanaWallet | BitcoinWallet


@dataclass
class Person:
    """Somebody who has signed in."""

    door: "Entrance"
    session: dict[str, Any]

    @property
    def user(self) -> str:
        return str(self.session["user"])

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.session['access_token']}"}

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answered:
        return await self.door.ask(method, path, body, **self.headers, **headers)


@dataclass
class Entrance:
    """The edge while it serves."""

    url: str
    http: aiohttp.ClientSession
    nats: Client
    truth: TruthStore
    registry: CollectorRegistry
    made: int = field(default=0)
    held_to_types: bool = field(default=True)
    """Off where a test lets a service answer in short, which no service does."""

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answered:
        """Status, body and header fields. Underscores of a field's name stand for its hyphens."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.request(method, f"{self.url}/api/v1/{path}", json=body, headers=fields) as answer:
            text = await answer.read()
            if self.held_to_types and answer.status < 300 and answer.content_type == JSON:
                answers.check(method, f"/api/v1/{path}", text)
            return answer.status, (await answer.json() if text else None), answer.headers

    async def statement(self, wallet: Wallet, path: str = "auth/nonce", **headers: str) -> dict[str, str]:
        """What a wallet sends to prove itself."""
        asked = {"chain": wallet.chain, "address": wallet.address}
        status, nonce, _ = await self.ask("POST", path, asked, **headers)
        assert status == 201, nonce
        return {"message": nonce["message"], "signature": wallet.sign(nonce["message"])}

    async def sign_in(self, wallet: Wallet | None = None, **more: str) -> Person:
        """A person; a new one without a wallet."""
        self.made += 1
        proof = await self.statement(wallet or EvmWallet(10_000 + self.made))
        status, session, _ = await self.ask("POST", "auth/sign-in", {**proof, **more})
        assert status == 201, session
        return Person(self, session)

    async def rows(self, query: str, *arguments: Any) -> Any:
        """Rows as the service itself sees them."""
        async with self.truth.acting() as truth:
            return await truth.fetch(query, *arguments)

    def count(self, name: str, **labels: str) -> float:
        """A counter."""
        return self.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def entrance(
    database: Database, broker: Broker, *, redis_url: str | None = None, **settings: Any
) -> AsyncIterator[Entrance]:
    """The edge as the gateway's own users of database and bus, closed to strangers."""
    await migrated(database, SERVICE.fold, SERVICE.migrations)
    async with serving(database, broker, redis_url=redis_url, **settings) as door:
        yield door


class Schemas(Protocol):
    """Where a service's schema is."""

    def dsn(self, service: str) -> str: ...


class Bus(Protocol):
    """Connections to the bus, by user."""

    def client(self, user: str) -> AbstractAsyncContextManager[Client]: ...


@dataclass(frozen=True)
class Installed:
    """The schemas of a whole installation."""

    installation: Installation

    def dsn(self, service: str) -> str:
        """As the service's role."""
        return self.installation.service_dsn(service)


async def _open(edge: "asyncio.Task[None]", http: aiohttp.ClientSession, url: str) -> None:
    """Wait until it answers: while it makes its routes the loop stands still, and what is asked for then is late."""

    async def ask() -> None:
        async with http.get(f"{url}/"):
            pass

    asking = asyncio.create_task(ask())
    await asyncio.wait((asking, edge), return_when=asyncio.FIRST_COMPLETED)
    asking.cancel()


@asynccontextmanager
async def serving(
    database: Schemas, broker: Bus, *, redis_url: str | None = None, **settings: Any
) -> AsyncIterator[Entrance]:
    """One more process's worth of edge on a database that is migrated."""
    redis = Redis.from_url(redis_url) if redis_url else None
    registry, stopping = CollectorRegistry(), asyncio.Event()
    dsn = database.dsn("gateway")
    listener = listening_socket("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    chosen = GatewaySettings(
        **{
            "sign_in_domains": (DOMAIN,),
            "rate_burst": 100_000,
            "rate_per_second": 10_000,
            "redis_call_seconds": 10,
            **settings,
        }
    )
    async with (
        asyncpg.create_pool(dsn, min_size=0, max_size=4) as pool,
        broker.client("gateway") as nats,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as http,
        TruthStore.open(dsn, "gateway", connections=8) as truth,
    ):
        task = asyncio.create_task(run_edge(Resources(nats, pool, redis, registry, truth), chosen, listener, stopping))
        try:
            await _open(task, http, url)
            yield Entrance(url, http, nats, truth, registry)
        finally:
            stopping.set()
            await task
            if redis is not None:
                await redis.aclose()
