"""Signing in by a link that the owner of the machine has printed: once, soon, from here, and only where it is local."""

import time

from deploy.local.sign_in import link, secret_of
from deploy.local.valkey import ValkeyServer
from services.gateway.tests.entrance import Entrance, Person, entrance
from tests.support.servers import Broker, Database, forget_addresses

SECRET = "the gateway's own"


def _token(door: Entrance, secret: str = SECRET) -> str:
    return link(f"{door.url}/", secret).partition("#token=")[2]


async def test_a_link_opens_one_session(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-LOCAL-001: a link opens one session as the installation's owner; used again, altered or late it opens none."""
    await forget_addresses(valkey)
    async with entrance(database, broker, redis_url=valkey.url, local_sign_in_secret=secret_of(SECRET)) as door:
        token = _token(door)
        status, opened, _ = await door.ask("POST", "auth/external", {"token": token})
        assert status == 201, opened
        owner = Person(door, opened)
        assert (await owner.ask("GET", "me"))[1]["scopes"] == ["venue:read"]
        assert (await owner.ask("GET", "admin/roles"))[0] == 200
        status, again, _ = await door.ask("POST", "auth/external", {"token": _token(door)})
        assert (status, again["user"]) == (201, owner.user), "the same person by every link"
        head, _, mark = token.rpartition(".")
        bent = mark[:-1] + ("1" if mark.endswith("0") else "0")
        late = f"local.{int(time.time()) + 100_000}.{'a' * 32}.{mark}"
        for wrong, code in (
            (token, "link_used"),
            (f"{head}.{bent}", "link_refused"),
            (late, "link_refused"),
            (_token(door, "another"), "link_refused"),
            ("local...", "link_refused"),
        ):
            await forget_addresses(valkey)
            status, told, _ = await door.ask("POST", "auth/external", {"token": wrong})
            assert (wrong, status, told["error"]["code"]) == (wrong, 401, code)


async def test_where_nothing_is_local_no_link_is_good(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-LOCAL-002: without the secret there are no links, and from another machine none is good."""
    await forget_addresses(valkey)
    async with entrance(database, broker, redis_url=valkey.url) as door:
        assert (await door.ask("POST", "auth/external", {"token": _token(door)}))[1]["error"]["code"] == "link_refused"
        assert (await door.ask("POST", "auth/external", {"token": _token(door, "")}))[0] == 401
    far = {"local_sign_in_secret": secret_of(SECRET), "trusted_proxies": ("127.0.0.1",)}
    async with entrance(database, broker, redis_url=valkey.url, **far) as door:
        asked = {"token": _token(door)}
        status, told, _ = await door.ask("POST", "auth/external", asked, X_Forwarded_For="203.0.113.9")
        assert (status, told["error"]["code"]) == (401, "link_refused")
