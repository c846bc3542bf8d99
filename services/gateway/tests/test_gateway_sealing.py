"""Secrets at rest: sealed as they are kept, sealed anew after a change of the installation's secret."""

import hashlib
import hmac
from typing import Any

from services.gateway.identity.people import now_micros
from services.gateway.identity.secret import Secrets
from services.gateway.notify import sealing
from services.gateway.tests.entrance import Entrance, EvmWallet, entrance, serving
from tests.support.running import until
from tests.support.servers import Broker, Database

HOOK = {"url": "http://127.0.0.1:9/hook", "kinds": ["account.created"]}
LOCAL: dict[str, Any] = {"webhook_networks": ("127.0.0.0/8",)}


async def kept(door: Entrance) -> list[str]:
    """What the table holds of secrets."""
    rows = await door.rows("SELECT secret, previous_secret FROM webhook_endpoints ORDER BY id LIMIT 9")
    return [value for row in rows for value in row if value is not None]


async def test_webhook_secrets_are_sealed_and_survive_a_new_secret(database: Database, broker: Broker) -> None:
    """GW-HOOK-060: no signing secret is readable in the schema; with a new secret all is sealed by it."""
    async with entrance(database, broker, gateway_secret="first", **LOCAL) as door:
        ann = await door.sign_in(EvmWallet(1))
        _, made, _ = await ann.ask("POST", "me/webhooks", HOOK)
        _, rotated, _ = await ann.ask("POST", f"me/webhooks/{made['id']}/rotate")
        wish = {"name": "bot", "scopes": ["account:read"], "signs": True}
        _, key, _ = await ann.ask("POST", "me/keys", wish)
        assert all(value.startswith(sealing.MARK) for value in await kept(door))
        async with door.truth.acting() as truth:  # as a former version has left one
            await truth.change("webhook_endpoints", {"id": made["id"]}, previous_secret=made["secret"])
    changed: dict[str, Any] = {"gateway_secret": "second", "gateway_secrets_before": ("first",)}
    async with serving(database, broker, **changed, **LOCAL) as door:
        present = Secrets(door.truth, "second")

        async def is_sealed() -> bool:
            return all([await sealing.is_present(present, made["id"], value) for value in await kept(door)])

        await until(is_sealed)
        sealed = await kept(door)
        opened = {await sealing.opened(present, made["id"], value) for value in sealed}
        assert opened == {made["secret"], rotated["secret"]}
    async with serving(database, broker, gateway_secret="second", **LOCAL) as door:
        assert (await signed(door, key))[0] == 200, "what a key signs is sealed anew as well"


async def signed(door: Entrance, key: dict[str, Any]) -> Any:
    """A signed request."""
    at, path = str(now_micros() // 1_000), "/api/v1/me"
    text = "\n".join(("cleartide-v1", at, "GET", path, hashlib.sha256(b"").hexdigest()))
    signature = hmac.new(key["signing_secret"].encode(), text.encode(), hashlib.sha256).hexdigest()
    fields = {"Cleartide_Key": key["prefix"], "Cleartide_Timestamp": at, "Cleartide_Signature": signature}
    return await door.ask("GET", "me", **fields)


async def test_a_new_person_is_told_to_the_webhook_of_his_referrer(database: Database, broker: Broker) -> None:
    """GW-HOOK-061: an account that a sign-in makes is an `account.created`, for who referred it and who runs it."""
    async with entrance(database, broker, **LOCAL) as door:
        ann, operator, other = await door.sign_in(), await door.sign_in(), await door.sign_in()
        async with door.truth.acting() as truth:
            await truth.add("admin_roles", user_id=operator.user, role="operator", granted_by="test", granted_at=1)
        hooks = [(await one.ask("POST", "me/webhooks", HOOK))[1]["id"] for one in (ann, operator, other)]
        code = (await ann.ask("GET", "me/referrals"))[1]["code"]
        ben = await door.sign_in(EvmWallet(77), referral_code=code)
        await door.sign_in(EvmWallet(77))
        for hook, expected in zip(hooks, (1, 1, 0), strict=True):
            rows = await door.rows("SELECT kind, body FROM webhook_deliveries WHERE endpoint_id = $1 LIMIT 5", hook)
            assert len(rows) == expected
            assert all(ben.user in row["body"] and row["kind"] == "account.created" for row in rows)
