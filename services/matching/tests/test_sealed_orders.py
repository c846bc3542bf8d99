"""Sealed orders: nobody knows them before all are committed, nobody chooses their sequence, no bond is lost or made."""

from hashlib import sha256
from typing import Any

import pytest
from cleartide.contracts import (
    BatchSequenced,
    BatchTerms,
    ChangeMarket,
    CommitmentExpired,
    CommitmentRejected,
    CommitOrder,
    GrantDelegate,
    OrderAccepted,
    OrderArmed,
    OrderClosed,
    OrderCommitted,
    OrderRejected,
    OrderRevealed,
    OrderTerms,
    PlaceInstruction,
    RevealOrder,
    RevokeDelegate,
    TradeExecuted,
    TransferApplied,
)
from cleartide.rules.sealing import digest_of, sequence
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain.sealed import committing
from services.matching.tests.support import MARKET, QUOTE, SECOND, Events, Exchange, of, only, spec

TRADERS = ("ann", "bob", "cat", "dan")
BOND = 5 * QUOTE
BATCHING = BatchTerms(commit_micros=SECOND, reveal_micros=2 * SECOND, bond_quanta=BOND)


def venue() -> Exchange:
    """A market that batches; dan makes it."""
    ex = Exchange(batching=BATCHING)
    for account in (*TRADERS, "clock"):
        ex.deposit(account, "10000")
    return ex


def salt_of(word: str) -> str:
    return sha256(word.encode()).hexdigest()


def order_of(side: Any = "buy", size: str = "1", price: str | None = "1001", **terms: Any) -> OrderTerms:
    body = {"client_order_id": "s", "order_type": "limit" if price else "market", **terms}
    return OrderTerms(side=side, size=size, price=price, **body)


def commit(ex: Exchange, account: str, order: OrderTerms, salt: str | None = None, **more: Any) -> Events:
    digest = digest_of(account, MARKET, salt or salt_of(account), order)
    return ex.send(CommitOrder, account=account, market=MARKET, digest=digest, **more)


def reveal(ex: Exchange, account: str, number: int, order: OrderTerms, **more: Any) -> Events:
    body = {"salt": salt_of(account), "market": MARKET, **more}
    return ex.send(RevealOrder, account=account, commitment_id=number, order=order, **body)


def sealed(ex: Exchange, orders: dict[str, OrderTerms], revealed: list[str] | None = None) -> Events:
    """One whole round: everybody commits, those named (all) reveal, in that sequence, and the batch is executed."""
    numbers = {
        account: only(commit(ex, account, order), OrderCommitted).commitment_id for account, order in orders.items()
    }
    ex.wait(SECOND)
    for account in revealed if revealed is not None else orders:
        only(reveal(ex, account, numbers[account], orders[account]), OrderRevealed)
    return tick(ex, 2 * SECOND)


def tick(ex: Exchange, micros: int) -> Events:
    ex.wait(micros)
    return ex.deposit("clock", "1")


def refusal(events: Events) -> str:
    return only(events, CommitmentRejected).reason


def cash(ex: Exchange, account: str) -> int:
    return ex.state.accounts[account].cash.balance


def placed(events: Events) -> list[str]:
    return [order.account for order in of(events, OrderAccepted)]


def test_match_sea_001_an_order_is_sealed_opened_and_executed() -> None:
    """MATCH-SEA-001: each at its time, and the order works like any other."""
    ex = venue()
    ex.place("dan", "sell", "2", "1000.5", post_only=True)
    order = order_of()
    said = only(commit(ex, "ann", order), OrderCommitted)
    assert (said.commitment_id, said.round_id, said.bond_quanta) == (1, 1, BOND)
    assert (said.reveals_from, said.reveals_until) == (ex.effects.at + SECOND, ex.effects.at + 3 * SECOND)
    ex.wait(SECOND)
    only(reveal(ex, "ann", 1, order), OrderRevealed)
    assert not of(tick(ex, 2 * SECOND - 1), BatchSequenced)
    events = tick(ex, 1)
    batch = only(events, BatchSequenced)
    assert [entry.commitment_id for entry in batch.entries] == [1]
    trade = only(events, TradeExecuted)
    assert (trade.buyer, trade.seller, trade.price_ticks, trade.size_lots) == ("ann", "dan", 10_005, 1_000)
    assert not ex.state.rounds.open and not ex.state.rounds.sealed


