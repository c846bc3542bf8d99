"""Signing in and out through the front door: proofs, tokens, and everything that a thief would try with them."""

import asyncio
import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from deploy.local.ports import free_port
from deploy.local.valkey import ValkeyServer
from services.gateway.edge.identity import identity
from services.gateway.edge.redis_guard import RedisGuard
from services.gateway.settings import GatewaySettings
from services.gateway.tests.entrance import (
    DOMAIN,
    BitcoinWallet,
    EvmWallet,
    SolanaWallet,
    Wallet,
    entrance,
    serving,
)
from tests.support.servers import Broker, Database, forget_addresses


@pytest.mark.parametrize("wallet", [EvmWallet(3), SolanaWallet(3), BitcoinWallet(3)], ids=lambda wallet: wallet.chain)
async def test_a_wallet_is_a_person(database: Database, broker: Broker, valkey: ValkeyServer, wallet: Wallet) -> None:
    """GW-AUTH-001: who signs with a wallet is the same person each time, with a profile and a log of connections."""
    async with entrance(database, broker, redis_url=valkey.url) as door:
        first = await door.sign_in(wallet)
        again = await door.sign_in(wallet, provider="Phantom")
        assert first.user == again.user
        assert first.session["session"] != again.session["session"]
        status, me, _ = await first.ask("GET", "me")
        assert (status, me["id"], me["tier"], me["kyc"], me["account"]) == (200, first.user, "free", "none", first.user)
        _, wallets, _ = await first.ask("GET", "me/wallets")
        assert [(one["chain"], one["address"]) for one in wallets["wallets"]] == [(wallet.chain, wallet.address)]
        assert wallets["wallets"][0]["is_main"]
        _, log, _ = await first.ask("GET", "me/wallets/connections")
        assert [(one["provider"], one["ip"], one["disconnected_at"]) for one in log["connections"]] == [
            ("Phantom", "127.0.0.1", None),
            ("", "127.0.0.1", None),
        ]


