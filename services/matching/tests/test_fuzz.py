"""Whatever arrives, in whatever order, through the real decoder and the real fold: nothing breaks, nothing is torn.

No exception leaves the fold. Every refusal has a code of the documented list, and leaves the state as it was.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from cleartide.bus.ports import Delivery, Epoch
from cleartide.contracts.codec import MAX_PUBLIC_PAYLOAD_BYTES, Decoder
from cleartide.fold import Changes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.matching.app import SERVICE
from services.matching.domain.errors import SourceGap
from services.matching.domain.verify import verify
from services.matching.tests.fuzz import NUMBERED, OVERSIZED, Payload, payloads
from services.matching.tests.reasons import documented
from services.matching.tests.support import MARKET, START, spec
from tests.support.fold_bench import Bench, new_folder

NOTED: Final = {"applied_ids", "command_sources", "order_attempts", "order_times"}
"""Tables in which a refused command may leave that it was given."""
REFUSALS: Final = ("Rejected", "DeadLettered")
ANSWERS: Final = (*REFUSALS, "OrderClosed", "OrdersCanceled")
UNREADABLE: Final = frozenset(
    {"malformed_json", "schema_invalid", "unknown_type", "unsupported_version", "bad_batch_size", "oversized"}
)
MISPLACED: Final = frozenset({"wrong_subject", "forbidden_source"})


class Worker(Bench[Any]):
    """The service as its worker runs it: bytes in, one commit each."""

    def __init__(self) -> None:
        super().__init__(SERVICE.fold)
        self.at = START
        self.restart()
        self.reader = Decoder(SERVICE.fold.stream.contracts, public=True)

    def restart(self) -> None:
        """Start again from the tables."""
        heads = dict(self.schema.last_seq)
        self.state = self.restored()
        self.folder = new_folder(SERVICE.fold, self.state, Epoch(1, self.schema.progress, heads, heads))

    def take(self, payload: bytes, subject: str) -> tuple[Changes, list[dict[str, Any]]]:
        """One message: what was written and what was said."""
        self.at += 250_000
        delivery = Delivery(self.schema.progress.position + 1, self.at, subject, payload, "", 0)
        commit, _ = self.folder.fold(self.folder.decode([delivery]), "", "stream")
        self.schema.write(commit.changes)
        self.schema.say(commit.outbox)
        self.schema.progress = commit.after
        return commit.changes, list(_events(row.payload for row in commit.outbox))

    def subject_of(self, payload: bytes) -> str:
        """Where a message of this payload belongs, as far as it can be read."""
        first = self.reader.decode(payload)[0]
        return getattr(first, "subject", "orders.BTC-PERP")


def _events(rows: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    for row in rows:
        found = msgspec.json.decode(row)
        yield from found if isinstance(found, list) else [found]


def opened() -> Worker:
    """Two markets, money, positions, resting orders and a fund."""
    worker = Worker()
    markets = [spec(), spec(market="ETH-PERP", tick_size="0.001", lot_size="0.001")]
    commands: list[dict[str, Any]] = [
        *({"type": "ListMarket", "spec": each.model_dump(mode="json")} for each in markets),
        *(_money(name, amount) for name, amount in (("ann", "5000"), ("bob", "5000"), ("cat", "4000000000"))),
        *({"type": "UpdateIndexPrice", "market": each.market, "price": "1000", "sources": []} for each in markets),
        {"type": "FundInsurance", "market": MARKET, "amount": "5"},
        _limit("ann", "buy", "999", "a"),
        _limit("bob", "sell", "1001", "b"),
        _limit("cat", "buy", "1001", "c"),
    ]
    for number, command in enumerate(commands):
        body = {"id": f"open{number}", "version": 1, "occurred_at": START, "source": "operator", **command}
        body["source"] = "ingestor" if command["type"] == "UpdateIndexPrice" else body["source"]
        payload = _numbered(worker, Payload(None, body, "next", None))
        worker.take(payload, worker.subject_of(payload))
    return worker


def _money(account: str, amount: str) -> dict[str, Any]:
    return {"type": "Deposit", "account": account, "asset": "USDC", "amount": amount}


def _limit(account: str, side: str, price: str, name: str) -> dict[str, Any]:
    order = {"side": side, "order_type": "limit", "size": "0.5", "price": price, "client_order_id": name}
    return {"type": "PlaceOrder", "account": account, "market": MARKET, **order}


def _numbered(worker: Worker, payload: Payload) -> bytes:
    """The bytes, with the numbers of services filled in."""
    if payload.raw is not None:
        return b"x" * (MAX_PUBLIC_PAYLOAD_BYTES + 1) if payload.raw == OVERSIZED else payload.raw
    numbers = dict(worker.state.intake.numbers)
    for body in payload.body if isinstance(payload.body, list) else [payload.body]:
        source = body.get("source") if isinstance(body, dict) else None
        if isinstance(source, str) and source in NUMBERED and payload.number != "none":
            last = numbers.get(source, 0)
            body["seq"] = last + {"next": 1, "same": 0, "gap": 2}[payload.number]
            numbers[source] = max(last, body["seq"])
    return json.dumps(payload.body).encode()


def snapshot(worker: Worker) -> dict[str, Any]:
    """Every table but those that note the command itself."""
    return {name: dict(rows) for name, rows in worker.tables.items() if name not in NOTED}


def written(changes: Changes) -> set[str]:
    return {table.name for part in (changes.rows, changes.deletes) for table in part} - NOTED


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(payloads, min_size=6, max_size=24))
def test_match_fuz_001_no_exception_leaves_the_fold_and_every_refusal_has_a_code_and_changes_nothing(
    given_payloads: list[Payload],
) -> None:
    """MATCH-FUZ-001"""
    worker = opened()
    for payload in given_payloads:
        message = _numbered(worker, payload)
        before = snapshot(worker)
        try:
            changes, events = worker.take(message, payload.subject or worker.subject_of(message))
        except SourceGap:
            # The one designed stop: a service's command is missing. The next start finds the tables as they were.
            assert payload.number == "gap" or isinstance(payload.body, (dict, list))
            worker.restart()
            assert snapshot(worker) == before
            continue
        _judge(events, changes)
        if events and all(event["type"].endswith(REFUSALS) for event in events):
            assert written(changes) == set(), events
            assert snapshot(worker) == before
        verify(worker.state)
    _same_after_restart(worker)


def _judge(events: list[dict[str, Any]], changes: Changes) -> None:
    """Every refusal has a documented code; a command that was refused moved no money."""
    codes = documented()
    for event in events:
        reason = event.get("reason")
        if reason is not None and event["type"].endswith(ANSWERS):
            known = codes | UNREADABLE | MISPLACED if event["type"] == "DeadLettered" else codes
            assert reason in known, f"{reason} of {event['type']} is not in docs/reasons.md"
    if events and all(event["type"].endswith(REFUSALS) for event in events):
        assert not any(table.name.startswith("ledger") for table in changes.rows)


def _same_after_restart(worker: Worker) -> None:
    """What the next command finds is in the tables: books and balances are those of a fresh start."""
    fresh = worker.restored()
    verify(fresh)
    assert _books(fresh.markets) == _books(worker.state.markets)
    balances = {name: held.balance for name, held in worker.state.ledger.accounts.items() if held.balance}
    assert balances == {name: held.balance for name, held in fresh.ledger.accounts.items() if held.balance}


def _books(markets: Mapping[str, Any]) -> dict[str, list[tuple[int, int, int]]]:
    return {
        name: [(o.order_id, o.price, o.remaining) for half in (m.book.bids, m.book.asks) for o in half.orders()]
        for name, m in markets.items()
    }