def test_match_sea_002_nothing_is_opened_while_the_round_collects() -> None:
    """MATCH-SEA-002: from its very end on, and not a microsecond after the round has ended."""
    ex = venue()
    order = order_of()
    commit(ex, "ann", order)
    ex.wait(SECOND - 1)
    assert refusal(reveal(ex, "ann", 1, order)) == "still_collecting"
    ex.wait(1)
    only(reveal(ex, "ann", 1, order), OrderRevealed)
    commit(ex, "bob", order)
    ex.wait(3 * SECOND)
    assert refusal(reveal(ex, "bob", 2, order)) == "unknown_commitment"


def test_match_sea_003_who_commits_later_is_in_the_next_round() -> None:
    """MATCH-SEA-003: he may have seen what was revealed, so his order comes after it."""
    ex = venue()
    first, second = order_of(), order_of(client_order_id="t")
    commit(ex, "ann", first)
    ex.wait(SECOND - 1)
    assert only(commit(ex, "bob", first), OrderCommitted).round_id == 1
    ex.wait(1)
    late = only(commit(ex, "cat", second), OrderCommitted)
    assert (late.round_id, late.reveals_from) == (2, ex.effects.at + SECOND)
    for account, number in (("ann", 1), ("bob", 2)):
        reveal(ex, account, number, first)
    ex.wait(SECOND)
    reveal(ex, "cat", 3, second)
    assert sorted(placed(tick(ex, SECOND))) == ["ann", "bob"]
    assert placed(tick(ex, SECOND)) == ["cat"]


def test_match_sea_004_what_is_not_opened_expires_and_its_bond_is_the_insurance_funds() -> None:
    """MATCH-SEA-004: with a reason; those who opened theirs have their bond back before their order is judged."""
    ex = venue()
    before, fund = {name: cash(ex, name) for name in TRADERS}, ex.state.markets[MARKET].insurance.balance
    events = sealed(ex, {"ann": order_of(price="900"), "bob": order_of()}, revealed=["ann"])
    expired = only(events, CommitmentExpired)
    assert (expired.account, expired.reason, expired.forfeited_quanta) == ("bob", "not_revealed", BOND)
    assert expired.insurance_quanta == fund + BOND == ex.state.markets[MARKET].insurance.balance
    assert (cash(ex, "ann"), cash(ex, "bob")) == (before["ann"], before["bob"] - BOND)
    assert next(move.kind for move in of(events, TransferApplied)) == "bond_returned"
    assert placed(events) == ["ann"]


def test_match_sea_005_a_bond_is_out_of_equity_while_it_is_locked() -> None:
    """MATCH-SEA-005: it can be neither withdrawn nor traded with, and who cannot pay it does not take part."""
    ex = venue()
    ex.deposit("eve", "7")
    moved = only(commit(ex, "eve", order_of()), TransferApplied)
    assert (moved.kind, moved.amount_quanta, moved.cash_quanta) == ("bond_locked", -BOND, 2 * QUOTE)
    assert refusal(commit(ex, "eve", order_of(client_order_id="t"))) == "exceeds_withdrawable"
    ex.withdraw("eve", "2")
    assert cash(ex, "eve") == 0


@pytest.mark.parametrize(
    ("account", "market", "reason"),
    [
        ("insurance", MARKET, "reserved_account"),
        ("ann", "NO-PERP", "unknown_market"),
        ("zoe", MARKET, "unknown_account"),
        ("ann", "PLAIN-PERP", "not_batched"),
    ],
)
def test_match_sea_006_who_may_not_take_part_is_told_why(account: str, market: str, reason: str) -> None:
    """MATCH-SEA-006: and nothing has changed."""
    ex = venue()
    ex.list(market="PLAIN-PERP")
    before = ex.kept()
    assert refusal(ex.send(CommitOrder, account=account, market=market, digest=salt_of("x"))) == reason
    assert ex.kept() == before


