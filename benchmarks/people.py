"""People who have signed in at the gateway, for benchmarks: each by a wallet, on the highest tier."""

from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import msgspec
from cleartide.store.truth import TruthStore

from deploy.local.sandbox.market import MARKET
from services.gateway.tests.entrance import EvmWallet

Ask = Callable[..., bytes]


@dataclass(frozen=True)
class Person:
    """Whose account has the person's own id."""

    user: str
    token: str

    def reads(self, ask: Ask) -> bytes:
        """His orders."""
        return ask("GET", f"/api/v1/accounts/{self.user}/orders", Authorization=f"Bearer {self.token}")

    def orders(self, ask: Ask) -> bytes:
        """An order that is decided at once and leaves nothing behind: nobody sells so low."""
        wish = {"market": MARKET, "side": "buy", "size": "0.001", "price": "50000.0", "time_in_force": "ioc"}
        path = f"/api/v1/accounts/{self.user}/orders"
        return ask("POST", path, msgspec.json.encode(wish), Authorization=f"Bearer {self.token}")


async def signed_in(url: str, dsn: str, count: int) -> list[Person]:
    """So many people. `dsn`: the gateway's own schema, in which their tier is written."""
    async with aiohttp.ClientSession() as http, TruthStore.open(dsn, "gateway", connections=1) as truth:
        found = [await _signed_in(http, url, EvmWallet(1 + number)) for number in range(count)]
        async with truth.acting() as acting:
            for person in found:
                await acting.change("users", {"id": person.user}, tier="enterprise")
    return found


async def _signed_in(http: aiohttp.ClientSession, url: str, wallet: EvmWallet) -> Person:
    asked = {"chain": wallet.chain, "address": wallet.address}
    async with http.post(f"{url}/api/v1/auth/nonce", json=asked) as answer:
        statement = (await answer.json())["message"]
    proof = {"message": statement, "signature": wallet.sign(statement)}
    async with http.post(f"{url}/api/v1/auth/sign-in", json=proof) as answer:
        session = await answer.json()
    return Person(session["user"], session["access_token"])