async def test_a_nonce_is_good_once(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-AUTH-002: a nonce opens one session, also of twenty requests at once, and none after its time."""
    async with entrance(database, broker, redis_url=valkey.url) as door:
        proof = await door.statement(EvmWallet(4))
        await door.sign_in(EvmWallet(4))
        answers = await asyncio.gather(*(door.ask("POST", "auth/sign-in", proof) for _ in range(5)))
        assert sorted(status for status, _, _ in answers) == [201, 401, 401, 401, 401]
        assert {body["error"]["code"] for status, body, _ in answers if status == 401} == {"nonce_refused"}
        assert (await door.ask("POST", "auth/sign-in", proof))[1]["error"]["code"] in ("nonce_refused", "rate_limited")
        async with door.truth.acting() as truth:
            sessions = await truth.fetch("SELECT id FROM sessions")
        assert len(sessions) == 2


async def test_an_old_nonce_is_refused(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-AUTH-003: a nonce of another purpose, of nobody, or past its time opens nothing."""
    async with entrance(database, broker, redis_url=valkey.url) as door:
        person = await door.sign_in()
        late = await door.statement(EvmWallet(5))
        async with door.truth.acting() as truth:
            await truth.change("nonces", {"used_at": None}, expires_at=1)
        for_linking = await door.statement(EvmWallet(5), "me/wallets/nonce", **person.headers)
        for proof in (late, for_linking):
            status, body, _ = await door.ask("POST", "auth/sign-in", proof)
            assert (status, body["error"]["code"]) == (401, "nonce_refused")
        status, body, headers = await door.ask("POST", "auth/sign-in", {**late, "message": late["message"] + "x"})
        assert (status, body["error"]["code"]) == (401, "statement_refused")
        assert headers["WWW-Authenticate"].startswith("Bearer")


async def test_brute_force_runs_out_of_tries(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-AUTH-004: an address has five bad attempts in a quarter of an hour, over all processes; good ones are free."""
    async with (
        entrance(database, broker, redis_url=valkey.url) as door,
        serving(database, broker, redis_url=valkey.url) as second,
    ):
        await forget_addresses(valkey)
        for _ in range(7):
            await door.sign_in(EvmWallet(6))
        proof = await door.statement(EvmWallet(6))
        bad = {**proof, "signature": EvmWallet(7).sign(proof["message"])}
        tries = await asyncio.gather(*((door, second)[n % 2].ask("POST", "auth/sign-in", bad) for n in range(40)))
        codes = [body["error"]["code"] for _, body, _ in tries]
        assert (codes.count("signature_refused"), codes.count("rate_limited")) == (5, 35)
        status, _, headers = await door.ask("POST", "auth/sign-in", proof)
        assert (status, int(headers["Retry-After"]) >= 1) == (429, True)
        assert (await door.ask("POST", "auth/refresh", {"refresh_token": "x"}))[0] == 429
    await forget_addresses(valkey)


async def test_a_refresh_token_is_good_once_and_a_stolen_one_ends_the_session(
    database: Database, broker: Broker, valkey: ValkeyServer
) -> None:
    """GW-AUTH-005: a refresh token is good once; its second use, whoever makes it, ends the session."""
    async with entrance(database, broker, redis_url=valkey.url) as door:
        person = await door.sign_in()
        other = await door.sign_in()
        stolen = person.session["refresh_token"]
        status, renewed, _ = await door.ask("POST", "auth/refresh", {"refresh_token": stolen})
        assert status == 201
        assert renewed["refresh_token"] != stolen
        fresh = {"Authorization": f"Bearer {renewed['access_token']}"}
        assert (await door.ask("GET", "me", **fresh))[0] == 200
        status, body, _ = await door.ask("POST", "auth/refresh", {"refresh_token": stolen})
        assert (status, body["error"]["code"]) == (401, "refresh_token_reused")
        for headers in (fresh, person.headers):
            status, body, _ = await door.ask("GET", "me", **headers)
            assert (status, body["error"]["code"]) == (401, "session_ended")
        newest = {"refresh_token": renewed["refresh_token"]}
        assert (await door.ask("POST", "auth/refresh", newest))[1]["error"]["code"] == "session_ended"
        assert (await other.ask("GET", "me"))[0] == 200
        [held] = await door.rows("SELECT count(*) AS n FROM refresh_tokens WHERE hash = $1", stolen.encode())
        assert held["n"] == 0, "only hashes are kept"
    await forget_addresses(valkey)


@pytest.mark.parametrize("redis", ["shared", "away"])
async def test_an_ended_session_ends_everywhere_at_once(
    database: Database, broker: Broker, valkey: ValkeyServer, redis: str
) -> None:
    """GW-AUTH-006: signed out in one process is signed out in all, with the next request, with Valkey and without."""
    url = valkey.url if redis == "shared" else f"redis://127.0.0.1:{free_port()}"
    async with (
        entrance(database, broker, redis_url=url) as door,
        serving(database, broker, redis_url=url) as second,
    ):
        person = await door.sign_in(EvmWallet(8))
        elsewhere = await door.sign_in(EvmWallet(8))
        for process in (door, second):
            assert (await process.ask("GET", "me", **person.headers))[0] == 200
        assert (await person.ask("POST", "auth/sign-out"))[0] == 200
        for process in (second, door):
            status, body, _ = await process.ask("GET", "me", **person.headers)
            assert (status, body["error"]["code"]) == (401, "session_ended")
        status, sessions, _ = await elsewhere.ask("GET", "me/sessions")
        assert [one["reason"] for one in sessions["sessions"]] == [None, "signed_out"]
        assert (await elsewhere.ask("DELETE", "me/sessions"))[1] == {"ended": 1}
        assert (await second.ask("GET", "me", **elsewhere.headers))[0] == 401
        [log] = await door.rows("SELECT disconnected_at FROM wallet_connections ORDER BY id LIMIT 1")
        assert log["disconnected_at"] is not None


async def test_forged_and_old_tokens_are_refused(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-AUTH-007: a token that is forged, unsigned, signed otherwise or of another's session lets nobody in."""
    async with entrance(database, broker, redis_url=valkey.url, gateway_secret="s" * 40) as door:
        person, other = await door.sign_in(), await door.sign_in()
        good = person.session["access_token"]
        head, body, signature = good.split(".")
        claims = {"iss": "cleartide", "sub": person.user, "sid": person.session["session"], "exp": time.time() + 600}
        own = OctKey.import_key(b"k" * 32)
        forged = {
            "cut": f"{head}.{body}.{signature[:-2]}",
            "unsigned": f"eyJhbGciOiJub25lIn0.{body}.",
            "by another key": jwt.encode({"alg": "HS256", "typ": "at+jwt"}, claims, own),
            "of another": f"{head}.{other.session['access_token'].split('.')[1]}.{signature}",
            "no token": "x" * 5_000,
        }
        for name, token in forged.items():
            status, answer, _ = await door.ask("GET", "me", Authorization=f"Bearer {token}")
            assert (name, status, answer["error"]["code"]) == (name, 401, "token_invalid")
        assert (await door.ask("GET", "me", Authorization="Basic eA=="))[0] == 401
        async with serving(
            database, broker, redis_url=valkey.url, gateway_secret="n" * 40, gateway_secrets_before=("s" * 40,)
        ) as rotated:
            assert (await rotated.ask("GET", "me", **person.headers))[0] == 200
            newer = await rotated.sign_in(EvmWallet(9))
            assert (await door.ask("GET", "me", **newer.headers))[1]["error"]["code"] == "token_invalid"
    async with serving(
        database, broker, redis_url=valkey.url, gateway_secret="s" * 40, access_token_seconds=10
    ) as door:
        person = await door.sign_in(EvmWallet(9))
        async with door.truth.acting() as truth:
            await truth.change("users", {"id": person.user}, status="suspended")
        again = await door.statement(EvmWallet(9))
        status, answer, _ = await door.ask("POST", "auth/sign-in", again)
        assert (status, answer["error"]["code"]) == (403, "account_not_active")
    await forget_addresses(valkey)


async def test_an_outside_identity_is_believed_by_its_pinned_key(
    database: Database, broker: Broker, valkey: ValkeyServer
) -> None:
    """GW-AUTH-008: a provider's token is believed by its pinned key alone, from and for the right ones, in time."""
    key, foreign = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
    pinned = {
        "issuer": "privy.io",
        "audience": "our-app",
        "algorithm": "ES256",
        "public_key": key.as_pem(private=False),
    }
    now = int(time.time())
    claims: dict[str, Any] = {"iss": "privy.io", "aud": "our-app", "sub": "did:privy:1", "iat": now, "exp": now + 600}

    def token(by: Any = key, alg: str = "ES256", **changed: Any) -> dict[str, str]:
        return {"token": jwt.encode({"alg": alg}, {**claims, **changed}, by, [alg])}

    async with entrance(database, broker, redis_url=valkey.url, external_issuers=(pinned,)) as door:
        people = set()
        for _ in range(2):
            status, session, _ = await door.ask("POST", "auth/external", token())
            assert status == 201, session
            people.add(session["user"])
        assert len(people) == 1
        wrong = {
            "key": token(foreign),
            "issuer": token(iss="evil.io"),
            "audience": token(aud="other-app"),
            "expired": token(exp=now - 1),
            "early": token(iat=now + 3_600, exp=now + 7_200),
            "subject": token(sub=""),
            "algorithm": token(OctKey.import_key(b"k" * 32), "HS256"),
        }
        for name, body in wrong.items():
            status, answer, _ = await door.ask("POST", "auth/external", body)
            assert (name, status, answer["error"]["code"]) == (name, 401, "external_token_refused")
            await forget_addresses(valkey)


async def test_the_first_sign_in_of_one_wallet_twice_at_once_makes_one_person(
    database: Database, broker: Broker, valkey: ValkeyServer
) -> None:
    """GW-AUTH-009: a wallet that comes for the first time on two devices at once is one person; a referral is noted."""
    async with entrance(database, broker, redis_url=valkey.url) as door:
        referrer = await door.sign_in()
        _, me, _ = await referrer.ask("GET", "me")
        proofs = [await door.statement(SolanaWallet(12)) for _ in range(4)]
        said = [{**proof, "referral_code": me["referral_code"]} for proof in proofs]
        answers = await asyncio.gather(*(door.ask("POST", "auth/sign-in", proof) for proof in said))
        assert {status for status, _, _ in answers} == {201}
        assert len({body["user"] for _, body, _ in answers}) == 1
        status, referred, _ = await referrer.ask("GET", "me/referrals")
        assert (status, referred) == (200, {"code": me["referral_code"], "referred": 1})
        proof = await door.statement(SolanaWallet(13))
        status, body, _ = await door.ask("POST", "auth/sign-in", {**proof, "referral_code": "NOBODYHAS9"})
        assert (status, body["error"]["code"]) == (422, "unknown_referral_code")
        assert (await door.ask("POST", "auth/sign-in", proof))[0] == 201, "a refused wish uses no nonce up"


async def test_the_statement_names_this_place(database: Database, broker: Broker) -> None:
    """GW-AUTH-010: the statement that the gateway writes names its domain; what it does not know, it refuses."""
    async with entrance(database, broker) as door:
        proof = await door.statement(EvmWallet(2, chain="celo"))
        assert proof["message"].startswith(f"{DOMAIN} wants you to sign in with your Ethereum account:\n0x")
        assert "\nChain ID: 42220\n" in proof["message"]
        for body in ({"chain": "dogecoin"}, {"chain": "ethereum", "address": "0x12"}, {"chain": "solana", "more": 1}):
            status, answer, _ = await door.ask("POST", "auth/nonce", body)
            assert (status, answer["error"]["code"]) == (422, "invalid_parameter")
        assert json.dumps(answer)


@pytest.fixture(autouse=True)
async def fresh_valkey(valkey: ValkeyServer) -> None:
    """Nothing counted, nothing remembered."""
    await forget_addresses(valkey)


async def test_what_is_over_is_swept_out(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-AUTH-013: nonces and kept answers past their time, sessions with tokens long after it; the rest stays."""
    async with entrance(database, broker, redis_url=valkey.url) as door:
        swept, stays = await door.sign_in(), await door.sign_in()
        for person in (swept, stays):
            status, _, _ = await person.ask(
                "POST", "me/keys", {"name": "k", "scopes": ["account:read"]}, Idempotency_Key="1"
            )
            assert status == 201
        await door.statement(EvmWallet(4_711))
        async with door.truth.acting() as truth:
            await truth.change("nonces", {"used_at": None}, expires_at=1)
            await truth.change("idempotency_keys", {"user_id": swept.user}, expires_at=1)
            for table in ("sessions", "refresh_tokens"):
                await truth.change(table, {"user_id": swept.user}, expires_at=1)
        await identity(door.truth, RedisGuard(None), GatewaySettings()).sweep()
        assert await door.rows("SELECT FROM nonces WHERE used_at IS NULL") == []
        for table in ("idempotency_keys", "sessions", "refresh_tokens"):
            rows = await door.rows(f"SELECT user_id FROM {table}")
            assert [row["user_id"] for row in rows] == [stays.user], table
        assert len(await door.rows("SELECT FROM wallet_connections WHERE user_id = $1", swept.user)) == 1
        assert (await stays.ask("GET", "me"))[0] == 200
