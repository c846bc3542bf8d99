"""Committing to an order and opening the commitment: the two halves of a sealed order, each in its own window."""

from typing import Final

from cleartide.contracts import CommitmentRejected, CommitOrder, OrderCommitted, OrderRevealed, RevealOrder
from cleartide.contracts.sealed import MOST_COMMITMENTS
from cleartide.rules.accounts import SYSTEM_ACCOUNTS
from cleartide.rules.sealing import digest_of

from services.matching.domain.access import require, require_market
from services.matching.domain.accounts import Account
from services.matching.domain.errors import Refused
from services.matching.domain.market import Market
from services.matching.domain.moves import require_free
from services.matching.domain.output import Output
from services.matching.domain.sealed import bonds
from services.matching.domain.sealed.record import Commitment
from services.matching.domain.state import MatchingState

MOST_OF_ACCOUNT: Final = 16
"""Commitments of one account in one round, so that nobody fills it alone."""


def commit(state: MatchingState, command: CommitOrder, out: Output) -> None:
    """Lock the bond and take part in the round that collects now; what was ordered nobody knows yet."""
    try:
        account, market = _known(state, command)
        _require_place(state, account, market, command.digest, out.at)
    except Refused as verdict:
        _refuse(out, command, None, verdict.reason)
        return
    terms = market.spec.batching
    assert terms is not None
    round_ = state.rounds.take(market.id, terms, out.at)
    state.deadlines.set(round_.deadline)
    state.rounds.commitments += 1
    commitment = Commitment(state.rounds.commitments, round_.number, account.name, command.digest, terms.bond_quanta)
    state.rounds.add(commitment)
    state.rounds.touched_commitments.add(commitment.number)
    bonds.lock(state, out, commitment)
    out.emit(
        OrderCommitted,
        commitment_id=commitment.number,
        round_id=round_.number,
        account=account.name,
        market=market.id,
        digest=commitment.digest,
        bond_quanta=commitment.bond,
        reveals_from=round_.closes_at,
        reveals_until=round_.ends_at,
    )


def reveal(state: MatchingState, command: RevealOrder, out: Output) -> None:
    """Open a commitment. Not while its round still collects: who commits later must not know what others want."""
    try:
        account, market = _known(state, command)
        commitment = _to_open(state, account, market, command, out.at)
    except Refused as verdict:
        _refuse(out, command, command.commitment_id, verdict.reason)
        return
    commitment.actor, commitment.salt, commitment.order = command.actor, command.salt, command.order
    state.rounds.touched_commitments.add(commitment.number)
    out.emit(
        OrderRevealed,
        commitment_id=commitment.number,
        round_id=commitment.round_id,
        account=account.name,
        market=market.id,
        client_order_id=command.order.client_order_id,
    )


def _known(state: MatchingState, command: CommitOrder | RevealOrder) -> tuple[Account, Market]:
    if command.account in SYSTEM_ACCOUNTS:
        raise Refused("reserved_account")
    account, market = state.accounts.get(command.account), state.markets.get(command.market)
    if market is None:
        raise Refused("unknown_market")
    if account is None:
        raise Refused("unknown_account")
    require(account, command.actor, "trade")
    require_market(account, market.id)
    return account, market


def _require_place(state: MatchingState, account: Account, market: Market, digest: str, at: int) -> None:
    """Whether the market batches, the round has room, and the account can pay the bond. Raises Refused."""
    if market.spec.batching is None:
        raise Refused("not_batched")
    if market.status.state == "delisted":
        raise Refused("market_delisted")
    if any((held.account, held.digest) == (account.name, digest) for held in state.rounds.sealed.values()):
        raise Refused("duplicate_commitment")
    collecting = state.rounds.collecting.get(market.id)
    if collecting is not None and at < collecting.closes_at:
        if collecting.of(account.name) >= MOST_OF_ACCOUNT:
            raise Refused("too_many_commitments")
        if len(collecting.commitments) >= MOST_COMMITMENTS:
            raise Refused("round_full")
    require_free(account, bonds.asset(state), market.spec.batching.bond_quanta)


def _to_open(state: MatchingState, account: Account, market: Market, command: RevealOrder, at: int) -> Commitment:
    commitment = state.rounds.sealed.get(command.commitment_id)
    if commitment is None or commitment.account != account.name:
        raise Refused("unknown_commitment")
    round_ = state.rounds.open[commitment.round_id]
    if round_.market != market.id:
        raise Refused("unknown_commitment")
    if at < round_.closes_at:
        raise Refused("still_collecting")
    if commitment.order is not None:
        raise Refused("already_revealed")
    if digest_of(account.name, market.id, command.salt, command.order) != commitment.digest:
        raise Refused("digest_mismatch")
    return commitment


def _refuse(out: Output, command: CommitOrder | RevealOrder, number: int | None, reason: str) -> None:
    out.emit(CommitmentRejected, commitment_id=number, account=command.account, market=command.market, reason=reason)