def test_match_sea_007_nobody_fills_a_round_alone() -> None:
    """MATCH-SEA-007: an account has so many commitments in a round, the round so many, and no digest twice."""
    ex = venue()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(committing, "MOST_OF_ACCOUNT", 2)
        patch.setattr(committing, "MOST_COMMITMENTS", 3)
        orders = [order_of(client_order_id=f"s{number}") for number in range(3)]
        for order in orders[:2]:
            commit(ex, "ann", order)
        assert refusal(commit(ex, "ann", orders[0])) == "duplicate_commitment"
        assert refusal(commit(ex, "ann", orders[2])) == "too_many_commitments"
        commit(ex, "bob", orders[0])
        assert refusal(commit(ex, "cat", orders[0])) == "round_full"


@pytest.mark.parametrize(
    ("account", "changes", "reason"),
    [
        ("ann", {"salt": salt_of("other")}, "digest_mismatch"),
        ("ann", {"size": "2"}, "digest_mismatch"),
        ("bob", {}, "unknown_commitment"),
        ("ann", {"number": 9}, "unknown_commitment"),
        ("ann", {"market": "PLAIN-PERP"}, "unknown_commitment"),
    ],
)
def test_match_sea_008_only_the_very_order_is_opened_and_once(
    account: str, changes: dict[str, Any], reason: str
) -> None:
    """MATCH-SEA-008: by whom it belongs to; a copied digest helps nobody."""
    ex = venue()
    ex.list(market="PLAIN-PERP")
    order = order_of()
    commit(ex, "ann", order)
    ex.send(CommitOrder, account="bob", market=MARKET, digest=digest_of("ann", MARKET, salt_of("ann"), order))
    ex.wait(SECOND)
    assert refusal(reveal(ex, "bob", 2, order, salt=salt_of("ann"))) == "digest_mismatch"
    before = ex.kept()
    asked = {name: changes[name] for name in ("salt", "market") if name in changes}
    terms = order_of(size=changes.get("size", "1"))
    assert refusal(reveal(ex, account, changes.get("number", 1), terms, **asked)) == reason
    assert ex.kept() == before
    only(reveal(ex, "ann", 1, order), OrderRevealed)
    assert refusal(reveal(ex, "ann", 1, order)) == "already_revealed"


def test_match_sea_009_a_delegate_commits_and_opens_with_the_right_to_trade() -> None:
    """MATCH-SEA-009: and the order is refused when the right is gone by then; the bond is not lost for that."""
    ex = venue()
    order, money = order_of(), cash(ex, "ann")
    assert refusal(commit(ex, "ann", order, actor="bob")) == "not_permitted"
    ex.send(GrantDelegate, account="ann", delegate="bob")
    only(commit(ex, "ann", order, actor="bob"), OrderCommitted)
    ex.wait(SECOND)
    only(reveal(ex, "ann", 1, order, actor="bob"), OrderRevealed)
    ex.send(RevokeDelegate, account="ann", delegate="bob")
    assert only(tick(ex, 2 * SECOND), OrderRejected).reason == "not_permitted"
    assert cash(ex, "ann") == money


def test_match_sea_010_orders_in_the_open_wait_or_reduce() -> None:
    """MATCH-SEA-010: or they could go before a batch that has been opened."""
    ex = venue()
    ex.place("dan", "sell", "2", "1001", post_only=True)
    for terms in ({"price": "1001"}, {"price": "990"}, {"price": None}):
        assert only(ex.place("ann", "buy", "1", **terms), OrderRejected).reason == "batched_only"
    stop: dict[str, Any] = {"order_type": "stop_market", "trigger_price": "1010"}
    assert only(ex.place("ann", "buy", "1", None, **stop), OrderRejected).reason == "batched_only"
    only(ex.place("ann", "buy", "1", "1000", post_only=True, client_order_id="bid"), OrderAccepted)
    assert only(ex.amend("ann", "bid", price="1001"), OrderRejected).reason == "post_only_would_cross"
    sealed(ex, {"bob": order_of(price="1000.5"), "cat": order_of(price="1001")})
    assert only(ex.amend("bob", "s", price="1001"), OrderRejected).reason == "batched_only"
    assert not of(ex.amend("bob", "s", price="999"), OrderRejected)
    assert of(ex.place("cat", "sell", "1", "999", reduce_only=True), TradeExecuted)
    batch = ex.submit("ann", PlaceInstruction(action="place", **order_of().model_dump()))
    assert only(batch, OrderRejected).reason == "batched_only"


