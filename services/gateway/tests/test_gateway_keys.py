"""API keys: shown once, narrowed, counted, signed, rotated, revoked; and tiers that are enforced."""

import asyncio
import hashlib
import hmac
import time
from typing import Any

import pytest

from deploy.local.valkey import ValkeyServer
from services.gateway.domain.access import TIERS, Allowance
from services.gateway.identity import keys
from services.gateway.identity.people import now_micros
from services.gateway.identity.remembered import NEAR_SECONDS
from services.gateway.tests.entrance import Answered, Entrance, Person, entrance, serving
from tests.support.servers import Broker, Database, forget_addresses


def signature(
    made: dict[str, Any], method: str, target: str, body: bytes, sent_at: int | None = None
) -> dict[str, str]:
    """The header fields of a signed request."""
    moment = str(sent_at or time.time_ns() // 1_000_000)
    text = "\n".join(("cleartide-v1", moment, method, target, hashlib.sha256(body).hexdigest()))
    signed = hmac.new(made["signing_secret"].encode(), text.encode(), hashlib.sha256).hexdigest()
    return {"Cleartide-Key": made["prefix"], "Cleartide-Timestamp": moment, "Cleartide-Signature": signed}


async def make(person: Person, **wish: Any) -> dict[str, Any]:
    """A new key."""
    status, made, _ = await person.ask("POST", "me/keys", {"name": "bot", "scopes": ["account:read"], **wish})
    assert status == 201, made
    found: dict[str, Any] = made
    return found


def code(answer: Answered) -> tuple[int, str | None]:
    """Status and error code."""
    return answer[0], answer[1].get("error", {}).get("code")


@pytest.fixture(autouse=True)
async def fresh_valkey(valkey: ValkeyServer) -> None:
    """Nothing counted, nothing remembered."""
    await forget_addresses(valkey)


async def test_a_key_reads_what_it_may_and_is_kept_as_a_hash(
    database: Database, broker: Broker, valkey: ValkeyServer
) -> None:
    """GW-KEY-001: a key is shown once and kept as a hash; it reads what its scopes name and makes no further keys."""
    async with entrance(database, broker, redis_url=valkey.url) as door:
        person = await door.sign_in()
        made = await make(person)
        status, me, _ = await door.ask("GET", "me", X_API_Key=made["key"])
        assert (status, me["id"]) == (200, person.user)
        assert (await door.ask("GET", "me", Authorization=f"Bearer {made['key']}"))[0] == 200
        assert code(await door.ask("GET", "me/keys", X_API_Key=made["key"])) == (403, "not_permitted")
        assert code(await door.ask("GET", "me", X_API_Key=made["key"][:-1] + "!")) == (401, "key_refused")
        both = {"X_API_Key": made["key"], **person.headers}
        assert code(await door.ask("GET", "me", **both)) == (400, "ambiguous_credentials")
        _, listed, _ = await person.ask("GET", "me/keys")
        [shown] = listed["keys"]
        assert made["key"].startswith(shown["prefix"])
        assert len(shown["prefix"]) < 20
        assert not {"key", "hash", "signing_secret"} & set(shown)
        [row] = await door.rows("SELECT * FROM api_keys")
        assert row["hash"] == hashlib.sha256(made["key"].encode()).digest()
        assert row["last_used_at"] is not None
        for wish, said in (
            ({"scopes": ["venue:read"]}, (403, "scope_not_grantable")),
            ({"scopes": ["identity:write"]}, (403, "scope_not_grantable")),
            ({"accounts": ["somebody"]}, (403, "account_not_owned")),
            ({"per_day": 99_000_000}, (403, "limit_above_tier")),
            ({"expires_at": 1}, (422, "invalid_parameter")),
            ({"addresses": ["10.0.0.0/99"]}, (422, "invalid_parameter")),
        ):
            answer = await person.ask("POST", "me/keys", {"name": "n", "scopes": ["account:read"], **wish})
            assert (wish, code(answer)) == (wish, said)


async def test_a_key_is_bound_to_its_places_and_its_time(
    database: Database, broker: Broker, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GW-KEY-002: a key is refused from other addresses and domains, past its time, and once it is revoked."""
    async with (
        entrance(database, broker, redis_url=valkey.url) as door,
        serving(database, broker, redis_url=valkey.url) as second,
    ):
        person = await door.sign_in()
        async with door.truth.acting() as truth:
            await truth.change("users", {"id": person.user}, tier="pro")
        await forget_addresses(valkey)
        elsewhere = await make(person, addresses=["10.0.0.0/8"])
        here = await make(person, addresses=["127.0.0.0/8", "::1/128"])
        page = await make(person, domains=["App.example.com"])
        assert code(await door.ask("GET", "me", X_API_Key=elsewhere["key"])) == (403, "address_not_allowed")
        assert code(await door.ask("GET", "me", X_API_Key=here["key"])) == (200, None)
        assert code(await door.ask("GET", "me", X_API_Key=page["key"])) == (403, "domain_not_allowed")
        for origin, status in (("https://app.example.com:8443", 200), ("https://app.example.com.evil.com", 403)):
            assert (await door.ask("GET", "me", X_API_Key=page["key"], Origin=origin))[0] == status
        soon = await make(person, expires_at=now_micros() + 3_600_000_000)
        assert code(await second.ask("GET", "me", X_API_Key=soon["key"])) == (200, None)
        with monkeypatch.context() as later:
            later.setattr(keys, "now_micros", lambda: now_micros() + 3_600_000_001)
            assert code(await second.ask("GET", "me", X_API_Key=soon["key"])) == (401, "key_refused")
        assert (await second.ask("GET", "me", X_API_Key=here["key"]))[0] == 200
        assert (await person.ask("DELETE", f"me/keys/{here['id']}"))[0] == 200
        assert code(await second.ask("GET", "me", X_API_Key=here["key"])) == (401, "key_refused")
        assert (await person.ask("DELETE", f"me/keys/{here['id']}"))[0] == 404


async def test_a_signed_request_is_good_once_and_for_what_it_says(
    database: Database, broker: Broker, valkey: ValkeyServer
) -> None:
    """GW-KEY-003: a signed request is good once, soon, for its own method, path, query and body; only it writes."""
    async with entrance(database, broker, redis_url=valkey.url) as door:
        person = await door.sign_in()
        made = await make(person, scopes=["account:read", "account:write"], signs=True)
        target, body = "/api/v1/me", b""

        async def ask(fields: dict[str, str], path: str = "me") -> Answered:
            return await door.ask("GET", path, **fields)

        good = signature(made, "GET", target, body)
        assert code(await ask(good)) == (200, None)
        assert code(await ask(good)) == (401, "request_replayed")
        assert code(await ask(signature(made, "GET", target, b"x"))) == (401, "signature_refused")
        assert code(await ask(signature(made, "POST", target, body))) == (401, "signature_refused")
        assert code(await ask(signature(made, "GET", target, body), "me?a=1")) == (401, "signature_refused")
        assert code(await ask(signature(made, "GET", f"{target}?a=1", body), "me?a=1")) == (200, None)
        late = time.time_ns() // 1_000_000 - 11_000
        assert code(await ask(signature(made, "GET", target, body, late))) == (401, "timestamp_refused")
        assert code(await ask({**signature(made, "GET", target, body), "Cleartide-Timestamp": "now"})) == (
            401,
            "timestamp_refused",
        )
        assert code(await ask({"Cleartide-Key": made["prefix"]})) == (401, "signature_incomplete")
        plain = await make(person)
        assert code(await ask({**good, "Cleartide-Key": plain["prefix"]})) == (401, "key_does_not_sign")
        unsigned = await door.ask("POST", "me/accounts", {"name": "hedge"}, X_API_Key=made["key"])
        assert code(unsigned) == (403, "signature_required")
        [row] = await door.rows("SELECT signing_secret FROM api_keys WHERE id = $1", made["id"])
        assert made["signing_secret"].encode() not in row["signing_secret"], "it is kept sealed"


async def test_limits_of_key_and_tier_are_enforced(
    database: Database, broker: Broker, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GW-KEY-004: a key has its own requests per minute, hour and day, a person those of the tier, keys and all."""
    async with (
        entrance(database, broker, redis_url=valkey.url) as door,
        serving(database, broker, redis_url=valkey.url) as second,
    ):
        person = await door.sign_in()
        made = await make(person, per_day=5)
        asked = [(door, second)[n % 2].ask("GET", "me", X_API_Key=made["key"]) for n in range(12)]
        answers = await asyncio.gather(*asked)
        assert sorted(status for status, _, _ in answers) == [200] * 5 + [429] * 7
        status, body, headers = await door.ask("GET", "me", X_API_Key=made["key"])
        assert (status, body["error"]["code"], headers["RateLimit-Limit"]) == (429, "rate_limited", "5")
        assert int(headers["Retry-After"]) > 60
        assert (await person.ask("GET", "me"))[0] == 200
        await make(person)
        assert code(await person.ask("POST", "me/keys", {"name": "n", "scopes": ["account:read"]})) == (
            403,
            "too_many_keys",
        )
        monkeypatch.setitem(TIERS, "free", Allowance(300, 6_000, 30, 2, 5))
        many = await asyncio.gather(*(_read(door, person) for _ in range(40)))
        assert set(many) == {200, 429}
        assert many.count(200) < 30, "what was asked before counts, by whichever key"


async def _read(door: Entrance, person: Person) -> int:
    return (await door.ask("GET", "me", **person.headers))[0]


async def test_a_rotated_key_goes_on_for_a_day(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-KEY-005: a rotated key works on for a day beside the new one, which is like it, and no longer; there are never
    more than the two of them."""
    async with entrance(database, broker, redis_url=valkey.url) as door:
        person = await door.sign_in()
        old, single = await make(person, per_hour=50, signs=True), await make(person)
        assert (await door.ask("GET", "me", X_API_Key=old["key"]))[0] == 200
        status, new, _ = await person.ask("POST", f"me/keys/{old['id']}/rotate")
        assert (status, new["per_hour"], new["key"] != old["key"], new["signing_secret"] is not None) == (
            201,
            50,
            True,
            True,
        )
        for key in (old, new):
            assert (await door.ask("GET", "me", X_API_Key=key["key"]))[0] == 200
        assert 0 < new["old_expires_at"] - time.time_ns() // 1_000 <= 86_400_000_000
        assert code(await person.ask("POST", f"me/keys/{old['id']}/rotate")) == (409, "key_rotated")
        assert code(await person.ask("POST", f"me/keys/{new['id']}/rotate")) == (409, "predecessor_works")
        at_once = await asyncio.gather(*(person.ask("POST", f"me/keys/{single['id']}/rotate") for _ in range(4)))
        assert sorted(answer[0] for answer in at_once) == [201, 409, 409, 409]
        async with door.truth.acting() as truth:
            await truth.change("api_keys", {"id": old["id"]}, expires_at=1)
        await forget_addresses(valkey)
        await asyncio.sleep(NEAR_SECONDS)  # a change by hand rings no bell: what is held has to lapse
        assert code(await door.ask("GET", "me", X_API_Key=old["key"])) == (401, "key_refused")
        assert (await person.ask("POST", f"me/keys/{old['id']}/rotate"))[0] == 404
        assert (await person.ask("POST", f"me/keys/{new['id']}/rotate"))[0] == 201
        status, log, _ = await person.ask("GET", "me/log")
        assert [line["kind"] for line in log["log"]][:2] == ["key.created", "key.created"]


async def test_an_answer_that_is_kept_is_given_to_whoever_may_ask_for_it(
    database: Database, broker: Broker, valkey: ValkeyServer
) -> None:
    """GW-IDEM-006: the same person's weaker credentials get no answer, nor its secrets, by repeating a request."""
    async with entrance(database, broker, redis_url=valkey.url) as door:
        person = await door.sign_in()
        reader = await make(person)
        wish = {"name": "trader", "scopes": ["orders:write"], "signs": True}
        status, made, _ = await person.ask("POST", "me/keys", wish, Idempotency_Key="1")
        assert (status, made["signing_secret"] is not None) == (201, True)
        again = await door.ask("POST", "me/keys", wish, X_API_Key=reader["key"], Idempotency_Key="1")
        assert code(again) == (403, "not_permitted")
        status, told, head = await person.ask("POST", "me/keys", wish, Idempotency_Key="1")
        assert (status, told, head["idempotent-replayed"]) == (201, made, "true")
