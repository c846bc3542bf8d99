"""Rounds of sealed orders, and how markets batch: tables, and the way between their rows and the state."""

from collections.abc import Mapping, Sequence
from typing import Final

from cleartide.contracts import BatchTerms, OrderTerms
from cleartide.fold import Changes, Row, Table

from services.matching.domain.market import Market
from services.matching.domain.sealed.record import Commitment, Round
from services.matching.domain.state import MatchingState

MARKET_BATCHING: Final = Table(
    "market_batching",
    key=("market",),
    columns={"market": "text", "commit_micros": "bigint", "reveal_micros": "bigint", "bond_quanta": "bigint"},
)
ROUNDS: Final = Table(
    "rounds",
    key=("round_id",),
    columns={"round_id": "bigint", "market": "text", "closes_at": "bigint", "ends_at": "bigint"},
)
COMMITMENTS: Final = Table(
    "commitments",
    key=("commitment_id",),
    columns={
        "commitment_id": "bigint",
        "round_id": "bigint",
        "account": "text",
        "digest": "text",
        "bond_quanta": "bigint",
        "actor": "text",
        "salt": "text",
        "revealed": "text",
    },
)
SEALED_TABLES: Final[tuple[Table, ...]] = (MARKET_BATCHING, ROUNDS, COMMITMENTS)


def batching_by_market(rows: Mapping[str, Sequence[Row]]) -> dict[str, BatchTerms]:
    """The terms of the markets that batch."""
    names = list(MARKET_BATCHING.columns)[1:]
    stored = rows[MARKET_BATCHING.name]
    return {market: BatchTerms(**dict(zip(names, values, strict=True))) for market, *values in stored}


def collect_batching(changes: Changes, market: Market) -> None:
    """How a market batches, if it does."""
    terms = market.spec.batching
    if terms is None:
        changes.delete(MARKET_BATCHING, (market.id,))
    else:
        changes.put(MARKET_BATCHING, (market.id, terms.commit_micros, terms.reveal_micros, terms.bond_quanta))


def restore(state: MatchingState, rows: Mapping[str, Sequence[Row]]) -> None:
    """Take the rounds back by their numbers, so that the newest of a market collects."""
    for row in sorted(rows[ROUNDS.name]):
        round_ = Round(*row)
        state.rounds.put(round_)
        state.deadlines.set(round_.deadline)
    for *fields, revealed in sorted(rows[COMMITMENTS.name], key=lambda row: row[0]):
        commitment = Commitment(*fields)
        commitment.order = OrderTerms.model_validate_json(revealed) if revealed else None
        state.rounds.add(commitment)


def collect(changes: Changes, state: MatchingState) -> None:
    """Rows of what has changed, and the keys of what is over."""
    rounds = state.rounds
    for number in sorted(rounds.touched):
        round_ = rounds.open.get(number)
        if round_ is None:
            changes.delete(ROUNDS, (number,))
        else:
            changes.put(ROUNDS, (number, round_.market, round_.closes_at, round_.ends_at))
    for number in sorted(rounds.touched_commitments):
        held = rounds.sealed.get(number)
        if held is None:
            changes.delete(COMMITMENTS, (number,))
            continue
        revealed = held.order.model_dump_json(exclude_defaults=True) if held.order is not None else ""
        sealed = (number, held.round_id, held.account, held.digest, held.bond)
        changes.put(COMMITMENTS, (*sealed, held.actor, held.salt, revealed))
    rounds.touched, rounds.touched_commitments = set(), set()