def test_match_sea_011_a_sealed_order_may_be_of_any_kind() -> None:
    """MATCH-SEA-011: what is armed by a batch fires in the open, when its price comes."""
    ex = venue()
    ex.place("dan", "sell", "2", "1001", post_only=True)
    stop = OrderTerms(client_order_id="stop", side="buy", order_type="stop_market", size="1", trigger_price="1002")
    events = sealed(ex, {"ann": stop, "bob": order_of(price=None)})
    assert only(events, OrderArmed).account == "ann" and only(events, TradeExecuted).buyer == "bob"
    assert only(ex.price("1003"), TradeExecuted).buyer == "ann"
    assert refusal(commit(ex, "zoe", stop)) == "unknown_account"


def test_match_sea_012_what_cannot_be_placed_is_answered_like_any_order() -> None:
    """MATCH-SEA-012: by OrderRejected with its reason, and the others go on."""
    ex = venue()
    events = sealed(ex, {"ann": order_of(size="0.0001"), "bob": order_of(size="200"), "cat": order_of(price="999")})
    refused = sorted((rejected.account, rejected.reason) for rejected in of(events, OrderRejected))
    assert refused == [("ann", "off_grid"), ("bob", "insufficient_margin")]
    assert placed(events) == ["cat"]


def test_match_sea_013_open_rounds_keep_their_terms() -> None:
    """MATCH-SEA-013: a change goes for the rounds that follow; without terms orders come in the open again."""
    ex = venue()
    order = order_of()
    commit(ex, "ann", order)
    ex.send(ChangeMarket, source="operator", spec=spec(), expected_version=1, by="op")
    assert refusal(commit(ex, "bob", order)) == "not_batched"
    ex.wait(SECOND)
    reveal(ex, "ann", 1, order)
    assert placed(tick(ex, 2 * SECOND)) == ["ann"]
    only(ex.place("bob", "buy", "1", "990"), OrderAccepted)


def test_match_sea_014_a_restart_in_the_middle_changes_nothing() -> None:
    """MATCH-SEA-014: wherever it comes, sealed and opened commitments are there again."""
    orders = {"ann": order_of(), "bob": order_of("sell", price="1000"), "cat": order_of(price="1002")}
    calm = [event.model_dump() for event in sealed(venue(), orders, revealed=["cat", "bob"])]
    for stop in range(4):
        ex = venue()
        steps: list[Any] = [lambda ex=ex, name=name: commit(ex, name, orders[name]) for name in orders]
        steps += [lambda ex=ex: ex.wait(SECOND)]
        steps += [
            lambda ex=ex, n=n, name=name: reveal(ex, name, n, orders[name]) for n, name in ((3, "cat"), (2, "bob"))
        ]
        for number, step in enumerate(steps):
            step()
            if number % 4 == stop:
                ex.restart()
        assert [event.model_dump() for event in tick(ex, 2 * SECOND)] == calm


def test_match_sea_015_the_sequence_can_be_checked_by_everybody() -> None:
    """MATCH-SEA-015: from what is published, and it is the sequence in which the orders were answered."""
    ex = venue()
    orders = {name: order_of(price=str(990 + number)) for number, name in enumerate(TRADERS)}
    events = sealed(ex, orders)
    batch = only(events, BatchSequenced)
    salts = {entry.digest: entry.salt for entry in batch.entries}
    seed = sha256("".join(f"{digest}{salts[digest]}" for digest in sorted(salts)).encode()).hexdigest()
    ranked = sorted(salts, key=lambda digest: sha256(f"{seed}{digest}".encode()).hexdigest())
    assert (batch.seed, [entry.digest for entry in batch.entries]) == (seed, ranked)
    owners = {digest_of(name, MARKET, salt_of(name), order): name for name, order in orders.items()}
    assert placed(events) == [owners[entry.digest] for entry in batch.entries]


