"""Whatever arrives on a public subject: each bad message is a dead letter with its reason, the good ones count."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, cast

from cleartide.contracts import DeadLettered
from cleartide.contracts.codec import encode
from nats.aio.client import Client

from deploy.local.sandbox.market import MARKET
from services.vaults.tests import chain
from tests.support.installation import Installation
from tests.support.streams import events_of
from tests.support.traffic import Traffic

BAD_MESSAGES = 10_000
SUBJECTS = ("orders.BTC-PERP", "trades.BTC-PERP", "transfers.acct-00", "admin.markets", "admin.insurance",
            "prices.index.BTC-PERP", "liquidations.BTC-PERP", "funding.settle.BTC-PERP")  # fmt: skip


def _deposit(number: int, **changes: Any) -> dict[str, Any]:
    good = {
        "id": f"bad-{number}", "type": "Deposit", "version": 1, "occurred_at": time.time_ns() // 1000,
        "source": "tests", "account": "acct-00", "asset": "USDC", "amount": "1",
    }  # fmt: skip
    return {**good, **changes}


def _trade(number: int, **changes: Any) -> dict[str, Any]:
    good = {
        "id": f"bad-{number}", "type": "ReportTrade", "version": 1, "occurred_at": time.time_ns() // 1000,
        "source": "tests", "market": MARKET, "trade_id": f"bad-{number}", "price": "61800.0", "size": "0.001",
        "buyer": "acct-00", "seller": "acct-01", "executed_at": 1,
    }  # fmt: skip
    return {**good, **changes}


Bad = Callable[[int, Random], tuple[str, bytes]]


def _json(subject: str, message: Any) -> tuple[str, bytes]:
    return subject, json.dumps(message).encode()


KINDS: dict[str, Bad] = {
    "malformed_json": lambda number, random: (SUBJECTS[number % len(SUBJECTS)], random.randbytes(40) + b"{"),
    "oversized": lambda number, _: _json("transfers.acct-00", _deposit(number, note="x" * 70_000)),
    "unsupported_version": lambda number, _: _json("transfers.acct-00", _deposit(number, version=number + 2)),
    "unknown_type": lambda number, _: _json(SUBJECTS[number % len(SUBJECTS)], {"type": f"Nothing{number}"}),
    "schema_invalid": lambda number, random: _json(
        "transfers.acct-00",
        _deposit(number, amount=random.choice(["-1", "NaN", "Infinity", "1e5", "0x10", "", "1.2.3", 5, None, ["1"]])),
    ),
    "wrong_subject": lambda number, _: _json("transfers.somebody-else", _deposit(number)),
    "forbidden_source": lambda number, _: _json("transfers.acct-00", _deposit(number, source="risk")),
    "off_grid": lambda number, _: _json("trades.BTC-PERP", _trade(number, price="61800.05")),
    "not_positive": lambda number, _: _json("trades.BTC-PERP", _trade(number, size="0")),
    "overflow": lambda number, _: _json("trades.BTC-PERP", _trade(number, size="999999999999999")),
    "unknown_market": lambda number, _: _json("trades.NO-PERP", _trade(number, market="NO-PERP")),
    "duplicate": lambda _, __: _json("trades.BTC-PERP", _trade(0, id="good-trade", trade_id="good-trade")),
}


def _inflow(number: int, **changes: Any) -> dict[str, Any]:
    """What an indexer says of a deposit in a vault."""
    good: dict[str, Any] = json.loads(encode(chain.deposit(number, chain.START, "alice", 100, 100)))
    return {**good, **changes}


CHAIN = "chain.solana"
CHAIN_KINDS: dict[str, Bad] = {
    "malformed_json": lambda _, random: (CHAIN, random.randbytes(40) + b"{"),
    "oversized": lambda number, _: _json(CHAIN, _inflow(number, note="x" * 70_000)),
    "unsupported_version": lambda number, _: _json(CHAIN, _inflow(number, version=number + 2)),
    "unknown_type": lambda number, _: _json(CHAIN, {"type": f"Nothing{number}"}),
    "schema_invalid": lambda number, random: _json(
        CHAIN, _inflow(number, amount_units=random.choice([-1, 1.5, "NaN", None, 2**70, [1]]))
    ),
    "wrong_subject": lambda number, _: _json("chain.base", _inflow(number)),
    "fee_exceeds_amount": lambda number, _: _json(CHAIN, _inflow(number, fee_units=101)),
    "from_the_future": lambda number, _: _json(CHAIN, _inflow(number, block_time=time.time_ns() // 1000 + chain.DAY)),
    "vault_mismatch": lambda number, _: _json(CHAIN, _inflow(number, asset="SOL")),
    "conflicting_event": lambda number, _: _json(CHAIN, _inflow(0, amount_units=number + 100)),
}


async def _send(client: Client, messages: list[tuple[str, bytes]]) -> None:
    """Core publishes, then one acknowledged one, so that all are known to be stored."""
    for subject, payload in messages[:-1]:
        await client.publish(subject, payload)
    await client.request(*messages[-1], timeout=30)


async def _flood(client: Client, kinds: Mapping[str, Bad], messages: int) -> Counter[str]:
    """Send bad messages of every kind in turn; how many of each."""
    random, names = Random(5), list(kinds)
    sent = Counter(dict.fromkeys(names, 0))
    for start in range(0, messages, 1_000):
        batch = []
        for number in range(start + 1, min(start + 1_000, messages) + 1):
            kind = names[number % len(names)]
            sent[kind] += 1
            batch.append(kinds[kind](number, random))
        await _send(client, batch)
    return sent


async def _reasons(client: Client) -> Counter[str]:
    """How many dead letters there are of each reason."""
    return Counter([cast(DeadLettered, letter).reason async for letter in events_of(client, "DEAD_LETTERS")])


async def test_ten_thousand_bad_messages_disturb_nothing(installed: Installation) -> None:
    """RUN-DEAD-001."""
    await installed.start("matching")
    async with installed.client() as client:
        traffic = Traffic(client, accounts=("acct-00", "acct-01"))
        await traffic.open_market()
        await _send(client, [_json("trades.BTC-PERP", _trade(0, id="good-trade", trade_id="good-trade"))])
        await installed.settled(("matching",))
        before = await installed.fetch("matching", "SELECT * FROM ledger_balances ORDER BY account")
        sent = await _flood(client, KINDS, BAD_MESSAGES)
        await installed.settled(("matching",), seconds=120)
        assert await installed.fetch("matching", "SELECT * FROM ledger_balances ORDER BY account") == before
        assert await _reasons(client) == sent
        await traffic.deposit("acct-00", "5")
        await installed.settled(("matching",))
        after = await installed.fetch("matching", "SELECT * FROM ledger_balances ORDER BY account")
    assert after != before, "a good message after the bad ones is applied"


async def test_a_thousand_bad_words_of_an_indexer_disturb_nothing(installed: Installation) -> None:
    """RUN-DEAD-002."""
    stored = "SELECT signature FROM chain_events"
    await installed.start("vaults")
    async with installed.client() as client:
        await _send(client, [_json(CHAIN, _inflow(0))])
        sent = await _flood(client, CHAIN_KINDS, 1_000)
        await installed.settled(("vaults",), seconds=120)
        assert await _reasons(client) == sent
        assert [row["signature"] for row in await installed.fetch("vaults", stored)] == ["sig0"]
        await _send(client, [_json(CHAIN, _inflow(5_000))])
        await installed.settled(("vaults",))
        assert [row["signature"] for row in await installed.fetch("vaults", stored)] == ["sig0", "sig5000"]