@settings(max_examples=40)
@given(st.permutations(TRADERS), st.permutations(TRADERS), st.lists(st.sampled_from(TRADERS), unique=True))
def test_match_sea_016_the_sequence_does_not_depend_on_who_came_first(
    committing_order: list[str], revealing_order: list[str], silent: list[str]
) -> None:
    """MATCH-SEA-016: neither that of the commitments nor that of the reveals; fills and money are the same."""
    sides = {"ann": ("buy", "1001"), "bob": ("sell", "999"), "cat": ("buy", "1002"), "dan": ("sell", "1000")}
    orders = {name: order_of(side, "1", price) for name, (side, price) in sides.items()}
    outcomes = []
    for first, then in ((list(TRADERS), list(TRADERS)), (committing_order, revealing_order)):
        ex = venue()
        events = sealed(ex, {name: orders[name] for name in first}, [name for name in then if name not in silent])
        entries = [entry.digest for entry in only(events, BatchSequenced).entries]
        trades = [
            (trade.buyer, trade.seller, trade.price_ticks, trade.size_lots) for trade in of(events, TradeExecuted)
        ]
        outcomes.append((entries, placed(events), trades, {name: cash(ex, name) for name in TRADERS}))
    assert outcomes[0] == outcomes[1]


def test_match_sea_017_one_salt_changes_the_sequence_of_all() -> None:
    """MATCH-SEA-017: so nobody can work out a place for himself before all others are bound, too."""
    digests = [salt_of(f"order {number}") for number in range(6)]
    seen = {
        tuple(sequence({digest: salt_of("fixed") for digest in digests} | {digests[0]: salt_of(f"salt {turn}")}))
        for turn in range(200)
    }
    assert len(seen) > 150
    firsts = {order[0] for order in seen}
    assert firsts == set(digests)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["commit", "commit", "reveal", "reveal", "wait", "open", "price", "take"]),
        st.sampled_from(TRADERS),
        st.sampled_from(["buy", "sell"]),
        st.integers(1, 900),
        st.integers(-15, 15),
    ),
    min_size=20,
    max_size=60,
)


@settings(max_examples=30)
@given(STEPS, st.integers(0, 60))
def test_match_sea_018_money_is_conserved_in_any_flow(steps: list[tuple[str, str, str, int, int]], stop: int) -> None:
    """MATCH-SEA-018: bonds too, with a restart anywhere; see domain/verify.py for what holds after each command."""
    ex = venue()
    for account in TRADERS:
        ex.withdraw(account, "9900")
    held: dict[int, tuple[str, OrderTerms, str]] = {}
    for number, (action, trader, side, amount, offset) in enumerate(steps):
        ex.wait(amount * 1_000)
        order = order_of(side, f"{amount / 1000:.3f}", f"{1000 + offset}", client_order_id=f"s{number}")
        if action == "commit":
            for said in of(commit(ex, trader, order, salt_of(str(number))), OrderCommitted):
                held[said.commitment_id] = (trader, order, salt_of(str(number)))
        elif action == "reveal" and held:
            key = list(held)[amount % len(held)]
            owner, sealed_order, salt = held[key]
            reveal(ex, owner, key, sealed_order, salt=salt)
        elif action == "open":
            ex.place(trader, side, f"{amount / 1000:.3f}", f"{1000 + offset}", post_only=True)
        elif action == "price":
            ex.price(str(1000 + offset))
        elif action == "take":
            ex.place(trader, side, f"{amount / 1000:.3f}", f"{1000 + offset}", reduce_only=True)
        if number == stop:
            ex.restart()
    events = tick(ex, 4 * SECOND)
    assert not ex.state.rounds.open
    locked = [pot.balance for name, pot in ex.state.ledger.accounts.items() if name.startswith("locked:")]
    assert not any(locked)
    assert {closed.reason for closed in of(events, OrderClosed)} <= {"filled", "self_trade", "insufficient_margin"}
